"""The verbs of the command line as functions: training, resuming, drawing and inspecting."""

from gpae.library.inspecting import inspect_run
from gpae.library.rendering import render
from gpae.library.training import TrainedRun, resume, train

__all__ = ["TrainedRun", "inspect_run", "render", "resume", "train"]

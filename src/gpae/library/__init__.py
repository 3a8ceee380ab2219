"""The verbs of the command line as functions: training, resuming and drawing from Python."""

from gpae.library.rendering import render
from gpae.library.training import TrainedRun, resume, train

__all__ = ["TrainedRun", "render", "resume", "train"]

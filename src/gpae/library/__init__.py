"""The verbs of the command line as functions: training and resuming from a program of one's own."""

from gpae.library.training import TrainedRun, resume, train

__all__ = ["TrainedRun", "resume", "train"]

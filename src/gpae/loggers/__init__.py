"""Loggers by name: where a run's numbers go besides its own records, one file each."""

from gpae.loggers.csv import Csv
from gpae.loggers.logger import LOGGERS, LoggedRun, Logger, Status, register_logger
from gpae.loggers.mlflow import Mlflow
from gpae.loggers.packages import require_packages
from gpae.loggers.tensorboard import TensorBoard
from gpae.loggers.wandb import Wandb

__all__ = [
    "LOGGERS",
    "Csv",
    "LoggedRun",
    "Logger",
    "Mlflow",
    "Status",
    "TensorBoard",
    "Wandb",
    "register_logger",
    "require_packages",
]

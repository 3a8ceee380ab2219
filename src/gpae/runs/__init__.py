"""Runs on disk: folders and locks, records, checkpoints, and requests to stop."""

from gpae.runs.checkpoints import Checkpoints
from gpae.runs.folder import RunFolder, config_differences, same_but_for_seeds
from gpae.runs.metrics import MetricsWriter
from gpae.runs.records import RecordFile
from gpae.runs.signals import StopRequest
from gpae.runs.versions import changed_versions, versions

__all__ = [
    "Checkpoints",
    "MetricsWriter",
    "RecordFile",
    "RunFolder",
    "StopRequest",
    "changed_versions",
    "config_differences",
    "same_but_for_seeds",
    "versions",
]

"""MLflow, on a server or in a local database."""

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from gpae.loggers.logger import LoggedRun, Logger, Status, register_logger

_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
_LARGEST_BATCH = 500
_SECONDS_BETWEEN_BATCHES = 10.0
_PARAMS_AT_ONCE = 100
_LONGEST_PARAM = 500
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""Settings of MLflow's by which a server that does not answer holds the run up for a minute."""


@register_logger("mlflow")
class Mlflow(Logger):
    """A run of the experiment ``MLFLOW_EXPERIMENT_NAME``, or ``gpae``, under one id always.

    It goes where ``MLFLOW_TRACKING_URI`` says, else to the database ``.mlflow.db`` beside the run's
    folder. Metrics are sent in batches, at the latest after ten seconds.
    """

    packages = ("mlflow", "sqlalchemy", "alembic")

    def __init__(self, run: LoggedRun) -> None:
        from mlflow import MlflowClient

        super().__init__(run)
        for name, value in _PATIENCE.items():
            os.environ.setdefault(name, value)
        root = run.folder.resolve().parent
        self._client = MlflowClient(
            tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{root / '.mlflow.db'}")
        )
        self._id = run.kept_id("mlflow") or self._created()
        run.keep_id("mlflow", self._id)
        self._client.update_run(self._id, "RUNNING")
        self._waiting: list[Any] = []
        self._sent = time.monotonic()

    def _created(self) -> str:
        """The id of a new run, whose parameters are the configuration."""
        from mlflow.entities import Param

        run = self.run
        tags = {
            "task": run.task,
            "method": run.method,
            "seed": str(run.seed),
            "tags": ", ".join(run.tags),
        }
        created = self._client.create_run(self._experiment(), run_name=run.name, tags=tags)
        params = [Param(name, text[:_LONGEST_PARAM]) for name, text in _flat(run.config)]
        for start in range(0, len(params), _PARAMS_AT_ONCE):
            self._client.log_batch(
                created.info.run_id, params=params[start : start + _PARAMS_AT_ONCE]
            )
        return str(created.info.run_id)

    def _experiment(self) -> str:
        """The id of the experiment, which is made where there is none."""
        from mlflow.exceptions import MlflowException

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "gpae")
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._client.create_experiment(name))
            except MlflowException:
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def metrics(self, values: Mapping[str, float], env_steps: int) -> None:
        """Log numbers over environment steps, with the next batch."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self._waiting += [Metric(name, value, now, env_steps) for name, value in values.items()]
        late = time.monotonic() - self._sent > _SECONDS_BETWEEN_BATCHES
        if late or len(self._waiting) >= _LARGEST_BATCH:
            self._send()

    def results(self, values: Mapping[str, float]) -> None:
        """Log the results as metrics of step 0."""
        self.metrics(values, 0)

    def close(self, status: Status) -> None:
        """Send what is left, and the run's status: FINISHED, KILLED for a stop, or FAILED."""
        self._send()
        self._client.set_terminated(self._id, _STATUS[status])

    def _send(self) -> None:
        waiting, self._waiting, self._sent = self._waiting, [], time.monotonic()
        for start in range(0, len(waiting), _LARGEST_BATCH):
            self._client.log_batch(self._id, metrics=waiting[start : start + _LARGEST_BATCH])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings by dotted name, as text."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)

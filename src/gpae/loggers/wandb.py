"""Weights & Biases, online, or offline to be synchronised later."""

import os
import secrets
from collections.abc import Mapping
from typing import Any

from gpae.loggers.logger import LoggedRun, Logger, Status, register_logger
from gpae.loggers.network import require_answer

_CONNECTION_SECONDS = 30.0
_UPLOAD_SECONDS = 120.0


@register_logger("wandb")
class Wandb(Logger):
    """A run of the project ``WANDB_PROJECT``, or ``gpae``, under one id in all its sittings.

    W&B's environment variables hold, such as ``WANDB_MODE=offline``, ``WANDB_ENTITY`` and
    ``WANDB_DIR``. Where it cannot be reached at the start, the run is recorded offline, in its own
    folder unless ``WANDB_DIR`` names another.
    """

    packages = ("wandb",)

    def __init__(self, run: LoggedRun) -> None:
        import wandb

        super().__init__(run)
        known = run.kept_id("wandb")
        self._id = known or secrets.token_hex(4)
        self._run = self._begun(wandb)
        if known is None:
            run.keep_id("wandb", self._id)
        self._run.define_metric("env_steps", hidden=True)
        self._run.define_metric("*", step_metric="env_steps")

    def _begun(self, wandb: Any) -> Any:
        """The run at W&B, offline where it cannot be reached."""
        mode = os.environ.get("WANDB_MODE")
        if mode not in (None, "online"):
            return self._init(wandb, mode)
        try:
            require_answer(wandb.setup().settings.base_url)
            return self._init(wandb, mode)
        except Exception as error:
            run = self._init(wandb, "offline")
            self.run.say(
                f"note: W&B cannot be reached ({' '.join(str(error).split())}): recorded offline, "
                f"to be sent by `wandb sync {run.settings.sync_dir}`"
            )
            return run

    def _init(self, wandb: Any, mode: str | None) -> Any:
        run = self.run
        return wandb.init(
            project=os.environ.get("WANDB_PROJECT", "gpae"),
            id=self._id,
            name=run.name,
            group=f"{run.method} on {run.task}",
            tags=[each for each in (run.task, run.method, *run.tags) if each],
            config=dict(run.config),
            dir=os.environ.get("WANDB_DIR", str(run.folder)),
            mode=mode,
            resume="allow",
            reinit="create_new",
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=_CONNECTION_SECONDS,
                login_timeout=_CONNECTION_SECONDS,
                finish_timeout=_UPLOAD_SECONDS,
                finish_timeout_raises=True,
            ),
        )

    def metrics(self, values: Mapping[str, float], env_steps: int) -> None:
        """Log numbers over environment steps."""
        self._run.log({"env_steps": env_steps, **values})

    def results(self, values: Mapping[str, float]) -> None:
        """Put the results into the run's summary."""
        self._run.summary.update(dict(values))

    def close(self, status: Status) -> None:
        """Send what is left, for two minutes at most; a run that diverged has exit code 1."""
        self._run.finish(exit_code=1 if status == "failed" else 0)

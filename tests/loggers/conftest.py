"""A run's records written through its loggers, without any training."""

import pytest

from gpae.runs import MetricsWriter, RunFolder


def record(update, value=0.5):
    return {
        "update": update,
        "env_steps": 100 * update,
        "gradient_steps": 5 * update,
        "train/win_rate": value,
    }


def evaluation(update, *, absolute=False):
    wins = [1.0, 0.0, 1.0, 1.0]
    described = {"mode": "greedy", "episodes": 4, "win_rate": wins, "absolute": absolute}
    return {"update": update, "env_steps": 100 * update, **described}


@pytest.fixture
def make_run(tmp_path):
    """A run folder with some loggers."""

    def make(*loggers, name="run", seed=0, tags=("first",)):
        config = {
            "seed": seed,
            "task": {"name": "smax/3m"},
            "method": {"name": "gpae", "eta": 1.05},
            "run": {"loggers": list(loggers), "tags": list(tags)},
        }
        return RunFolder.create(tmp_path / "runs" / name, config)

    return make


@pytest.fixture
def said():
    return []


@pytest.fixture
def sitting(said):
    """Write records of some updates, an evaluation after the last, and the end if it is there."""

    def write(run, updates, *, resume=None, status="stopped", value=0.5):
        with MetricsWriter(run, resume, said.append) as writer:
            for update in updates:
                writer.write(record(update, value))
            writer.write_evaluation(evaluation(updates[-1]))
            if status == "finished":
                writer.write_evaluation(evaluation(updates[-1], absolute=True))
            writer.status = status
        return run

    return write

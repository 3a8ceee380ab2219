import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gpae.runs import MetricsWriter, RunFolder

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a run with given win rates: one list of episodes per evaluation."""
    return run_maker(tmp_path)


@pytest.fixture(scope="module")
def make_run_of_module(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """The same, for runs that a module's tests share."""
    return run_maker(tmp_path_factory.mktemp("runs"))


def run_maker(root: Path) -> MakeRun:
    def make(
        name: str,
        win_rates: Sequence[Sequence[float]] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),
        *,
        task: str = "smax/3m",
        method: str = "gpae",
        seed: int = 0,
        mode: str = "greedy",
        finished: bool = True,
        metric: str = "win_rate",
        direction: str | None = None,
        task_settings: dict[str, object] | None = None,
        method_settings: dict[str, object] | None = None,
        versions: dict[str, object] | None = None,
        **settings: object,
    ) -> Path:
        config = {
            "seed": seed,
            "task": {"name": task, **(task_settings or {})},
            "method": {"name": method, **(method_settings or {})},
            **settings,
        }
        run = RunFolder.create(root / name, config)
        if versions is not None:
            run.versions_path.write_text(json.dumps({**run.versions(), **versions}))
        said = {"headline": metric, "direction": {metric: direction}} if direction else {}
        with MetricsWriter(run) as writer:
            for update, episodes in enumerate(win_rates, start=1):
                counters = {"update": update, "env_steps": 500_000 * update}
                mean = sum(episodes) / len(episodes)
                writer.write({**counters, "train/win_rate": mean, "train/episode_return": 2 * mean})
                scores = {
                    metric: list(episodes),
                    "episode_return": [2.0 * score for score in episodes],
                }
                described = {**counters, "mode": mode, **said, "episodes": len(episodes), **scores}
                writer.write_evaluation({**described, "absolute": False})
            if finished:
                tenfold = {name: values * 10 for name, values in scores.items()}
                writer.write_evaluation({**described, **tenfold, "absolute": True})
        return run.path

    return make

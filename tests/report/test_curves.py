from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gpae.errors import UserError
from gpae.report.curves import COLOURS, aligned, band_of, compare_curves, learning_curve
from gpae.runs import RunFolder

MakeRun = Callable[..., Path]


def pixels(picture: Path) -> np.ndarray:
    return matplotlib.image.imread(picture)[..., :3]


def shows(picture: Path, colour: str) -> bool:
    near = np.abs(pixels(picture) - to_rgb(colour)).max(axis=-1) < 0.01
    return int(near.sum()) > 50


def test_one_run_shows_evaluation_and_training(make_run: MakeRun, tmp_path: Path) -> None:
    output = tmp_path / "pictures" / "curve.png"
    learning_curve(make_run("a"), output)
    assert pixels(output).std() > 0.05
    assert shows(output, COLOURS[0])
    assert shows(output, COLOURS[5])


def test_the_picture_depends_on_the_scores(make_run: MakeRun, tmp_path: Path) -> None:
    learning_curve(make_run("a", [[0.0], [1.0]]), tmp_path / "a.png")
    learning_curve(make_run("b", [[1.0], [0.0]]), tmp_path / "b.png")
    learning_curve(make_run("c", [[0.0], [1.0]]), tmp_path / "c.png")
    assert not np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "c.png"))


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("a.png", b"\x89PNG"), ("a", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.SVG", b"<?xml")],
)
def test_a_picture_is_of_the_kind_its_name_says(
    name: str, beginning: bytes, make_run: MakeRun, tmp_path: Path
) -> None:
    learning_curve(make_run("run"), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(beginning)


def test_names_that_no_picture_has_are_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("run")
    with pytest.raises(UserError, match=r"a\.txt is not a picture file: end it in \.png, \.pdf"):
        learning_curve(run, tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"cannot write \.: Is a directory"):
        learning_curve(run, Path())
    assert not (tmp_path / "a.txt").exists()


def test_a_run_without_records_is_refused(tmp_path: Path) -> None:
    config = {"seed": 0, "task": {"name": "smax/3m"}, "method": {"name": "gpae"}}
    run = RunFolder.create(tmp_path / "run", config)
    with pytest.raises(UserError, match="has recorded nothing to draw yet"):
        learning_curve(run.path, run.curve_path)
    with pytest.raises(UserError, match="none of the runs holds an evaluation"):
        compare_curves({"gpae": [run.path]}, run.curve_path)
    assert not run.curve_path.exists()


def test_groups_have_their_colours_and_tasks_their_panels(
    make_run: MakeRun, tmp_path: Path
) -> None:
    tasks = ("smax/3m", "smax/1s1z", "smax/8m")
    groups = {
        method: [
            make_run(f"{method}{task}{seed}", task=task, method=method, seed=seed)
            for task in tasks
            for seed in (0, 1)
        ]
        for method in ("gpae", "mappo")
    }
    compare_curves(groups, tmp_path / "three.png", title="SMAX")
    one_task = {method: runs[:2] for method, runs in groups.items()}
    compare_curves(one_task, tmp_path / "one.png")
    assert shows(tmp_path / "three.png", COLOURS[0])
    assert shows(tmp_path / "three.png", COLOURS[1])
    assert not shows(tmp_path / "one.png", COLOURS[2])
    widths = [pixels(tmp_path / f"{name}.png").shape[1] for name in ("one", "three")]
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("band", ["ci", "std", "sem"])
def test_the_band_widens_with_the_spread(make_run: MakeRun, tmp_path: Path, band: str) -> None:
    wide = [make_run("a", [[0.0], [0.1]]), make_run("b", [[1.0], [0.9]], seed=1)]
    narrow = [make_run("c", [[0.5], [0.5]]), make_run("d", [[0.5], [0.5]], seed=1)]
    for name, runs in (("wide", wide), ("narrow", narrow)):
        compare_curves({"gpae": runs}, tmp_path / f"{name}.png", "win_rate", band=band)
    inked = [(pixels(tmp_path / f"{n}.png").min(axis=-1) < 0.9).sum() for n in ("wide", "narrow")]
    assert inked[0] > 2 * inked[1]


def test_a_metric_nobody_recorded_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="evaluation without cost"):
        compare_curves({"gpae": [make_run("a")]}, tmp_path / "x.png", "cost")


def test_a_folder_in_place_of_the_picture_is_one_line(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    with pytest.raises(UserError, match=r"cannot write .*x\.png: Is a directory"):
        learning_curve(make_run("a"), tmp_path / "x.png")


def test_runs_of_different_length_are_averaged_where_they_exist() -> None:
    long = (np.array([1, 2, 3]), np.array([0.0, 0.5, 1.0]))
    short = (np.array([1, 2]), np.array([1.0, np.nan]))
    steps, values = aligned([short, long])
    np.testing.assert_array_equal(steps, [1, 2, 3])
    assert [list(at_step) for at_step in values] == [[1.0, 0.0], [0.5], [1.0]]


def test_bands_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0, 6.0])
    spread = np.sqrt(14 / 3)
    assert band_of(values, "std") == pytest.approx((3 - spread, 3 + spread))
    assert band_of(values, "sem") == pytest.approx((3 - spread / 2, 3 + spread / 2))
    low, high = band_of(values, "ci")
    assert 1.0 < low < 3.0 < high < 6.0
    assert band_of(values[:1], "std") == (1.0, 1.0)

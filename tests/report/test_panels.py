"""Comparisons side by side: one style per label, one panel per heading."""

import matplotlib.image
import pytest

from gpae.errors import UserError
from gpae.report import curves


@pytest.fixture
def drawn(monkeypatch):
    """Figure that would have been saved."""
    figures = []
    monkeypatch.setattr(curves, "save_picture", lambda figure, output: figures.append(figure))
    return figures


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_each_heading_has_a_panel_and_each_label_one_style(make_run, drawn, tmp_path):
    first, second = make_run("a"), make_run("b", seed=1)
    curves.compare_panels(
        {"left": {"gpae": [first], "mappo": [second]}, "right": {"mappo": [second]}},
        tmp_path / "panels.png",
    )
    left, right = drawn[0].axes
    assert (left.get_title(), right.get_title()) == ("left", "right")
    assert lines(left).keys() == {"gpae", "mappo"}
    assert lines(right).keys() == {"mappo"}
    assert lines(left)["mappo"].get_color() == lines(right)["mappo"].get_color()
    assert lines(left)["gpae"].get_color() != lines(left)["mappo"].get_color()


def test_a_picture_is_written(make_run, tmp_path):
    curves.compare_panels({"one": {"gpae": [make_run("a")]}}, tmp_path / "panels.png")
    assert matplotlib.image.imread(tmp_path / "panels.png")[..., :3].std() > 0.01


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(UserError, match="none of the runs holds an evaluation"):
        curves.compare_panels({"one": {"gpae": []}}, tmp_path / "panels.png")


@pytest.mark.parametrize(("length", "columns"), [(3, 3), (40, 1)])
def test_the_legend_has_as_many_columns_as_fit(make_run, drawn, tmp_path, length, columns):
    runs = [make_run(str(seed), seed=seed) for seed in range(3)]
    groups = {letter * length: [run] for letter, run in zip("abc", runs, strict=True)}
    curves.compare_panels({"one": groups}, tmp_path / "panels.png")
    (figure,) = drawn
    figure.savefig(tmp_path / "drawn.png")
    (legend,) = figure.legends
    assert legend._ncols == columns
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= 0

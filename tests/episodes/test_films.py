"""Films are written as the files that they say, one picture a moment, and read back by others."""

import numpy as np
import pytest
from PIL import Image

from gpae.environments.wrappers import ForcedStopState
from gpae.episodes import Episode, scene_of, theme
from gpae.episodes.files import Timing, require_format, write_film
from gpae.episodes.film import Film, scaled, shortened
from gpae.episodes.scene import require_scene
from gpae.errors import UserError

GREEN = (0, 160, 0)


STEPS = 8


@pytest.fixture(scope="module")
def episode():
    """Two agents who walk to and fro on their rails, one against the other."""
    time = np.arange(STEPS + 1)
    alive = np.ones((STEPS + 1, 2), bool)
    places = np.stack([time % 4, 3 - time % 4], 1)
    state = {"time": time, "places": places, "alive": alive}
    return Episode(
        number=0,
        states=ForcedStopState(inner=state, alive=alive),
        observation=None,
        hidden_states=None,
        actions=np.zeros((STEPS, 2), int),
        log_probs=np.zeros((STEPS, 2)),
        rewards=np.full(STEPS, 0.25),
        team_rewards=np.full(STEPS, 0.25),
        terminated=time[1:] == STEPS,
        truncated=np.zeros(STEPS, bool),
        forced=np.zeros((STEPS, 2), bool),
        metrics={"far": 1.5},
    )


@pytest.fixture(scope="module")
def film(forcing_rails, episode):
    return Film("toy/rails", episode, scene_of(forcing_rails, episode.states), 160)


def test_a_film_shows_the_environments_own_pictures_enlarged(film, forcing_rails):
    assert len(film) == len(film.episode) + 1 == len(list(film))
    for moment in (0, len(film) - 1):
        picture = np.asarray(film[moment])[film.line_height :]
        places = film.episode.states.inner["places"][moment]
        for agent, place in enumerate(places):
            colours = picture[40 * agent + 20, 20::40][:4]
            assert [tuple(each) for each in colours].index(GREEN) == place


def test_the_step_and_the_return_are_written_above(film):
    strips = [np.asarray(picture)[: film.line_height] for picture in film]
    assert all((strip < 128).any() for strip in strips)
    assert len({strip.tobytes() for strip in strips}) == len(strips)


def test_the_metrics_are_written_below_at_the_end_alone(film):
    below = [np.asarray(picture)[film.line_height + 80 :] for picture in film]
    written = [bool((strip < 128).any()) for strip in below]
    assert written == [False] * (len(film) - 1) + [True]


def test_a_gif_has_a_picture_for_every_moment(film, tmp_path):
    path = tmp_path / "new/film.gif"
    assert write_film(film, path, Timing(fps=10)) == len(film)
    with Image.open(path) as gif:
        assert gif.n_frames == len(film)
        assert gif.size == film[0].size
        for moment in (0, 3, len(film) - 1):
            gif.seek(moment)
            difference = np.abs(np.asarray(gif.convert("RGB"), int) - np.asarray(film[moment], int))
            assert difference.mean() < 4
            assert gif.info["duration"] == (1600 if moment == len(film) - 1 else 100)
    assert sorted(path.parent.iterdir()) == [path], "nothing else was left"


def test_some_pictures_may_be_left_out_but_never_the_last(film, tmp_path):
    assert Timing(every=3).moments(9) == [0, 3, 6, 8]
    assert Timing(every=3).moments(10) == [0, 3, 6, 9]
    count = write_film(film, tmp_path / "film.gif", Timing(every=4))
    assert count == len(Timing(every=4).moments(len(film))) < len(film)


def test_a_png_is_a_sheet_of_six_moments_evenly_apart(film, tmp_path):
    path = tmp_path / "film.png"
    assert write_film(film, path, Timing()) == 6
    with Image.open(path) as sheet:
        width, height = film[0].size
        gap = (sheet.width - 2 * width) // 3
        assert sheet.height == 3 * height + 4 * gap
        last = (
            gap + width + gap,
            sheet.height - gap - height,
            sheet.width - gap,
            sheet.height - gap,
        )
        np.testing.assert_array_equal(sheet.crop(last), film[len(film) - 1])
        assert sheet.getpixel((1, 1)) == theme.LINE


@pytest.mark.filterwarnings("ignore:os.fork")
def test_an_mp4_has_a_picture_for_every_moment_and_stays_at_the_last(film, tmp_path):
    reader = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "film.mp4"
    assert write_film(film, path, Timing(fps=10)) == len(film)
    frames = reader.read_frames(str(path))
    assert next(frames)["source_size"] == film[0].size
    frames = list(frames)
    assert len(frames) == len(film) + 15
    first = np.frombuffer(frames[0], np.uint8).reshape(np.asarray(film[0]).shape)
    assert np.abs(first.astype(int) - np.asarray(film[0], int)).mean() < 8
    assert sorted(tmp_path.iterdir()) == [path]


def test_an_mp4_without_its_encoder_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"imageio-ffmpeg.*pip install 'gpae\[render\]'"):
        require_format(tmp_path / "film.mp4")


@pytest.mark.parametrize("name", ["film", "film.avi", "film.gif.txt"])
def test_other_formats_are_refused(name, tmp_path):
    with pytest.raises(UserError, match=r"must end with \.gif, \.mp4 or \.png"):
        require_format(tmp_path / name)


def test_a_disk_that_refuses_is_one_line(film, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*film\.gif"):
        write_film(film, tmp_path / "file/film.gif", Timing())


def test_a_title_that_is_too_long_ends_with_an_ellipsis():
    font = theme.font(14, bold=True)
    whole = "jaxmarl/MPE_simple_speaker_listener_v4"
    assert shortened(whole, font, font.getlength(whole)) == whole
    short = shortened(whole, font, 120.0)
    assert short.endswith("…")
    assert whole.startswith(short[:-1])
    assert 100.0 < font.getlength(short) <= 120.0
    assert shortened(whole, font, 1.0) == ""


def test_small_pictures_keep_hard_edges_and_large_ones_are_smoothed():
    picture = Image.fromarray(np.uint8([[[0] * 3, [200] * 3]]))
    assert set(np.unique(scaled(picture, 160))) == {0, 200}
    assert len(np.unique(scaled(picture.resize((80, 40), 0), 100))) > 2


def test_an_environment_without_a_picture_is_refused_with_what_to_write(blind):
    with pytest.raises(UserError, match=r"toy/blind has no picture.*render\(state\).*\[H, W, 3\]"):
        require_scene(blind)


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 4)), np.zeros((2, 4, 3)), np.zeros((2, 4, 4), np.uint8)]
)
def test_a_render_that_returns_no_picture_is_refused(wrong, rails, episode, monkeypatch):
    monkeypatch.setattr(type(rails), "render", lambda environment, state: wrong)
    pictures = scene_of(rails, episode.states.inner)
    with pytest.raises(
        UserError, match=r"render\(state\) must give a picture \[H, W, 3\] of uint8"
    ):
        pictures[0]

"""The page in a headless Chromium: it plays, scrubs and highlights, and its numbers are right."""

import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest

from gpae.inspect.page import write_page

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra browser")

pytestmark = pytest.mark.slow

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LAST = 11
FORCED_STEP, FORCED_AGENT = 4, 1


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium: the system's, or the one that playwright installed."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no Chromium to test with: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(made, made_large, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    write_page(made.document, folder / "small.html")
    write_page(made_large.document, folder / "large.html")
    return folder


@dataclass(frozen=True)
class Opened:
    """A page, with everything that it asked for and complained about."""

    page: object
    requests: list
    complaints: list

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def step(self):
        return int(re.match(r"step (\d+)", self.text("#clock"))[1])

    def settle(self):
        """Wait for drawings that were asked for."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def lit(self):
        """The agents that the table and the list of agents highlight."""
        rows = self.page.locator("#table tbody tr.lit").evaluate_all(
            "rows => rows.map(row => Number(row.dataset.agent))"
        )
        chips = self.page.locator("#agents button.lit").evaluate_all(
            "chips => chips.map(chip => Number(chip.dataset.agent))"
        )
        assert rows == chips
        return rows

    def pictures(self):
        """What every canvas shows, by its place."""
        self.settle()
        return self.page.locator(".battle canvas, .plot canvas").evaluate_all(
            "canvases => canvases.map(canvas => canvas.toDataURL())"
        )


@pytest.fixture
def opened(chromium, files):
    """Open a page, which must then ask for nothing and complain of nothing."""

    @contextmanager
    def open_page(name="small", width=1280, height=800, **settings):
        context = chromium.new_context(viewport={"width": width, "height": height}, **settings)
        page, requests, complaints = context.new_page(), [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((files / f"{name}.html").as_uri())
        yield Opened(page, requests, complaints)
        assert complaints == []
        assert [each for each in requests if not each.startswith(("file:", "data:"))] == []
        assert sum(each.startswith("file:") for each in requests) == 1
        context.close()

    return open_page


def shown_numbers(opened):
    """The table's numbers as [agent][column], with what they are written as."""
    return opened.page.locator("#table tbody tr").evaluate_all(
        """rows => rows.map(row => Object.fromEntries(
            [...row.querySelectorAll("td[data-column]")].map(cell => {
                const value = cell.querySelector("[data-value]");
                const error = cell.querySelector("[data-error]");
                return [cell.dataset.column, {
                    text: cell.innerText,
                    value: value && Number(value.dataset.value),
                    error: error && Number(error.dataset.error),
                }];
            })))"""
    )


def written(value, digits=3):
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def test_it_plays_to_the_end_and_stops_there(opened):
    with opened() as page:
        page.page.select_option("#speed", "16")
        page.press("Space")
        page.page.wait_for_selector("#play[aria-label=Play]")
        assert page.step() == LAST


def test_a_pause_holds_the_step(opened):
    with opened() as page:
        steps = page.page.evaluate(
            """async () => {
                const picture = () => new Promise(requestAnimationFrame);
                const [play, scrub] = ["play", "scrub"].map(id => document.getElementById(id));
                play.click();
                while (scrub.value === "0") await picture();
                play.click();
                const held = scrub.value;
                for (let count = 0; count < 20; count++) await picture();
                return [held, scrub.value, play.ariaLabel];
            }"""
        )
        assert steps[0] in ("1", "2")
        assert steps[1:] == [steps[0], "Play"]


def test_it_is_scrubbed_by_keys_slider_and_charts(opened):
    with opened() as page:
        page.press("ArrowRight", "ArrowRight", "ArrowLeft")
        assert page.step() == 1
        page.press("End")
        assert page.step() == LAST
        page.press("ArrowRight", "Shift+ArrowLeft")
        assert page.step() == 1
        page.press("Home", "ArrowLeft")
        assert page.step() == 0
        page.page.locator("#scrub").fill("7")
        page.settle()
        assert page.step() == 7
        for chart in ("gpae", "truth"):
            box = page.page.locator(f'[data-source="{chart}"] .u-over').bounding_box()
            page.page.mouse.move(box["x"] + 2, box["y"] + 20)
            page.page.mouse.down()
            page.page.mouse.move(box["x"] + box["width"] * 3.5 / 12, box["y"] + 20)
            page.page.mouse.up()
            page.settle()
            assert page.step() == 3
            page.press("Home")


def test_one_cursor_stands_at_the_step_in_every_chart(opened):
    with opened() as page:
        page.press("Home", *["ArrowRight"] * 5)
        cursors = page.page.locator(".now").evaluate_all(
            """lines => lines.map(line => {
                const over = line.parentElement.getBoundingClientRect();
                return (line.getBoundingClientRect().left - over.left) / over.width;
            })"""
        )
        assert len(cursors) == 5
        np.testing.assert_allclose(cursors, 5.5 / 12, atol=0.01)


def test_every_number_is_that_of_its_array(opened, made):
    with opened() as page:
        for episode, made_episode in enumerate(made.episodes):
            page.page.locator("#episodes button").nth(episode).click()
            page.press("Home")
            for step in range(LAST + 1):
                page.settle()
                assert page.step() == step
                check_step(shown_numbers(page), made_episode, step)
                page.press("ArrowRight")


def check_step(numbers, episode, step):
    """The numbers of one step beside the arrays."""
    truth = episode["truth"]
    measured = np.flatnonzero(truth["steps"] == step)
    for agent, row in enumerate(numbers):
        if not episode["alive"][step, agent]:
            assert row["action"]["text"] == "dead"
            assert row["gpae"]["value"] is None
            continue
        for name in ("gpae", "gpae, lambda 0"):
            value = np.float32(episode["advantages"][name][step, agent])
            assert np.float32(row[name]["value"]) == value
            assert row[name]["text"] == written(value)
        for name in ("ratio", "trace"):
            assert np.float32(row[name]["value"]) == np.float32(episode[name][step, agent])
        assert row["probability"]["text"] == f"{episode['probabilities'][step, agent]:.2f}"
        if not len(measured):
            assert row["truth"]["text"] == "\N{EN DASH}"
            continue
        value, error = (
            np.float32(truth[name][measured[0], agent]) for name in ("advantages", "errors")
        )
        assert np.float32(row["truth"]["value"]) == value
        assert np.float32(row["truth"]["error"]) == error
        assert row["truth"]["text"] == f"{written(value)} ± {error:.3f}"


def test_sums_over_the_episode_are_over_the_steps_that_have_a_truth(opened, made):
    episode = made.episodes[0]
    steps = episode["truth"]["steps"]
    with opened() as page:
        page.page.click("[data-span=episode]")
        page.settle()
        assert page.text("#moment-title") == "Sums over the 6 steps of episode 1 that have a truth"
        whole = episode["advantages"]["gpae"].astype(np.float32).sum(0)
        chips = page.page.locator("#agents .sum").all_inner_texts()
        assert chips == [written(value, digits=2) for value in whole]
        for agent, row in enumerate(shown_numbers(page)):
            own = episode["advantages"]["gpae"].astype(np.float32)[steps, agent].sum()
            assert row["gpae"]["value"] == pytest.approx(own, abs=1e-5)
            truth = episode["truth"]["advantages"][:, agent].sum()
            assert row["truth"]["value"] == pytest.approx(truth, abs=1e-5)
            assert "ratio" not in row


def test_a_forced_action_is_marked_with_its_gap(opened, made):
    episode = made.episodes[0]
    with opened() as page:
        assert page.page.locator("#forced").is_hidden()
        page.press("f")
        assert page.step() == FORCED_STEP
        assert "forced" in shown_numbers(page)[FORCED_AGENT]["action"]["text"]
        for name in ("gpae", "truth"):
            values = (
                episode["truth"]["advantages"][FORCED_STEP // 2]
                if name == "truth"
                else episode["advantages"][name][FORCED_STEP]
            )
            gap = np.delete(values, FORCED_AGENT).mean() - values[FORCED_AGENT]
            shown = page.page.locator(f'#forced [data-gap="{name}"]')
            assert float(shown.get_attribute("data-value")) == pytest.approx(gap, abs=1e-5)
            assert shown.inner_text() == written(gap)


def test_an_agent_under_the_cursor_is_highlighted_everywhere(opened):
    with opened() as page:
        before = page.pictures()
        page.page.hover('#table tr[data-agent="2"]')
        assert page.lit() == [2]
        changed = [old != new for old, new in zip(before, page.pictures(), strict=True)]
        assert all(changed)
        canvas = page.page.locator("#battle").bounding_box()
        middle = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
        page.page.mouse.move(middle[0], middle[1] + 10)
        page.settle()
        assert page.lit() == [0]
        page.page.mouse.move(canvas["x"] + 3, canvas["y"] + 3)
        page.settle()
        assert page.lit() == []
        assert page.pictures() == before


def test_keys_and_clicks_keep_an_agent(opened):
    with opened() as page:
        page.press("1")
        assert page.lit() == [1]
        assert page.page.locator("#agents [aria-pressed=true]").count() == 1
        page.press("]")
        assert page.lit() == [2]
        assert "Agent 2" in page.text("#alternatives")
        page.press("Escape")
        assert page.lit() == []
        page.press("9")
        assert page.lit() == []


def test_the_alternatives_of_an_agent_are_its_true_advantages(opened, made):
    truth = made.episodes[0]["alternatives"]["advantages"][0, 1]
    with opened() as page:
        page.press("1")
        shown = page.page.locator("#alternatives li .number:last-child").all_inner_texts()
        assert shown == [written(value) for value in sorted(truth, reverse=True)]
        assert "attack <enemy> 0" in page.text("#alternatives")


def test_estimators_are_shown_and_hidden(opened):
    with opened() as page:
        charts = page.page.locator(".chart")
        assert charts.count() == 5
        page.page.click('#sources [data-source="gpae, lambda 1"]')
        page.page.click('#sources [data-source="trace"]')
        page.page.click('#sources [data-source="ratio"]')
        page.settle()
        names = charts.evaluate_all("charts => charts.map(chart => chart.dataset.source)")
        assert names == ["gpae", "truth", "gpae, lambda 0", "gpae, lambda 1"]
        assert "rank correlation with truth 0.50, same sign 75 %" in page.text("#charts")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark_as_the_system_is_and_can_be_turned(opened, scheme):
    background = "getComputedStyle(document.body).backgroundColor"
    with opened(color_scheme=scheme) as page:
        colour = page.page.evaluate(background)
        assert (sum(map(int, re.findall(r"\d+", colour))) > 380) == (scheme == "light")
        before = page.pictures()
        page.page.click("#theme")
        assert page.page.evaluate(background) != colour
        assert all(old != new for old, new in zip(before, page.pictures(), strict=True))


@pytest.mark.parametrize("width", [1440, 768, 390, 320])
def test_nothing_is_wider_than_the_screen(opened, width):
    with opened(width=width, height=700) as page:
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        battle = page.page.locator("#battle").bounding_box()
        assert battle["width"] > 0.4 * width or battle["height"] > 400


def cursor_while_playing(page):
    """The cursor's places in steps, picture by picture, while the episode plays."""
    return page.page.evaluate(
        """async () => {
            const line = document.querySelector(".now"), over = line.parentElement;
            const places = [], play = document.getElementById("play");
            document.getElementById("speed").value = "2";
            document.getElementById("speed").dispatchEvent(new Event("change"));
            play.click();
            while (play.ariaLabel === "Pause") {
                const left = line.getBoundingClientRect().left - over.getBoundingClientRect().left;
                places.push(left / over.getBoundingClientRect().width * 12 - 0.5);
                await new Promise(requestAnimationFrame);
            }
            return places;
        }"""
    )


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_pictures_move_smoothly_unless_that_is_not_wished(opened, motion):
    with opened(reduced_motion=motion) as page:
        places = np.array(cursor_while_playing(page))
        smooth = np.abs(places - places.round()).max() > 0.1
        assert smooth == (motion == "no-preference")
        assert page.step() == LAST


def test_controls_have_names_and_the_battle_says_what_it_shows(opened):
    with opened() as page:
        unnamed = page.page.locator("button, input, select").evaluate_all(
            """controls => controls.filter(control => !(
                control.ariaLabel || control.innerText.trim() || control.closest("label")
            )).length"""
        )
        assert unnamed == 0
        page.press("End")
        described = page.page.locator("#battle").get_attribute("aria-label")
        assert described == "smax/made up, step 11 of 11, 2 of 3 agents alive"
        assert page.page.locator("#scrub").get_attribute("aria-valuetext") == "step 11 of 11"


def test_a_large_team_and_a_long_episode(opened, made_large):
    with opened("large") as page:
        assert page.page.locator('[data-view="map"]').get_attribute("aria-pressed") == "true"
        page.press("End")
        assert page.step() == 999
        before = page.pictures()
        page.press("5", "5")
        assert page.pictures() == before
        page.press("5", "m")
        assert page.lit() == [5]
        value = made_large.episodes[0]["advantages"]["gpae"].astype(np.float32)[999, 5]
        assert np.float32(shown_numbers(page)[5]["gpae"]["value"]) == value
        took = page.page.evaluate(
            """async () => {
                const begun = performance.now();
                for (const step of [100, 300, 500, 700]) {
                    const scrub = document.getElementById("scrub");
                    scrub.value = step;
                    scrub.dispatchEvent(new Event("input"));
                    await new Promise(requestAnimationFrame);
                }
                return performance.now() - begun;
            }"""
        )
        assert took < 4000

"""The page in a real browser: it moves, asks nobody, and fits a telephone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fractour.eval.measuring.runner import ArrayImage, run
from fractour.eval.reporting.report import write_report
from skimage import data

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Chromium (Debian: apt install chromium)", allow_module_level=True)
driver = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    astronaut = data.astronaut()
    images = [
        ArrayImage("face", astronaut[:300, 100:400]),
        ArrayImage("suit", np.ascontiguousarray(astronaut[300:400, 100:200])),
    ]
    result = run(images, ["template", "jpeg", "jpeg2000"], [0.1, 0.5, 1.0], folder / "run")
    return write_report(result, folder / "page.html", images=images)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with driver.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


class Page:
    """An open page, and what went wrong on it."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.it = self.context.new_page()
        self.wrong: list[str] = []
        self.it.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.it.on("request", self._asked)
        self.it.goto(path.as_uri())
        self.it.wait_for_selector("#plot canvas")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.wrong.append(request.url)

    def pixels(self, side: str) -> str:
        return self.it.get_attribute(f"#side-{side} img", "src")

    def close(self) -> None:
        assert self.wrong == []
        self.context.close()


@pytest.fixture(params=[(1400, "light"), (1400, "dark"), (400, "light"), (400, "dark")])
def page(request: pytest.FixtureRequest, browser: Any, path: Path) -> Iterator[Page]:
    opened = Page(browser, path, *request.param)
    yield opened
    opened.close()


def test_it_fits_and_follows_the_scheme(page: Page, request: pytest.FixtureRequest) -> None:
    width, scheme = request.node.callspec.params["page"]
    assert page.it.evaluate("document.documentElement.scrollWidth") == width
    ink = page.it.evaluate("getComputedStyle(document.body).color")
    red = int(ink.removeprefix("rgb(").split(",")[0])
    assert (red > 128) == (scheme == "dark")
    shot = page.it.screenshot(full_page=True)
    assert len(shot) > 20_000


def test_the_plot_switches_and_tells_values(page: Page) -> None:
    page.it.select_option("#measure", label="smart error")
    assert page.it.inner_text("#better") == "smaller is better"
    plot = page.it.locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.it.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    values = page.it.locator(".u-legend .u-value").all_inner_texts()
    assert sum(bool(value.strip()) for value in values) >= 2


def test_the_viewer_compares(page: Page) -> None:
    it = page.it
    # Full size at first sight: a pixel of the picture is one of the page.
    assert it.inner_text("#zoom") == "100 %"
    assert it.evaluate("document.querySelector('#side-left img').style.transform").endswith(
        "scale(1)"
    )
    before = page.pixels("right")
    it.select_option("#right", "original")
    assert page.pixels("right") != before
    it.select_option("#picture", "suit")
    it.select_option("#left", "JPEG")
    it.select_option("#budget", "0.1")
    assert it.locator("#side-left .missing").is_visible()
    assert "budget not reached" in it.inner_text("#facts-left")
    it.select_option("#left", "original")
    assert not it.locator("#side-left .missing").is_visible()
    assert "size" in it.inner_text("#facts-left")


def test_keys_zoom_move_and_swap_both_pictures(page: Page) -> None:
    it = page.it
    it.locator("#stage").focus()
    it.keyboard.press("+")
    it.keyboard.press("+")
    it.keyboard.press("ArrowRight")
    moved = [
        it.evaluate(f"document.querySelector('#side-{side} img').style.transform")
        for side in ("left", "right")
    ]
    assert moved[0] == moved[1]
    assert moved[0].endswith("scale(4)")
    it.keyboard.press("0")
    assert it.inner_text("#zoom") == "100 %"
    it.keyboard.press(" ")
    assert it.is_checked("input[value=flicker]")
    seen = it.evaluate("getComputedStyle(document.getElementById('side-right')).visibility")
    it.keyboard.press(" ")
    assert seen != it.evaluate("getComputedStyle(document.getElementById('side-right')).visibility")
    # And the slider is an ordinary range, for keys and fingers alike.
    it.check("input[value=slider]")
    it.locator("#slide").focus()
    it.keyboard.press("Home")
    assert it.evaluate("document.getElementById('seam').style.left") == "0px"

"""Each kind of value as what it is: seen, heard, opened."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from browsing.served import Served
    from browsing.stored import Stored
    from browsing.tabs import Tabs
    from playwright.sync_api import Locator, Page


@pytest.fixture
def show(served: Served, stored: Stored, tabs: Tabs) -> Callable[[str], Page]:
    """Opens the page of a value, by its kind, in one tab."""
    pages: list[Page] = []

    def open_page(kind: str) -> Page:
        path = f"{served.path}/result/{stored.keys['kinds'][kind]}"
        if not pages:
            pages.append(tabs.open(path))
        else:
            pages[0].goto(path)
        return pages[0]

    return open_page


def value(page: Page) -> Locator:
    return page.locator("section.value")


def width(picture: Locator) -> int:
    """The pixels of a picture that was loaded; 0 of one that was not."""
    picture.evaluate("picture => picture.decode().catch(() => {})")
    return int(picture.evaluate("picture => picture.naturalWidth"))


def colours(shown: Locator) -> int:
    """How many colours somebody sees there."""
    with Image.open(io.BytesIO(shown.screenshot())) as image:
        return len(image.convert("RGB").getcolors(10**6) or ())


@pytest.mark.parametrize(
    ("kind", "least"), [("picture", 640), ("photo", 1600), ("svg", 120), ("matrix", 60)]
)
def test_a_picture_is_seen(kind: str, least: int, show: Callable[[str], Page], tabs: Tabs) -> None:
    picture = value(show(kind)).locator("img")
    assert width(picture) >= least
    assert colours(picture) > 3


@pytest.mark.parametrize("kind", ["mermaid", "graphviz"])
def test_a_diagram_is_drawn(kind: str, show: Callable[[str], Page], tabs: Tabs) -> None:
    page = show(kind)
    picture = value(page).locator("img")
    if kind == "mermaid" or picture.count():
        assert width(picture) > 50
        assert colours(picture) > 3
        page.get_by_text("Source").click()  # which is open where no picture is drawn
    assert "cache" in value(page).locator("pre").inner_text()


def test_a_sound_is_heard_and_found_in_its_middle(show: Callable[[str], Page], tabs: Tabs) -> None:
    ranges: list[str] = []
    page = show("number")
    page.on("request", lambda request: ranges.append(request.headers.get("range", "")))
    sound = value(show("sound")).locator("audio")
    assert sound.evaluate("""sound => new Promise(done => {
        sound.muted = true
        sound.ontimeupdate = () => sound.currentTime > 0 && done(sound.duration)
        sound.play()
    })""") == pytest.approx(300, abs=0.1)
    assert (
        sound.evaluate("""sound => new Promise(done => {
        sound.onseeked = () => done(sound.currentTime)
        sound.currentTime = 280
    })""")
        >= 280
    )
    assert any(part.removeprefix("bytes=").startswith(tuple("123456789")) for part in ranges)


def test_a_film_is_played(show: Callable[[str], Page], tabs: Tabs) -> None:
    film = value(show("film")).locator("video")
    assert film.evaluate("""film => new Promise(done => {
        film.muted = true
        film.ontimeupdate = () => film.currentTime > 0 && done([film.duration, film.videoWidth])
        film.play()
    })""") == [2, 96]


def test_documents_are_read_in_a_frame_of_their_own(
    show: Callable[[str], Page], tabs: Tabs
) -> None:
    from playwright.sync_api import Error

    tabs.expect("Blocked script execution")
    page = show("html")
    framed = page.frame_locator("iframe")
    assert framed.locator("#said").inner_text() == "nothing ran"
    assert page.frames[1].evaluate("self.origin") == "null"
    with pytest.raises(Error, match="SecurityError|Access is denied|sandboxed"):
        page.frames[1].evaluate("document.cookie")
    assert colours(page.locator("iframe")) > 3
    page = show("markdown")
    framed = page.frame_locator("iframe")
    assert framed.locator("h1").inner_text() == "Notes of the run"
    assert framed.locator("em").inner_text() == "emphasis"
    assert framed.locator("table td").first.inner_text() == "small"
    assert "PDF" in value(show("pdf")).inner_text()


def test_a_tree_opens_where_it_is_clicked(show: Callable[[str], Page], tabs: Tabs) -> None:
    tree = value(show("tree"))
    text = tree.get_by_text("answer 2", exact=True)
    closed = tree.locator("details:not([open]) > summary:visible")
    assert not text.is_visible()
    for _ in range(10):
        if not text.is_visible():
            closed.last.click()
    assert text.is_visible()
    tree.locator("details[open] > summary:visible").first.click()
    assert value(show("json")).get_by_text("down").count() > 0


@pytest.mark.parametrize(("kind", "text"), [("frame", "row 129"), ("csv", "city 149")])
def test_a_table_is_read_page_by_page(
    kind: str, text: str, show: Callable[[str], Page], tabs: Tabs
) -> None:
    page = show(kind)
    assert value(page).locator("tbody tr").count() > 20
    assert text not in value(page).inner_text()
    for _ in range(5):
        if text in value(page).inner_text():
            break
        value(page).get_by_role("link", name="Next").click()
    assert text in value(page).inner_text()


def test_texts_and_bytes_are_read(show: Callable[[str], Page], tabs: Tabs) -> None:
    code = value(show("code")).locator("pre")
    assert "def answer" in code.inner_text()
    assert (
        len(
            code.evaluate(
                "code => [...new Set([...code.querySelectorAll('span')].map("
                "part => getComputedStyle(part).color))]"
            )
        )
        > 2
    )
    assert "another line" in value(show("text")).inner_text()
    assert "42" in value(show("number")).inner_text()
    assert "in two lines" in value(show("sentence")).inner_text()
    for kind in ("bytes", "other"):
        assert "0c 0d 0e 0f" in value(show(kind)).locator("pre").inner_text().lower()
    assert value(show("vector")).locator("svg, img, table").first.is_visible()


def test_every_value_can_be_taken_away(
    show: Callable[[str], Page], stored: Stored, tabs: Tabs
) -> None:
    page = show("picture")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert download.value.suggested_filename.endswith(".png")
    with Image.open(download.value.path()) as picture:
        assert picture.size == (640, 400)

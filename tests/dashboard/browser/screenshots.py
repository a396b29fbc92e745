"""Draw the pictures of the manual anew: the quick start's store, in light and dark.

    python tests/dashboard/browser/screenshots.py

It runs the quick start twice, which takes some ten seconds, and needs Chromium.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from browsing.chromium import Chromium, missing  # noqa: E402
from browsing.served import serving  # noqa: E402
from browsing.tabs import logged_in  # noqa: E402

if TYPE_CHECKING:
    from browsing.served import Served
    from playwright.sync_api import Page

QUICKSTART = ROOT / "docs" / "examples" / "quickstart.py"
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1280, "height": 760}
LARGEST = 120_000
"""Bytes of a picture."""


def main() -> None:
    """Write all pictures."""
    if reason := missing():
        sys.exit(reason)
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for _ in range(2):  # the second run saves what the first one computed
            subprocess.run([sys.executable, str(QUICKSTART)], cwd=folder, check=True)
        with serving(within=Path(folder)) as served:
            chromium = Chromium()
            chromium.run(draw, chromium, served)
            chromium.close()


def draw(chromium: Chromium, served: Served) -> None:
    """The functions, and the map of modules."""
    state = logged_in(chromium.browser, served.url)
    for scheme in ("light", "dark"):
        context = chromium.browser.new_context(
            storage_state=state, base_url=served.origin, viewport=SIZE, color_scheme=scheme
        )
        page = context.new_page()
        page.goto("/")
        keep(page, "footer", f"dashboard-functions-{scheme}.png")
        page.locator("main").get_by_role("link", name="draw").first.click()
        page.get_by_role("link", name="All results").click()
        page.locator("tbody th").get_by_role("link").first.click()
        page.locator("section.value img").evaluate("picture => picture.decode()")
        keep(page, "section.value", f"dashboard-picture-{scheme}.png")
        context.close()


def keep(page: Page, last: str, name: str) -> None:
    """Write the page as a small PNG, down to what the selector `last` finds."""
    page.mouse.move(0, 0)
    box = page.locator(last).bounding_box()
    clip = {"x": 0, "y": 0, "width": SIZE["width"], "height": box["y"] + box["height"] + 12}
    with Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip))) as image:
        small = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(IMAGES / name, optimize=True)
    size = (IMAGES / name).stat().st_size
    print(f"{name}: {size:,} bytes")
    assert size <= LARGEST, f"{name} is too large for the manual"


if __name__ == "__main__":
    main()

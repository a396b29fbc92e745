"""Draw the pictures of the manual anew: the quick start's store, and a sweep, in light and dark.

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

import beautyspot as bs
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))

from browsing.chromium import Chromium, missing  # noqa: E402
from browsing.served import serving  # noqa: E402
from browsing.tabs import logged_in  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

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
    chromium = Chromium()
    for fill, draw in ((quickstart, draw_quickstart), (sweep, draw_sweep)):
        with TemporaryDirectory() as folder:
            fill(Path(folder))
            with serving(within=Path(folder)) as served:
                chromium.run(in_both_schemes, draw, chromium, served)
    chromium.close()


def in_both_schemes(draw: Callable[[Page, str], None], chromium: Chromium, served: Served) -> None:
    """Draw in light and in dark."""
    state = logged_in(chromium.browser, served.url)
    for scheme in ("light", "dark"):
        context = chromium.browser.new_context(
            storage_state=state, base_url=served.origin, viewport=SIZE, color_scheme=scheme
        )
        page = context.new_page()
        page.goto("/")
        draw(page, scheme)
        context.close()


def quickstart(folder: Path) -> None:
    """Run the quick start: the second run saves what the first one computed."""
    for _ in range(2):
        subprocess.run([sys.executable, str(QUICKSTART)], cwd=folder, check=True)


def draw_quickstart(page: Page, scheme: str) -> None:
    """The functions, and the map of modules."""
    keep(page, "footer", f"dashboard-functions-{scheme}.png")
    page.locator("main").get_by_role("link", name="draw").first.click()
    page.get_by_role("link", name="All results").click()
    page.locator("tbody th").get_by_role("link").first.click()
    page.locator("section.value img").evaluate("picture => picture.decode()")
    keep(page, "section.value", f"dashboard-picture-{scheme}.png")


def sweep(folder: Path) -> None:
    """Fit points of two classes 200 times, by ridge regression over a radial kernel."""
    rng = np.random.default_rng(1)
    angles, label = rng.uniform(0, np.pi, 300), np.repeat([1.0, -1.0], 150)
    moons = np.array(
        [label * np.cos(angles) + (label < 0), label * np.sin(angles) + (label < 0) / 2]
    )
    points = moons.T + rng.normal(0, 0.25, (300, 2))
    distances = ((points[:, None] - points) ** 2).sum(-1)
    here, there = np.arange(300) % 2 == 0, np.arange(300) % 2 == 1
    with bs.Spot("sweep", directory=folder / ".beautyspot", config=False) as spot:

        @spot.mark(name="train:fit")
        def fit(c: float, gamma: float) -> dict[str, float]:
            kernel = np.exp(-gamma * distances)
            inner = kernel[np.ix_(here, here)] + np.eye(150) / c
            found = kernel[:, here] @ np.linalg.solve(inner, label[here])
            right = np.sign(found) == label
            loss = np.log1p(np.exp(-2 * label * found)).mean()
            return {
                "accuracy": round(float(right[there].mean()), 3),
                "fitted": round(float(right[here].mean()), 3),
                "loss": round(float(loss), 4),
            }

        for _ in range(200):
            c, gamma = 10 ** rng.uniform(-3, 3), 10 ** rng.uniform(-3, 3)
            fit(c=float(f"{c:.4g}"), gamma=float(f"{gamma:.4g}"))


def draw_sweep(page: Page, scheme: str) -> None:
    """A point for each fit."""
    page.locator("main").get_by_role("link", name="fit").first.click()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("link", name="Points").click()
    for label, column in (("Across", "gamma"), ("Upwards", "c"), ("Colour", "accuracy")):
        page.get_by_label(label).select_option(column)
    page.get_by_role("button", name="Draw").click()
    keep(page, "figure", f"dashboard-sweep-{scheme}.png")


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

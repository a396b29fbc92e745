"""Chromium, driven by Playwright from a thread of its own.

Playwright's event loop stays the running one of the thread that starts it: in the main thread no
other test could run a loop of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")

PROGRAM = "BEAUTYSPOT_TEST_CHROMIUM"
"""Names the program in the environment, by its path or as it is found on PATH."""

ELSEWHERE = "rebind.example"
"""A name of another site, which leads to this machine, as DNS rebinding has it."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--disable-gpu",
    "--renderer-process-limit=2",
    "--disable-site-isolation-trials",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    (
        f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, "
        "EXCLUDE 127.0.0.1"
    ),
)


def program() -> str | None:
    """The browser to start, or None where there is none."""
    if named := os.environ.get(PROGRAM):
        return shutil.which(named)
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def missing() -> str | None:
    """What is not here that these tests need, and how to have it; None where all is."""
    if find_spec("playwright") is None:
        return "no Playwright here: pip install -r requirements/test.txt"
    if program() is None:
        return f"no Chromium here: apt-get install chromium, or set {PROGRAM}"
    return None


class Chromium:
    """A started browser, without a window."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "chromium")
        self.run(self._start)

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self.browser = self._playwright.chromium.launch(
            executable_path=program(), args=list(_OPTIONS)
        )

    def run(self, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """What a function gives that runs in the browser's thread, where all of Playwright is."""
        return self._thread.submit(work, *args, **options).result()

    def close(self) -> None:
        """End the browser."""
        self.run(self._end)
        self._thread.shutdown()

    def _end(self) -> None:
        self.browser.close()
        self._playwright.stop()

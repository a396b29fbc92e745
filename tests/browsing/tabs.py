"""Pages of a browser, each watched for what a page of ours must not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

_WITHIN = frozenset({"data", "blob", "about", "chrome-extension"})
"""Schemes of addresses that ask no server; the last is the browser's own reader of PDF."""


def logged_in(browser: Browser, url: str) -> Any:
    """The cookies of somebody who opens the URL that a dashboard printed."""
    context = browser.new_context()
    context.new_page().goto(url)
    state = context.storage_state()
    context.close()
    return state


class Tabs:
    """Pages of a dashboard, opened as somebody who may see them; all are watched.

    What counts as a fault: an error or a warning on the console, a report of a content security
    policy among them; an exception of a script; a request that failed or left the origin; a dialog;
    an answer that says that the server failed.

    Args:
        browser: where they open.
        origin: where the dashboard is.
        state: the cookies of somebody who may see it.

    Attributes:
        origins: where requests may go.
    """

    def __init__(self, browser: Browser, origin: str, state: Any) -> None:
        self._browser = browser
        self._origin = origin
        self.origins = {origin}
        self._state = state
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []
        self.expected: list[str] = []

    def context(self, **options: Any) -> BrowserContext:
        """A browser profile of its own; for options see `Browser.new_context`."""
        options = {"storage_state": self._state, "base_url": self._origin, **options}
        context = self._browser.new_context(**options)
        context.set_default_timeout(10_000)
        context.on("page", self._watch)
        self._contexts.append(context)
        return context

    def open(self, path: str, **options: Any) -> Page:
        """A page in a profile of its own."""
        page = self.context(**options).new_page()
        page.goto(path)
        return page

    def expect(self, *parts: str) -> None:
        """Faults that have one of these texts in them are part of the test."""
        self.expected += parts

    def unexpected(self) -> Sequence[str]:
        """The faults that no test expects."""
        return [fault for fault in self.faults if not any(part in fault for part in self.expected)]

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"a script failed: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        page.on("dialog", self._dialog)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in _WITHIN and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.faults.append(f"a request left: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a sound that is left, a page that is followed
            self.faults.append(f"a request failed: {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"the server failed: {response.url}: {response.status}")

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

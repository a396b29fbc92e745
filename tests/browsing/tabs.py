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


class Profile:
    """Somebody's browser, whose pages are used again: to open one takes longer than to load it."""

    def __init__(self, browser: Browser, origin: str, url: str) -> None:
        self.browser = browser
        self.origin = origin
        self.state = logged_in(browser, url)
        self.context = self.new()
        self.pages: list[Page] = []

    def new(self, **options: Any) -> BrowserContext:
        """Another browser; for options see `Browser.new_context`."""
        given = {"storage_state": self.state, "base_url": self.origin, **options}
        context = self.browser.new_context(**given)
        context.set_default_timeout(10_000)
        return context

    def page(self, number: int) -> Page:
        """The page of a number; the next one is opened."""
        if number == len(self.pages):
            self.pages.append(self.context.new_page())
        return self.pages[number]


class Tabs:
    """Pages of a dashboard, opened as somebody who may see them; all are watched.

    What counts as a fault: an error or a warning on the console, a report of a content security
    policy among them; an exception of a script; a request that failed or left the origin; a dialog;
    an answer that says that the server failed.

    Args:
        profile: where they open.

    Attributes:
        origins: where requests may go.
        faults: what was seen.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.origins = {profile.origin}
        self.faults: list[str] = []
        self._expected: list[str] = []
        self._contexts: list[BrowserContext] = []
        self._used: list[Page] = []
        self._watchers: dict[str, Any] = {
            "console": self._said,
            "pageerror": self._script_failed,
            "request": self._asked,
            "requestfailed": self._failed,
            "response": self._answered,
            "dialog": self._dialog,
            "popup": self._watch,
        }

    def context(self, **options: Any) -> BrowserContext:
        """A browser of its own; for options see `Browser.new_context`."""
        context = self.profile.new(**options)
        context.on("page", self._watch)
        self._contexts.append(context)
        return context

    def page(self) -> Page:
        """A page that shows nothing yet."""
        page = self.profile.page(len(self._used))
        self._used.append(page)
        self._watch(page)
        return page

    def open(self, path: str, **options: Any) -> Page:
        """A page, in a browser of its own if there are options."""
        page = self.context(**options).new_page() if options else self.page()
        page.goto(path)
        return page

    def expect(self, *parts: str) -> None:
        """Faults that have one of these texts in them are part of the test."""
        self._expected += parts

    def unexpected(self) -> Sequence[str]:
        """The faults that no test expects."""
        return [fault for fault in self.faults if not any(part in fault for part in self._expected)]

    def close(self) -> None:
        """Leave all pages."""
        for context in self._contexts:
            context.close()
        for page in self._used:
            page.goto("about:blank")
            for event, watcher in self._watchers.items():
                page.remove_listener(event, watcher)

    def _watch(self, page: Page) -> None:
        for event, watcher in self._watchers.items():
            page.on(event, watcher)  # type: ignore[call-overload]

    def _script_failed(self, error: Any) -> None:
        self.faults.append(f"a script failed: {error}")

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

"""A small web site on this machine, with a robots.txt, entity tags and missing pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from servers.local_http import LocalHandler, LocalHTTPServer


class Site(LocalHTTPServer):
    """Serves on 127.0.0.1.

    Args:
        pages: the text of each path.

    Attributes:
        pages: as given; may be changed. A path of several lines of links, say, is HTML.
        asked: the paths that were asked for, in order.
        unchanged: how many of them got a 304.
        refused: how many got a 503.
        too_early: how many of these came again before their `Retry-After` was over. Others may be
            on their way when a request is refused.
        most_at_once: so many were under way at once, at most.
    """

    def __init__(self, pages: Mapping[str, str]) -> None:
        super().__init__(_Handler)
        self.pages = dict(pages)
        self.asked: list[str] = []
        self.unchanged = self.refused = self.too_early = self.most_at_once = 0
        self._under_way = 0
        self._refusals: dict[str, str] = {}
        self._closed_until: dict[str, float] = {}
        self._lock = threading.Lock()

    def refuse_once(self, path: str, retry_after: str) -> None:
        """Refuse a page when it is asked for next."""
        self._refusals[path] = retry_after

    def enter(self, path: str) -> str | None:
        """Count a request; gives the `Retry-After` with which it is refused."""
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            now = time.monotonic()
            self.too_early += now < self._closed_until.get(path, now)
            if (retry_after := self._refusals.pop(path, None)) is not None:
                self.refused += 1
                self._closed_until[path] = now + float(retry_after)
                return retry_after
            self.asked.append(path)
            return None

    def leave(self) -> None:
        """Note that an answer is written."""
        with self._lock:
            self._under_way -= 1


class _Handler(LocalHandler):
    server: Site

    def do_GET(self) -> None:
        refusal = self.server.enter(self.path)
        status, headers, text = self._answer(refusal)
        self.server.leave()  # before the client can know
        self.send(status, text.encode(), headers)

    def _answer(self, refusal: str | None) -> tuple[int, dict[str, str], str]:
        if refusal is not None:
            return 503, {"Retry-After": refusal}, "busy"
        text = self.server.pages.get(self.path)
        if text is None:
            return 404, {}, "not here"
        tag = f'"{len(text)}"'
        if self.headers["If-None-Match"] == tag:
            self.server.unchanged += 1
            return 304, {"ETag": tag}, ""
        return 200, {"ETag": tag, "Content-Type": "text/html"}, text

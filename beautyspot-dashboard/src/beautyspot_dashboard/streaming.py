"""Server-sent events: parts of a page that is open, written anew on the server.

An element with ``data-stream="URL"`` follows such a stream (``static/live.js``). Each event says
what becomes of which element: HTML of our own templates, in the place of what it holds or before.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

PERIOD: Final = 1.0
"""Seconds between two looks."""

_QUIET: Final = 10
"""Looks without news after which a comment shows proxies, and us, that the other side is there."""

_HEADERS: Final = {"x-accel-buffering": "no"}
"""Have a proxy pass events on as they come."""

_KIND: Final = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """What becomes of one element of a page.

    Attributes:
        id: of the state in which the page is then; the browser tells it when it connects again.
        element: the `id` of the element.
        html: escaped by the template that wrote it.
        how: whether it replaces what the element holds, or is put before that.
    """

    id: str
    element: str
    html: str
    how: Literal["replace", "prepend"] = "replace"

    def encoded(self) -> str:
        """As it is sent."""
        lines = re.split(r"\r\n|\r|\n", f"{self.how} {self.element}\n{self.html}")
        return "".join([f"id: {self.id}\n", *(f"data: {line}\n" for line in lines), "\n"])


Look: TypeAlias = Callable[["str | None"], Sequence[Event]]
"""Gives what a page lacks that has the state of this id; None: of a page that has just come."""


def event_stream(request: Request, look: Look) -> Response:
    """The stream of a page.

    It ends when the browser goes or the server ends.

    Args:
        request: what is answered; its header `Last-Event-ID` says what the page has.
        look: called in a thread, once in a `PERIOD`.
    """
    if request.method == "HEAD":
        return Response(media_type=_KIND, headers=_HEADERS)
    events = _events(look, request.headers.get("last-event-id"))
    return StreamingResponse(events, media_type=_KIND, headers=_HEADERS)


async def _events(look: Look, last: str | None) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    quiet = 0
    while not _server_ends():
        found = await run_in_threadpool(look, last)
        for event in found:
            last = event.id
            yield event.encoded()
        quiet = 0 if found else quiet + 1
        if quiet % _QUIET == _QUIET - 1:
            yield ":\n\n"
        await asyncio.sleep(PERIOD)


def _server_ends() -> bool:
    """Whether Ctrl-C has come to uvicorn, which waits for all streams before it tells anybody.

    It takes signals by a method of the server, so that is found without it being named.
    """
    server = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    return getattr(server, "should_exit", False) is True

"""How stored bytes reach a browser: with which rights, and none that takes half for the whole."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError, RestoreError
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Send

VALUE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox"
)
"""What stored bytes may do in a browser: be looked at. No script, no request, no origin."""

VALUE_HEADERS: Final = {
    "content-security-policy": VALUE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-dns-prefetch-control": "off",
}

_log = logging.getLogger("beautyspot")


class Streamed(StreamingResponse):
    """An answer whose bytes are made in threads while they are sent.

    Where they end in an error, the answer stays incomplete: the server breaks the connection, and a
    browser knows that it has not all.
    """

    async def stream_response(self, send: Send) -> None:
        """Send all, or break off."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        try:
            async for part in self.body_iterator:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except BeautyspotError as error:
            _log.warning("the dashboard broke off sending a value: %s", error)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def exactly(parts: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The parts, if they have so many bytes; the last is given when that is known.

    Raises:
        RestoreError: there are more or fewer.
    """
    last, left = b"", size
    for part in parts:
        left -= len(part)
        if left < 0:
            break
        if left:
            yield part
        else:
            last = last or part
    if left:
        raise RestoreError(f"the value has not the {size} bytes that its row says")
    yield last

"""The raw bytes of a value: all, or a part of them, or what is changed since."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError, BlobNotFound, RecordNotFound, RestoreError
from starlette.responses import Response
from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.pages.alone import alone, is_opened
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values.media_types import BYTES, FILMS, SOUNDS, SVG, served_type
from beautyspot_dashboard.values.names import disposition
from beautyspot_dashboard.values.ranges import UnsatisfiableError, is_known, wanted
from beautyspot_dashboard.values.sending import VALUE_HEADERS, Streamed, exactly
from beautyspot_dashboard.values.soundness import check
from beautyspot_dashboard.values.views import look_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from beautyspot_dashboard.values.bodies import Body
    from beautyspot_dashboard.values.views import Look

_PLAYED: Final = {SVG: "img", **dict.fromkeys(SOUNDS, "audio"), **dict.fromkeys(FILMS, "video")}
"""What is opened within a page of ours, and the element that shows it."""

_FIRST: Final = 4 * 2**20
"""Bytes that are read, and checked if they are all, before an answer begins."""


def value(request: Request) -> Response:
    """The bytes of a value, as its type if that is a known one, else to be saved."""
    shelved = shelved_of(request)
    try:
        return _answer(look_of(request))
    except RecordNotFound:
        raise
    except BeautyspotError as error:
        message = f"{error}. The value is not given away damaged or in part."
        return render(request, "failure.html", _status(error), store=shelved, message=message)


def _answer(look: Look) -> Response:
    request, body, digest = look.request, look.body, look.record.digest
    if body.kind in _PLAYED and is_opened(request):
        return alone(look, _PLAYED[body.kind])
    etag = f'"{digest.hex()}"' if digest else None
    headers = _headers(request, body, etag)
    if is_known(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    try:
        part = wanted(request.headers, body.size, etag) if request.method == "GET" else None
    except UnsatisfiableError:
        return Response(None, 416, {**headers, "content-range": f"bytes */{body.size}"})
    if part is None:
        return _whole(request, body, headers)
    if len(part) != body.size:
        check(look)
    return _sent(request, _part(body, part, headers), 206, headers)


def _headers(request: Request, body: Body, etag: str | None) -> dict[str, str]:
    kind = served_type(body.kind)
    saved = kind is None or "download" in request.query_params
    headers = {
        **VALUE_HEADERS,
        "content-type": kind or BYTES,
        "content-disposition": disposition(body.filename, saved=saved),
    }
    if etag is not None:
        headers["etag"] = etag
    if body.size is not None:
        headers["accept-ranges"] = "bytes"
    return headers


def _whole(request: Request, body: Body, headers: dict[str, str]) -> Response:
    parts = body.chunks()
    if body.size is not None:
        headers["content-length"] = str(body.size)
        parts = exactly(parts, body.size)
    return _sent(request, parts, 200, headers)


def _part(body: Body, part: range, headers: dict[str, str]) -> Iterator[bytes]:
    headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{body.size}"
    headers["content-length"] = str(len(part))
    whole = len(part) == body.size
    return exactly(body.chunks() if whole else body.part(part.start, part.stop), len(part))


def _sent(
    request: Request, parts: Iterator[bytes], status: int, headers: dict[str, str]
) -> Response:
    begun = _begun(parts)
    return Streamed(begun if request.method == "GET" else iter(()), status, headers)


def _begun(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts, of which the first are read: what is wrong with a small value is known by then."""
    first: list[bytes] = []
    for part in parts:
        first.append(part)
        if sum(map(len, first)) >= _FIRST:
            break
    return chain(first, parts)


def _status(error: BeautyspotError) -> int:
    if isinstance(error, BlobNotFound):
        return 410
    return 500 if isinstance(error, RestoreError) else 503


routes = [Route("/store/{store}/value/{key}", value, name="value")]

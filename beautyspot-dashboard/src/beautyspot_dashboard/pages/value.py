"""The raw bytes of a value: all, or a part of them, or what is changed since."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from beautyspot import BeautyspotError, BlobNotFound, RestoreError
from starlette.responses import Response
from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.links import href
from beautyspot_dashboard.rendering.streaming import Streamed, exactly
from beautyspot_dashboard.rendering.templates import render
from beautyspot_dashboard.values.bodies import body_of
from beautyspot_dashboard.values.media import described
from beautyspot_dashboard.values.media_types import BYTES, FILMS, SOUNDS, SVG, served_type
from beautyspot_dashboard.values.names import disposition
from beautyspot_dashboard.values.ranges import UnsatisfiableError, is_known, wanted
from beautyspot_dashboard.values.soundness import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot import Store, TaskRecord
    from starlette.requests import Request

    from beautyspot_dashboard.values.bodies import Body

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

_PLAYED: Final = {SVG: "img", **dict.fromkeys(SOUNDS, "audio"), **dict.fromkeys(FILMS, "video")}
"""What is opened within a page of ours, and the element that shows it."""

_FIRST: Final = 4 * 2**20
"""Bytes that are read, and checked if they are all, before an answer begins."""


def value(request: Request) -> Response:
    """The bytes of a value, as its type if that is a known one, else to be saved."""
    shelved = shelved_of(request)
    store = shelved.store()
    record = store.row(request.path_params["key"])
    try:
        return _answer(request, store, record)
    except BeautyspotError as error:
        message = f"{error}. The value is not given away damaged or in part."
        return render(request, "failure.html", _status(error), store=shelved, message=message)


def _answer(request: Request, store: Store, record: TaskRecord) -> Response:
    body = body_of(store, record, store.content(record.cache_key))
    if body.kind in _PLAYED and is_opened(request):
        return alone(request, record, _PLAYED[body.kind])
    etag = f'"{record.digest.hex()}"' if record.digest else None
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
        check(store, record, body)
    return _sent(request, _part(body, part, headers), 206, headers)


def is_opened(request: Request) -> bool:
    """Whether a browser would open the bytes as a document, and not within one.

    As a document, an SVG may have frames and links, and Chromium connects to where they lead. A
    recording would not be played under the policy of values.
    """
    shown_as = request.headers.get("sec-fetch-dest")
    if shown_as is None:  # an old browser, or no encryption
        within = "text/html" not in request.headers.get("accept", "")
    else:
        within = shown_as in ("image", "audio", "video")
    return not within and "download" not in request.query_params


def alone(request: Request, record: TaskRecord, element: str, route: str = "value") -> Response:
    """A page of ours with what a route gives, in an element."""
    slug = request.path_params["store"]
    src = href(request, route, store=slug, key=record.cache_key)
    label = described(record)
    return render(request, "values/alone.html", src=src, label=label, element=element)


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

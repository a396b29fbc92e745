"""Responses of httpx and httpx2, as results and as arguments.

Status, headers, body, URL and history come back. What is not stored: `Set-Cookie` and other
headers that are credentials, secrets in URLs, the request but for its method and URL, and the
connection.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport
from beautyspot.errors import RestoreError, SerializationError

from beautyspot_http.checks import (
    check_plain,
    elapsed,
    field,
    history,
    pairs,
    refuse,
    refuse_to_store,
    request_of,
)
from beautyspot_http.secrecy import less_secrets, stored_headers

if TYPE_CHECKING:
    from datetime import timedelta

_LIBRARIES: Final = ("httpx", "httpx2")
_EXTENSIONS: Final = ("http_version", "reason_phrase")


class HttpxResponseTypes(TypeSupport):
    """`httpx.Response`, and the same of httpx2; none of their subclasses."""

    name = "httpx-response"
    classes = tuple(f"{library}:Response" for library in _LIBRARIES)

    def key(self, value: Any) -> object:
        """See the base class. All that is stored counts."""
        if not hasattr(value, "_content"):
            refuse("is not read yet: call its read(), or await its aread(), before you pass it on")
        try:
            return self.encode(value)
        except SerializationError as error:
            refuse(str(error))

    def encode(self, value: Any) -> object:
        """See the base class. A response that is not read yet is read."""
        library = type(value).__module__
        check_plain(value, {**vars(importlib.import_module(library).Response(200)), "stream": None})
        content = _read(value)
        request = value._request
        return {
            "library": library,
            "status": value.status_code,
            "headers": stored_headers(_texts(value.headers.raw)),
            "content": content,
            "encoding": value.encoding,
            "default_encoding": _name(value.default_encoding),
            "downloaded": value.num_bytes_downloaded,
            "elapsed": _elapsed(value),
            "request": request and [request.method, less_secrets(str(request.url))],
            "history": value.history,
            "extensions": {
                name: value.extensions[name]
                for name in _EXTENSIONS
                if type(value.extensions.get(name)) is bytes
            },
        }

    def decode(self, value: Any) -> Any:
        """See the base class."""
        name = field(value, "library", str)
        if name not in _LIBRARIES:
            raise RestoreError(f"there is no library {name!r:.40}")
        library = importlib.import_module(name)
        extensions = field(value, "extensions", dict)
        if not extensions.keys() <= {*_EXTENSIONS}:
            raise RestoreError("extensions are none of a response")
        sent = request_of(value)
        response = library.Response(
            field(value, "status", int),
            content=field(value, "content", bytes),
            request=sent and library.Request(*sent),
            history=history(value, library.Response),
            default_encoding=field(value, "default_encoding", str),
            extensions={each: field(extensions, each, bytes) for each in extensions},
        )
        # Only now: with `Content-Encoding`, the content would be decoded once more.
        headers = pairs(value, "headers")
        response.headers = library.Headers([_bytes(pair) for pair in headers])
        response.encoding = field(value, "encoding", str)
        response._num_bytes_downloaded = field(value, "downloaded", int)
        took = elapsed(value)
        if took is not None:
            response.elapsed = took
        return response


def _read(response: Any) -> bytes:
    """The decoded content."""
    if not hasattr(response, "_content"):
        if response.is_closed or response.is_stream_consumed:
            refuse_to_store(
                "was closed, or read in parts, before its content was kept: call its read(), or "
                "await its aread(), in the function, or return what you need of it"
            )
        if not hasattr(response.stream, "__iter__"):
            refuse_to_store(
                "is of an asynchronous client, and not read yet: await its aread() before you "
                "return it"
            )
        response.read()
    content: bytes = response.content
    return content


def _elapsed(response: Any) -> timedelta | None:
    try:
        found: timedelta = response.elapsed
    except RuntimeError:  # it was made by hand
        return None
    return found


def _name(encoding: Any) -> str:
    """The default encoding; a function of the client's has done its work."""
    return encoding if isinstance(encoding, str) else "utf-8"


def _texts(raw: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]


def _bytes(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    return pair[0].encode("latin-1"), pair[1].encode("latin-1")

"""Responses of httpx, httpx2 and requests, as results and as arguments.

Status, headers, body, URL and history come back. What is not stored: `Set-Cookie` and other
headers that are credentials, secrets in URLs, the request but for its method and URL, and the
connection. A stored form may be hostile: each of its fields is checked.
"""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport
from beautyspot.errors import RestoreError, SerializationError

from beautyspot_http.counting import refuse
from beautyspot_http.secrecy import less_secrets, stored_headers, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

_LIBRARIES: Final = ("httpx", "httpx2")
_EXTENSIONS: Final = ("http_version", "reason_phrase")
_NO_BODY: Final = (204, 304)


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
        content = _httpx_content(value)
        request, encoding = value._request, value.default_encoding
        try:
            took = value.elapsed
        except RuntimeError:  # it was made by hand
            took = None
        return {
            "library": library,
            "status": value.status_code,
            "headers": stored_headers(
                [(n.decode("latin-1"), v.decode("latin-1")) for n, v in value.headers.raw]
            ),
            "content": content,
            "encoding": value.encoding,
            # A function of the client's has done its work.
            "default_encoding": encoding if isinstance(encoding, str) else "utf-8",
            "downloaded": value.num_bytes_downloaded,
            "elapsed": took,
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
        headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in pairs(value, "headers")]
        response.headers = library.Headers(headers)
        response.encoding = field(value, "encoding", str)
        response._num_bytes_downloaded = field(value, "downloaded", int)
        took = field(value, "elapsed", timedelta, type(None))
        if took is not None:
            response.elapsed = took
        return response


def _httpx_content(response: Any) -> bytes:
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


class RequestsResponseTypes(TypeSupport):
    """`requests.Response`; none of its subclasses."""

    name = "requests-response"
    classes = ("requests.models:Response",)

    def key(self, value: Any) -> object:
        """See the base class. All that is stored counts."""
        if value._content is False:
            refuse("is not read yet: read its content before you pass it on")
        try:
            return self.encode(value)
        except SerializationError as error:
            refuse(str(error))

    def encode(self, value: Any) -> object:
        """See the base class. A response that is not read yet is read."""
        check_plain(value, {**vars(type(value)()), "connection": None})
        if value._content is False and value.raw is not None:
            _check_unread(value)
        content = value.content
        request = value.request
        headers = [(text_of(name), text_of(each)) for name, each in value.headers.items()]
        return {
            "status": value.status_code,
            "reason": value.reason,
            "url": value.url and less_secrets(value.url),
            "headers": stored_headers(headers),
            "content": content,
            "encoding": value.encoding,
            "elapsed": value.elapsed,
            "request": request and [request.method or "", less_secrets(request.url or "")],
            "history": list(value.history),
        }

    def decode(self, value: Any) -> Any:
        """See the base class."""
        import requests
        from requests.structures import CaseInsensitiveDict

        response = requests.Response()
        nothing = type(None)
        response.__setstate__(  # as when it is unpickled: the content is there, and `raw` is None
            {
                "_content": field(value, "content", bytes, nothing),
                "status_code": field(value, "status", int, nothing),
                "reason": field(value, "reason", str, bytes, nothing),
                "url": field(value, "url", str, nothing),
                "headers": CaseInsensitiveDict(pairs(value, "headers")),
                "encoding": field(value, "encoding", str, nothing),
                "elapsed": field(value, "elapsed", timedelta),
                "history": history(value, requests.Response),
            }
        )
        sent = request_of(value)
        if sent is not None:
            request = requests.PreparedRequest()
            request.method, request.url = sent
            request.headers = CaseInsensitiveDict()
            response.request = request
        return response


def _check_unread(response: Any) -> None:
    """Refuse a stream of which a part is gone: its content would come out short."""
    raw = response.raw
    tell = getattr(raw, "tell", None)
    begun = response._content_consumed or (tell is not None and tell() > 0)
    # One that never had a body is closed from the start.
    method = getattr(response.request, "method", None)
    empty = response.headers.get("content-length") == "0" or response.status_code in _NO_BODY
    if begun or (getattr(raw, "closed", False) and not (empty or method == "HEAD")):
        refuse_to_store(
            "was closed, or read in parts, before its content was kept: read its content in the "
            "function, or return what you need of it"
        )


# ------------------------------------------------------------------------- what both ask


def refuse_to_store(why: str) -> NoReturn:
    """Refuse a result. `why` goes on the sentence "a Response".

    Raises:
        SerializationError: always.
    """
    raise SerializationError(why)


def field(form: Any, name: str, *kinds: type) -> Any:
    """A field of a stored form.

    Raises:
        RestoreError: it is missing, or of none of these types.
    """
    value = form.get(name) if type(form) is dict else None
    if type(value) not in kinds:
        raise RestoreError(f"{name} is a {type(value).__name__}")
    return value


def pairs(form: Any, name: str) -> list[tuple[str, str]]:
    """A field that is a list of pairs of texts.

    Raises:
        RestoreError: it is something else.
    """
    found: list[Any] = [
        tuple(each) if type(each) is list else () for each in field(form, name, list)
    ]
    if any(len(each) != 2 or {*map(type, each)} != {str} for each in found):
        raise RestoreError(f"{name} are no pairs of texts")
    return found


def history(form: Any, cls: type) -> list[Any]:
    """The field `history`: responses of one class.

    Raises:
        RestoreError: one is something else.
    """
    found: list[Any] = field(form, "history", list)
    if any(type(each) is not cls for each in found):
        raise RestoreError("history has something that is no response")
    return found


def request_of(form: Any) -> tuple[str, str] | None:
    """The field `request`: method and URL.

    Raises:
        RestoreError: it is something else.
    """
    found = field(form, "request", list, type(None))
    if found is None:
        return None
    if [type(each) for each in found] != [str, str]:
        raise RestoreError("request is no method with a URL")
    return found[0], found[1]


def check_plain(value: object, ordinary: Mapping[str, object]) -> None:
    """Refuse to store an object to which attributes were added.

    Raises:
        SerializationError: it has a public attribute that is not among the `ordinary` ones.
    """
    for name in vars(value):
        if name not in ordinary and not name.startswith("_"):
            refuse_to_store(f"has the attribute {name}, which its class has not: remove it")

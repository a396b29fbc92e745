"""Responses of requests, as results and as arguments; `httpx_responses` says what is left out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from beautyspot.contracts import TypeSupport
from beautyspot.errors import SerializationError

from beautyspot_http.checks import (
    check_plain,
    field,
    history,
    pairs,
    refuse,
    refuse_to_store,
    request_of,
)
from beautyspot_http.secrecy import less_secrets, stored_headers

_NO_BODY: Final = (204, 304)


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
        content = _read(value)
        request = value.request
        headers = [(_text(name), _text(each)) for name, each in value.headers.items()]
        return {
            "status": value.status_code,
            "reason": value.reason,
            "url": value.url and less_secrets(value.url),
            "headers": stored_headers(headers),
            "content": content,
            "encoding": value.encoding,
            "elapsed": value.elapsed,
            "request": request and _sent(request),
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


def _read(response: Any) -> bytes | None:
    """The decoded content."""
    if response._content is False and response.raw is not None:
        _check_unread(response)
    content: bytes | None = response.content
    return content


def _check_unread(response: Any) -> None:
    """Refuse a stream of which a part is gone: its content would come out short."""
    raw = response.raw
    tell = getattr(raw, "tell", None)
    begun = response._content_consumed or (tell is not None and tell() > 0)
    if begun or (getattr(raw, "closed", False) and not _is_empty(response)):
        refuse_to_store(
            "was closed, or read in parts, before its content was kept: read its content in the "
            "function, or return what you need of it"
        )


def _is_empty(response: Any) -> bool:
    """Whether it never had a body: such a stream is closed from the start."""
    method = getattr(response.request, "method", None)
    length = response.headers.get("content-length")
    return method == "HEAD" or response.status_code in _NO_BODY or length == "0"


def _sent(request: Any) -> list[str]:
    return [request.method or "", less_secrets(request.url or "")]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

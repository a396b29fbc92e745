"""Responses of httpx, httpx2 and requests come back as they were, less what nobody may store."""

from __future__ import annotations

import gzip
import io
import logging
from datetime import timedelta
from typing import Any

import beautyspot as bs
import httpx
import httpx2
import pytest
import requests
from beautyspot.testing import memory_spot
from beautyspot_http.responses import HttpxResponseTypes, RequestsResponseTypes
from beautyspot_testing.types import TypeSupportContract
from servers.web import CANARY, TEXT, WebSite

LIBRARIES: list[Any] = [httpx, httpx2]
USED = ("status_code", "text", "content", "encoding", "links", "is_redirect", "elapsed")


def same(left: Any, right: Any) -> bool:
    def shown(response: Any) -> list[object]:
        used = [getattr(response, name, None) for name in USED]
        headers = response.headers
        many = headers.multi_items() if hasattr(headers, "multi_items") else list(headers.items())
        return [
            *used,
            many,
            str(getattr(response, "url", None)) if getattr(response, "_request", 1) else None,
            [shown(each) for each in response.history],
            getattr(response, "reason_phrase", getattr(response, "reason", None)),
            getattr(response, "http_version", None),
            getattr(response, "num_bytes_downloaded", None),
        ]

    return shown(left) == shown(right)


class TestHttpxResponses(TypeSupportContract):
    def make(self) -> HttpxResponseTypes:
        return HttpxResponseTypes()

    def samples(self) -> list[Any]:
        return [made for library in LIBRARIES for made in self._of(library)]

    def _of(self, library: Any) -> list[Any]:
        request = library.Request("GET", "https://example.com/a?b=1")
        first = library.Response(302, headers={"location": "/b"}, request=request)
        packed = gzip.compress(b"x" * 99)
        gzipped = library.Response(
            200, headers={"content-encoding": "gzip"}, content=packed, request=request
        )
        slow = library.Response(200, content=b"a", request=request, history=[first])
        for each in (first, gzipped, slow):
            each.elapsed = timedelta(seconds=1)
        slow.encoding = "latin-1"
        extensions = {"http_version": b"HTTP/2", "reason_phrase": b"Fine", "stream_id": 3}
        many = [(b"A", b"1"), (b"a", b"2"), (b"B", "é".encode("latin-1"))]
        second = library.Response(200, headers=many, json=[1], extensions=extensions)
        second.elapsed = timedelta(0)
        return [slow, gzipped, first, second]

    def same(self, left: Any, right: Any) -> bool:
        return same(left, right)

    def source(self) -> None:
        """Other processes are asked in `test_processes`, once for all supports."""


class TestRequestsResponses(TypeSupportContract):
    def make(self) -> RequestsResponseTypes:
        return RequestsResponseTypes()

    def samples(self) -> list[requests.Response]:
        made = []
        for status, content in ((200, b"a"), (200, b"b"), (404, b""), (503, None)):
            response = requests.Response()
            response.status_code, response.reason = status, "Fine"
            response._content = content  # type: ignore[assignment]
            response.headers["A"] = "1, 2"
            response.url, response.encoding = "https://example.com/a?b=1", "utf-8"
            response.elapsed = timedelta(seconds=2)
            if content is not None:
                response.request = requests.Request("GET", response.url).prepare()
            response.history = list(made[:1])
            made.append(response)
        return made

    def same(self, left: Any, right: Any) -> bool:
        return same(left, right)

    def source(self) -> None:
        """As above."""


# ----------------------------------------------------------------------------- from a real server


@pytest.mark.parametrize("library", [*LIBRARIES, requests], ids=lambda each: str(each.__name__))
@pytest.mark.parametrize("path", ["/json", "/text", "/gzip", "/br", "/moved", "/missing"])
def test_a_hit_has_what_the_first_call_had(library: Any, path: str, site: WebSite) -> None:
    with memory_spot() as spot:

        @spot.mark
        def fetch(url: str) -> Any:
            if library is requests:
                return requests.get(url, timeout=9)
            return library.get(url, follow_redirects=True)

        first, second = fetch(site.url + path), fetch(site.url + path)
        assert spot.stats()["hits"] == 1

    assert type(second) is type(first)
    assert second.content == first.content
    assert second.text == first.text
    if path in ("/gzip", "/br"):
        assert second.content.decode() == TEXT
        assert second.headers["content-encoding"] == path[1:]
    if "json" in first.headers.get("content-type", ""):
        assert second.json() == first.json()
        assert second.headers["x-ratelimit-remaining-tokens"] == "12"
        assert second.links["next"]["url"] == f"{site.url}/json?page=2&X-Amz-Signature=***"
    assert second.elapsed == first.elapsed
    assert second.encoding == first.encoding
    assert second.headers["x-many"] == "one, two"
    assert [each.status_code for each in second.history] == [e.status_code for e in first.history]
    assert (second.request.method, str(second.request.url)) == ("GET", str(second.url))
    _check_secrets(second, path, site)
    if path == "/missing":
        with pytest.raises(type(_raised(first)), match="404"):
            second.raise_for_status()
    _check_of_library(second, first)


def _check_secrets(second: Any, path: str, site: WebSite) -> None:
    assert len(second.cookies) == 0
    for response in (second, *second.history):
        assert CANARY not in f"{response.headers} {response.url} {vars(response)}"
        assert "set-cookie" not in response.headers
    if path == "/moved":
        assert str(second.url) == f"{site.url}/json?token=***&page=2"
        assert second.history[0].headers["location"] == "/json?token=***&page=2"


def _check_of_library(second: Any, first: Any) -> None:
    if isinstance(first, requests.Response):
        assert second.reason == first.reason
    else:
        assert second.headers.get_list("x-many") == ["one", "two"]
        assert (second.http_version, second.reason_phrase) == ("HTTP/1.1", first.reason_phrase)
        assert second.num_bytes_downloaded == first.num_bytes_downloaded


def _raised(response: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of either library
        response.raise_for_status()
    return caught.value


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda each: str(each.__name__))
def test_a_stream_that_is_not_read_is_read(library: Any, site: WebSite) -> None:
    with memory_spot() as spot, library.Client() as client:

        @spot.mark(ignore=("client",))
        def fetch(url: str) -> Any:
            return client.send(client.build_request("GET", url), stream=True)

        first, second = fetch(site.url + "/gzip"), fetch(site.url + "/gzip")
        assert first.text == second.text == "".join(second.iter_text()) == TEXT
        assert "".join(f"{line}\n" for line in first.iter_lines()) == TEXT


def test_a_response_without_a_body_is_stored_though_its_stream_is_closed(site: WebSite) -> None:
    with memory_spot() as spot:

        @spot.mark
        def look(url: str) -> requests.Response:
            return requests.head(url, stream=True, timeout=9)

        with look(site.url) as first:
            assert first.content == look(site.url).content == b""
        assert spot.stats()["hits"] == 1


def closed(url: str) -> httpx.Response:
    with httpx.Client() as client, client.stream("GET", url) as response:
        return response


def requests_closed(url: str) -> requests.Response:
    with requests.get(url, stream=True, timeout=9) as response:
        return response


@pytest.mark.parametrize("fetch", [closed, requests_closed])
def test_what_is_gone_is_not_made_up(fetch: Any, site: WebSite) -> None:
    with memory_spot() as spot:
        marked = spot.mark(fetch)
        with pytest.raises(bs.SerializationError, match=r"a Response was closed, or read in parts"):
            marked(site.url + "/json")


def test_the_caller_gets_its_response_though_it_is_not_stored(
    site: WebSite, caplog: pytest.LogCaptureFixture
) -> None:
    with memory_spot(strict=False) as spot, caplog.at_level(logging.WARNING):
        assert spot.mark(closed)(site.url + "/json").status_code == 200
    assert "correct the function" not in caplog.text
    assert "call its read()" in caplog.text


class OwnHttpx(httpx.Response):
    """A class of the program's."""


class OwnRequests(requests.Response):
    """A class of the program's."""


@pytest.mark.parametrize("own", [lambda: OwnHttpx(200), OwnRequests])
def test_a_subclass_is_not_stored_as_a_response(own: Any) -> None:
    with memory_spot() as spot:
        for returned in (own(), [own()]):
            with pytest.raises(bs.SerializationError, match="Own"):
                spot.mark(lambda value: value, key=lambda value: "one")(returned)


def test_an_attribute_that_was_added_is_not_lost() -> None:
    response = httpx.Response(200)
    response.score = 3  # type: ignore[attr-defined]
    other = requests.Response()
    other.score = 3  # type: ignore[attr-defined]
    other._content = b""
    with memory_spot() as spot:
        for each in (response, other):
            with pytest.raises(bs.SerializationError, match="attribute score"):
                spot.mark(lambda value: value, key=lambda value: "one")(each)
            with pytest.raises(bs.UnstableKeyError, match="which has the attribute score"):
                spot.mark(lambda value: 1)(each)


# ------------------------------------------------------------------------------------ arguments


def size(response: Any) -> int:
    return len(response.content)


def test_a_response_is_an_argument_by_all_that_is_stored(site: WebSite) -> None:
    with memory_spot() as spot:
        fetch = spot.mark(lambda url: requests.get(url, timeout=9))
        measure = spot.mark(size)
        assert {measure(fetch(site.url + "/json")) for _ in range(3)} == {26}
        assert spot.stats()["hits"] == 2 + 2
        measure(httpx.Response(200, content=b"a"))
        measure(httpx.Response(201, content=b"a"))
        measure(httpx.Response(200, content=b"b"))
        assert spot.stats()["hits"] == 4


# -------------------------------------------------------------------------------- hostile values


def stored(response: Any) -> dict[str, Any]:
    form = HttpxResponseTypes().encode(response)
    assert isinstance(form, dict)
    return form


@pytest.mark.parametrize(
    "changed",
    [
        {"library": "os"},
        {"status": "200"},
        {"headers": [["a"]]},
        {"headers": [["a", 1]]},
        {"headers": {"a": "b"}},
        {"content": "text"},
        {"history": [1]},
        {"request": ["GET"]},
        {"elapsed": 3},
        {"extensions": {"network_stream": b""}},
        {"extensions": {"http_version": 2}},
    ],
)
def test_a_changed_form_is_no_response(changed: dict[str, Any]) -> None:
    form = stored(httpx.Response(200, content=b"a"))
    with pytest.raises(bs.RestoreError):
        HttpxResponseTypes().decode({**form, **changed})
    with pytest.raises(bs.RestoreError):
        RequestsResponseTypes().decode({"status": 200, **changed})


def test_an_unread_response_is_no_argument() -> None:
    unread = requests.Response()
    unread.raw = io.BytesIO(b"abc")  # type: ignore[assignment]
    with memory_spot() as spot:
        for response in (httpx.Response(200, content=iter([b"abc"])), unread):
            with pytest.raises(bs.UnstableKeyError, match="which is not read yet"):
                spot.mark(size)(response)
        assert unread.content == b"abc"

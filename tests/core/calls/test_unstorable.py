"""A result that can't be stored is told of after the function ran, once, and never before that."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pydantic
import pytest
from beautyspot.contracts import SerializerBase


class Response:
    """Like what a client of HTTP returns."""


@pytest.mark.parametrize(
    ("annotation", "value", "told"),
    [
        (Response, Response(), r"spot.register\(Response, encode=…, decode=…\).*\"pickle\""),
        (io.StringIO, io.StringIO(), "return what it holds, or its path"),
        (Iterator, iter([1]), "used up by its reader"),
        (re.Pattern, re.compile("x"), "return its text"),
        (pydantic.SecretStr, pydantic.SecretStr("x"), "is a secret"),
        (np.random.Generator, np.random.default_rng(1), "Generator is not a type"),
    ],
)
def test_it_is_said_after_the_first_run(
    make_spot: Any, caplog: Any, annotation: Any, value: Any, told: str
) -> None:
    said: list[int] = []

    def work(number: int) -> Any:
        said.append(len(caplog.messages))
        return value

    work.__annotations__["return"] = annotation
    marked = make_spot().mark(name="work", key=lambda number: str(number))(work)
    for number in (1, 2):
        assert marked(number) is value
    assert said == [0, 1]
    (message,) = caplog.messages
    assert re.search(told, message)
    assert "returned, and not cached" in message


URLS = [
    *(pydantic.HttpUrl("https://example.org/a?b=c#d"), pydantic.AnyUrl("ftp://x/é")),
    *(pydantic.FileUrl("file:///tmp/a"), pydantic.PostgresDsn("postgres://u@h1:5432,h2/db")),
    pydantic.NameEmail("A B", "a@example.org"),
]


class Page(pydantic.BaseModel):
    url: pydantic.HttpUrl
    secret: pydantic.SecretStr | None = None


@pytest.mark.parametrize("value", [*URLS, Page(url=URLS[0])], ids=lambda v: type(v).__name__)
def test_values_of_pydantic_come_back(spot: Any, value: Any) -> None:
    def work() -> Page | Any:
        return value

    marked = spot.mark(name="work", key="1")(work)
    first, second = marked(), marked()
    assert first is value
    assert second is not value
    assert (type(second), second, repr(second)) == (type(value), value, repr(value))


def test_a_secret_is_not_stored(make_spot: Any, caplog: Any) -> None:
    page = Page(url=URLS[0], secret=pydantic.SecretStr("sk-1"))
    spot = make_spot()
    spot.register(Page)
    assert spot.mark(name="page", key="1")(lambda: page)() is page
    assert "sk-1" not in caplog.text
    assert "result.secret can't be stored: pydantic.types:SecretStr is a secret" in caplog.text


class Listing(SerializerBase):
    """Writes what an iterable gives; the bytes are of a class of its own."""

    name = "listing"

    class Bytes(bytes):
        pass

    def dumps(self, value: Any) -> bytes:
        return self.Bytes(repr(list(value)).encode())

    def loads(self, data: Any) -> Any:
        return bytes(data).decode()


def broken_off() -> Iterator[int]:
    yield 1
    raise ValueError("broken off")


def test_a_serializer_that_has_failed_is_not_asked_for_what_is_left(
    make_spot: Any, caplog: Any
) -> None:
    spot = make_spot()
    made: list[Iterator[int]] = []

    @spot.mark(serializer=Listing(), name="work", key="1")
    def work() -> Any:
        made.append(broken_off())
        return made[-1]

    assert (work(), work()) == tuple(made)
    assert len(made) == 2
    assert "ValueError: broken off" in caplog.text


def test_bytes_of_a_subclass_are_stored(spot: Any) -> None:
    work = spot.mark(serializer=Listing(), name="work", key="1")(lambda: [1])
    assert (work(), work()) == ([1], "[1]")

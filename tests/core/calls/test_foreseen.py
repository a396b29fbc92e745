"""What the return annotation says can't be stored is said before the function first runs."""

from __future__ import annotations

import collections.abc
import enum
import io
import re
from abc import ABC
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Protocol, TypedDict

import numpy as np
import pandas as pd
import pydantic
import pytest


class Response:
    """Like what a client of HTTP returns."""


class Shape:
    pass


@dataclass
class Circle(Shape):
    radius: int = 1


class HasName(Protocol):
    name: str


class HasNext(Protocol):
    def __next__(self) -> int: ...


class Row(TypedDict):
    x: int


class Word(str):
    __slots__ = ()


class Empty(ABC):  # noqa: B024 - without anything abstract
    pass


def warned(spot: Any, caplog: Any, annotation: Any, value: Any = None) -> list[str]:
    said: list[list[str]] = []

    def work(number: int) -> Any:
        said.append([record.getMessage() for record in caplog.records])
        return value

    work.__annotations__["return"] = annotation
    marked = spot.mark(name="work", key=lambda number: str(number))(work)
    for number in (1, 2):
        marked(number)
    return said[0]


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        (Response, r"spot.register\(Response, encode=…, decode=…\).*serializer=\"pickle\""),
        (io.StringIO, "return what it holds, or its path"),
        (collections.abc.Iterator, "used up by its reader"),
        (re.Pattern, "return its text"),
        (pydantic.SecretStr, "is a secret"),
    ],
)
def test_it_is_said_before_the_first_run(
    make_spot: Any, caplog: Any, annotation: Any, told: str
) -> None:
    (message,) = warned(make_spot(), caplog, annotation)
    assert re.search(told, message)


@pytest.mark.parametrize(
    "annotation",
    [
        "missing.Thing",
        *(
            None,
            int,
            list,
            Any,
            object,
            dict,
            tuple,
            Row,
            HasName,
            HasNext,
            Shape,
            Empty,
            Circle,
            Word,
        ),
        *(PurePath, enum.Enum, Exception, pydantic.HttpUrl, pydantic.BaseModel, type(None)),
        *(np.ndarray, np.generic, np.floating, pd.DataFrame, pd.Index, collections.abc.Mapping),
        *(Response | None, "Response | Missing", "Missing", bytes, memoryview | bytes),
    ],
)
def test_it_is_never_a_false_alarm(make_spot: Any, caplog: Any, annotation: Any) -> None:
    assert warned(make_spot(), caplog, annotation) == []


def test_not_of_what_is_registered_until_then(make_spot: Any, caplog: Any) -> None:
    spot = make_spot()

    @spot.mark
    def work() -> Response:
        return Response()

    spot.register(Response, encode=lambda _: None, decode=lambda _: Response())
    work()
    assert caplog.messages == []


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

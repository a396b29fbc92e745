"""The arguments of a call as a text for people, in the row of its result."""

from __future__ import annotations

import datetime as dt
import enum
import functools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import attrs
import beautyspot as bs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
from beautyspot.keys.shown import shown
from beautyspot.keys.walk import Without
from beautyspot.memory import MemoryMetadataStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.made import findable


def argument_text(named: dict[str, Any]) -> str:
    """What people read of arguments, made of the texts of their key."""
    keygen = bs.KeyGen()
    walk = keygen.walk()
    return shown(keygen.texts_of(named, walk), walk.definitions)


def less_digests(text: str) -> str:
    return re.sub(r"(<[^<>]*) [0-9a-f]{8}>", r"\1 #>", text)


TOKEN = "sk-proj-abcdefgh12345678"


class Color(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: int
    y: int


class Silent:
    def __repr__(self) -> str:
        raise AssertionError("a __repr__ of the user's was called")


class Zone(dt.tzinfo):
    def __str__(self) -> str:
        raise AssertionError("a __str__ of the user's was called")


@dataclass
class Job:
    name: str
    api_key: Any = "geheim"
    inner: Any = None
    hidden: str = field(default="hidden", repr=False)


@attrs.define
class Attrs:
    x: int
    y: str = attrs.field(default="hidden", repr=False)


class Model(pydantic.BaseModel):
    x: int
    password: pydantic.SecretStr
    y: str = pydantic.Field(default="hidden", repr=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"), (True, "True"), (1.5, "1.5"), (-3, "-3"), (1 << 10_000, "<int #>"),
        ("a'b\n", '"a\'b\\n"'), ("\ud800", "'\\ud800'"),
        ("ä " * 250, f"'{'ä ' * 98}ä...{'ä ' * 99}'"),
        ("x" * 401, f"'{'x' * 197}...{'x' * 198}'"), ("x" * 2000, "'…'"),
        (["日本" * 500], f"['{'日本' * 98}日...{'日本' * 99}']"),
        (b"1234", "<bytes #>"), (bytearray(3), "<bytearray #>"),
        (memoryview(b"abc"), "<memoryview #>"),
        ([1, [2, (3,)]], "[1, [2, (3,)]]"), ({3, 1, 2}, "{1, 2, 3}"), (frozenset(), "{}"),
        (list(range(200)), f"[{', '.join(map(str, range(20)))}, ...]"),
        ([[[[[[[1]]]]]]], "[[[[[[[...]]]]]]]"), (OrderedDict(a=1), "{'a': 1}"),
        (Point(1, 2), "<Point #>"), (Color.RED, "Color.RED"), (Silent(), "<Silent>"),
        (Job("a"), "Job(name='a', api_key=***, inner=None)"),
        (Without(Job("a", inner=Job("b")), ("name", "inner.name")),
         "Job(api_key=***, inner=Job(api_key=***, inner=None))"),
        (Attrs(1), "Attrs(x=1)"),
        (Model(x=1, password=pydantic.SecretStr("s")), "Model(x=1, password=***)"),
        (Decimal("1.50"), "1.50"), (Fraction(1, 3), "<Fraction #>"),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (dt.datetime(2020, 1, 2, tzinfo=dt.UTC), "2020-01-02 00:00:00.000000"),
        (dt.datetime(2020, 1, 2, tzinfo=Zone()), "2020-01-02 00:00:00.000000"),
        (dt.timedelta(1), "<timedelta #>"),
        (UUID(int=1), "<uuid #>"), (Path("a"), "'a'"),
        (range(3), "<range #>"), (Job, "Job"), (len, "len"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_people_are_shown(value: Any, text: str) -> None:
    shown_text = less_digests(argument_text({"x": value}))
    assert shown_text.removeprefix("x=")[:300] == text[:300]


def beneath(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def test_a_default_beneath_a_decorator_is_shown_by_its_value(spot: bs.Spot) -> None:
    def ask(prompt: str, model: str = "small", tags: tuple[str, ...] = ("a",)) -> str:
        return prompt

    marked = spot.mark(beneath(ask))
    assert row(spot, marked, "hi") == "prompt='hi', model='small', tags=('a',)"


LONG = ["a text of some length"] * 1000


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (LONG, [*LONG[:-1], "b"], "<list (1000) #>"),
        ((*LONG,), (*LONG[:-1], "b"), "<tuple (1000) #>"),
        (dict.fromkeys(map(str, range(2000)), 1), dict.fromkeys(map(str, range(2000)), 2),
         "<dict (2000) #>"),
        ([*range(300)], [*range(1, 301)], "<ints (300) #>"),
        ((*range(300),), (*range(1, 301),), "<ints (300) #>"),
        (np.zeros((2, 3)), np.ones((2, 3)), "<ndarray (2, 3) #>"),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), "<DataFrame (2, 1) #>"),
        (pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 3]}), "<DataFrame (2, 1) #>"),
        (pa.table({"a": [1, 2]}), pa.table({"a": [1, 3]}), "<Table (2, 1) #>"),
        (Silent(), Silent(), "<Silent>"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_two_that_are_large_are_told_apart(spot: bs.Spot, one: Any, other: Any, text: str) -> None:
    def count(x: Any) -> int:
        return 1

    marked = spot.mark(count)
    texts = [row(spot, marked, each) for each in (one, other)]
    assert [less_digests(str(each)) for each in texts] == [f"x={text}"] * 2
    assert (texts[0] == texts[1]) is ("#" not in text)


@pytest.mark.parametrize(
    "value",
    [
        TOKEN, f"use {TOKEN} now", "https://me:hunter2@host/x", ("Authorization", "hunter2"),
        (b"Authorization", "hunter2"), {"Authorization": "hunter2"}, [("api_key", "hunter2")],
        {"password": ["hunter2"]}, {b"token": {"a": "hunter2"}}, "password=hunter2", {TOKEN: 1},
        f"{'word ' * 77}{TOKEN}", f"{'x' * 398} {TOKEN}", f"{'x' * 630} {TOKEN}",
        "https://me:" + "hunter2" * 400 + "@host", Path("https://x:hunter2@host"),
        f"Bearer {'hunter2' * 3}", Job("a", api_key="hunter2"), Job("a", api_key=("hunter2", "b")),
        Job("a", api_key=Path("hunter2")), Job("a", api_key={"a": "hunter2"}),
        Job("a", api_key=Job("hunter2")),
    ],
    ids=lambda value: f"{str(value):.20}",
)  # fmt: skip
def test_no_secret_is_shown_nor_half_of_one(value: Any) -> None:
    text = argument_text({"x": value})
    assert text is not None
    assert "hunter2" not in text
    assert TOKEN[:10] not in text


def test_secret_names_show_numbers_only() -> None:
    named = {"max_tokens": 5, "api_key": "a", "token": b"b", "passwords": [3, "c"], TOKEN: 1}
    assert argument_text(named) == ("max_tokens=5, api_key=***, token=***, passwords=***, '***'=1")


few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
around = st.text(max_size=700)


@few
@given(
    around,
    around,
    st.sampled_from(
        [TOKEN, "https://me:hunter2@host", "password=hunter2", "Bearer hunter2hunter2"]
    ),
    st.sampled_from([str, Path, lambda x: [x], lambda x: {x: x}, lambda x: Job(x, inner=(x, x))]),
)
def test_a_planted_secret_is_never_shown(
    before: str, after: str, secret: str, wrap: Callable[[str], Any]
) -> None:
    text = argument_text({"x": wrap(f"{before} {secret} {after}"), "y": wrap(secret)})
    assert text is not None
    assert "hunter2" not in text
    assert "abcdefgh12345678" not in text


class Counted:
    """A descriptor that does some work, as one of a lazy library does."""

    def __get__(self, instance: object, owner: object = None) -> int:
        raise AssertionError("code of the user's ran")

    def __set__(self, instance: object, value: int) -> None:
        vars(instance)["kept"] = value


def test_attributes_are_read_where_they_are_kept() -> None:
    @findable
    @dataclass
    class Guarded:
        x: int = 1

        def __getattribute__(self, name: str) -> Any:
            raise AssertionError("code of the user's ran")

    @findable
    @dataclass
    class Lazy:
        y: int
        z: int = field(default=3, init=False)

    Lazy.y = Counted()  # type: ignore[assignment]

    @findable
    @dataclass(slots=True)
    class Slots:
        a: int
        b: int = field(init=False)

    @findable
    class Pair(Point):
        def __len__(self) -> int:
            raise AssertionError("code of the user's ran")

    given = {"g": Guarded(), "l": Lazy(2), "s": Slots(1), "p": Pair(1, 2)}
    text = less_digests(argument_text(given))
    assert text == "g=Guarded(x=1), l=<Lazy #>, s=Slots(a=1), p=<Pair #>"


def test_the_value_of_an_option_is_hidden() -> None:
    told = argument_text({"args": ["mysql", "-u", "me", "--password", "hunter2", "-v"]})
    assert told == "args=['mysql', '-u', 'me', '--password', ***, '-v']"


# ------------------------------------------------------------------------------ in the row


def row(spot: bs.Spot, marked: Any, *args: Any, **kwargs: Any) -> str | None:
    key = spot.key(marked, *args, **kwargs)
    result = marked(*args, **kwargs)
    if isinstance(result, Iterator):
        list(result)
    record = spot.metadata.get(key)
    assert record is not None
    return record.arguments


class Service:
    def __init__(self) -> None:
        self.seen: list[int] = []

    def ask(self, prompt: str, *more: int, client: object = None, **rest: Any) -> int:
        del client
        self.seen.append(1)
        return len(prompt) + len(more) + len(rest)


@dataclass
class Chat:
    client: Any
    model: str = "m"

    def ask(self, prompt: str) -> str:
        return prompt


def test_arguments_have_their_names_and_what_is_ignored_is_left_out(spot: bs.Spot) -> None:
    service = spot.mark(ignore=("self.seen", "client"))(Service.ask)
    told = row(spot, service, Service(), "hello", 1, 2, client=3, tone="kind")
    assert told == "self=<Service>, prompt='hello', more=(1, 2), tone='kind'"
    chat = spot.mark(ignore=("self.client",))(Chat.ask)
    assert row(spot, chat, Chat(Silent()), "hi") == "self=Chat(model='m'), prompt='hi'"


def test_arguments_are_shown_as_they_were_before_the_run(spot: bs.Spot) -> None:
    pop = spot.mark(key={"self": tuple})(list[int].pop)
    assert row(spot, pop, [1, 2]) == "self=(1, 2), index=-1", "what counts of it"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("fixed", "'fixed'"),
        (lambda path: ("id", path.name), "('id', 'a.txt')"),
        (lambda path: f"id {TOKEN}", "'id ***'"),
        ({"path": lambda path: path.stat().st_size}, "path=7"),
    ],
    ids=["an ID", "a function", "a secret", "a table"],
)
def test_an_id_stands_alone_and_a_keyed_argument_is_shown_itself(
    spot: bs.Spot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Any, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("content")
    assert row(spot, spot.mark(key=key)(lambda path: 1), Path("a.txt")) == text


def test_streams_show_their_arguments(spot: bs.Spot) -> None:
    def items(x: int) -> Iterator[int]:
        yield x

    assert row(spot, spot.mark(items), 3) == "x=3"


@pytest.mark.parametrize(
    ("private", "of_spot", "of_mark", "shown"),
    [
        (True, None, None, True), (False, None, None, False), (False, True, None, True),
        (True, False, None, False), (True, False, True, True), (False, True, False, False),
    ],
)  # fmt: skip
def test_where_arguments_are_shown(
    make_spot: Callable[..., bs.Spot],
    *,
    private: bool,
    of_spot: bool | None,
    of_mark: bool | None,
    shown: bool,
) -> None:
    store = MemoryMetadataStore()
    store.private = private
    spot = make_spot(metadata=store, arguments=of_spot)
    assert row(spot, spot.mark(arguments=of_mark)(lambda x: x), 3) == ("x=3" if shown else None)


@pytest.mark.parametrize("value", [1, "yes"])
def test_what_is_no_boolean_is_refused(spot: bs.Spot, value: Any) -> None:
    with pytest.raises(bs.ConfigError, match=r"mark\(arguments=.*give True or False"):
        spot.mark(arguments=value)

"""Each type of Python and the standard library, and each kind of class, there and back."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import re
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid1
from zoneinfo import ZoneInfo

import pytest
from beautyspot import Spot
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.serialization.serializer import MsgpackSerializer
from handmade import tagged


def round_trip(value: Any, *classes: Any) -> Any:
    serializer = MsgpackSerializer().vouching(classes)
    return serializer.loads(serializer.dumps(value))


def refused(value: Any, message: str, *classes: Any) -> None:
    with pytest.raises(SerializationError, match=message):
        MsgpackSerializer().vouching(classes).dumps(value)


def not_restored(code: int, *parts: Any) -> None:
    with pytest.raises(RestoreError):
        MsgpackSerializer().loads(tagged(code, *parts))


BERLIN = ZoneInfo("Europe/Berlin")

SAME = [
    *(None, True, 0, -1, 2**64, -(2**63) - 1, 1.5, -0.0, float("inf"), 1j, complex("-0-0j")),
    *(
        "",
        "a",
        "日本語",
        "\ud800",
        "a\udfff",
        b"",
        b"a",
        bytearray(),
        bytearray(b"a"),
        b"a" * 2**16,
    ),
    *([], [1, "\ud800", [2**70]], (), (1,), ((),), set(), {1, "a"}, frozenset({(1, 2)})),
    *({}, {1: 2, "1": 3}, {None: 1, 2.5: 2, b"k": 3}, {(1, 2): 3}, {"\ud800": 1}, {2**70: 1}),
    *({b"k": (1,), "b": 1, "a": 2}, {frozenset(): {(): ()}}),
    *(
        range(0),
        range(5, 1, -2),
        range(2**70),
        slice(None),
        slice(1, "a", (2,)),
    ),
    *(deque(), deque([1, (2,)]), deque([1], maxlen=3), deque([], 0)),
    *(OrderedDict(b=1, a=2), OrderedDict({(1,): 2}), Counter("aab"), Counter({(1,): 2.5})),
    *(defaultdict(None), defaultdict(list, {1: [2]}), defaultdict(int, {(1,): 2})),
    *(SimpleNamespace(), SimpleNamespace(a=1, b=(2,))),
    *(date(2020, 2, 29), time(1, 2, 3, 4, fold=1), time(1, tzinfo=UTC)),
    *(
        datetime(2020, 1, 1),  # noqa: DTZ001 - naive on purpose
        datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    ),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=-5, microseconds=1), "EST")),
    *(timedelta(-1, 2, 3), UTC, timezone(timedelta(hours=1)), timezone(timedelta(0), "Z")),
    *(BERLIN, ZoneInfo("UTC"), ZoneInfo("Etc/GMT+5")),
    *(Decimal("1.50"), Decimal("-0"), Decimal("1E+30"), Decimal("Infinity"), Decimal("1" * 60)),
    *(Fraction(1, 3), Fraction(2**80, 3), UUID(int=7), uuid1()),
    *(Path("/a/b"), Path(), PurePosixPath("a/\udc80"), PureWindowsPath("c:\\a")),
    *map(ipaddress.ip_address, ("10.0.0.1", "::1", "fe80::1%eth0")),
    *map(ipaddress.ip_network, ("10.0.0.0/8", "::/0")),
    *map(ipaddress.ip_interface, ("10.0.0.1/8", "::1/64")),
]


@pytest.mark.parametrize("value", SAME, ids=lambda v: type(v).__name__)
def test_it_comes_back(value):
    restored = round_trip([value])[0]
    assert type(restored) is type(value)
    assert restored == value
    assert repr(restored) == repr(value)
    assert round_trip({"a": (value,)}) == {"a": (value,)}


def test_the_order_of_a_dictionary_is_kept():
    assert list(round_trip({"b": 1, "a": 2, (1,): 3})) == ["b", "a", (1,)]


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "NaN123", "-sNaN7"])
def test_decimals_that_are_no_number(text):
    assert str(round_trip(Decimal(text))) == text


def test_the_programs_decimal_context_does_not_matter():
    with localcontext(Context(prec=2, capitals=0, traps=[])):
        assert repr(round_trip(Decimal("1.2345E+50"))) == repr(Decimal("1.2345E+50"))
        not_restored(40, "hello")


def test_a_fold_and_a_zone_are_kept():
    value = datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)
    restored = round_trip(value)
    assert restored.fold == 1
    assert restored.tzinfo is BERLIN
    assert restored.utcoffset() == timedelta(hours=1)


def test_nan_is_kept_as_value_and_key():
    restored = round_trip({"a": float("nan"), (1,): float("nan")})
    assert all(value != value for value in restored.values())
    assert len(round_trip({float("nan"): 1})) == 1


class Zone(tzinfo):
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (datetime(2020, 1, 1, tzinfo=Zone()), "Zone is not a type"),
        (defaultdict(lambda: 1), "factory"),
        (defaultdict(Path), "factory"),
        (defaultdict(type("int", (), {})), "factory"),
        (memoryview(b"a"), "memoryview"),
        (type("O", (OrderedDict,), {})(), "O is not a type"),
        (SimpleNamespace(a=[object()]), r"result\.a\[0\]"),
        (object, "type is not a type"),
        (re.compile("a"), r"program.*\.pattern"),
    ],
)
def test_refused(value, message):
    refused(value, message)


async def later():
    yield 1


class Awaitable:
    def __await__(self):
        yield


class Reader:
    def __next__(self):
        return 1


@dataclass
class Cursor(Reader):
    place: int


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Awaitable(), "not awaited yet: make the marked function an `async def`"),
        ((n for n in "a"), "return a list, or `yield` in the function"),
        ([map(str, "a")], r"result\[0\] .*map is used up by its reader: return a list"),
        (iter([]), "return a list"),
        (later(), "return a list, or `yield` in an `async def`"),
        (Reader(), "return a list"),
        (lambda: 1, "function is code, which is never stored: return what it returns"),
        (io.StringIO(), "is a file: return what it holds, or its path"),
        (io.BytesIO(), "is a file"),
        ({}.keys(), "return a list or a set"),
        (Cursor(1), "annotate the function"),
    ],
)
def test_what_is_no_result_yet_is_told_otherwise_than_by_registering(value, message):
    refused(value, message)


def test_a_wrapper_that_returns_a_coroutine_is_told_to_await(caplog, tmp_path):
    async def work():
        return 1

    spot = Spot("app", directory=tmp_path)
    marked = spot.mark(lambda: work())  # noqa: PLW0108 - not what it wraps
    assert asyncio.run(marked()) == 1
    assert "coroutine is not awaited yet: make the marked function an `async def`" in (caplog.text)
    assert "register" not in caplog.text
    spot.shutdown()


def test_attributes_on_a_container_are_kept():
    for cls in (Counter, OrderedDict):
        value = cls(a=1)
        value.extra = [1]
        restored = round_trip(value)
        assert (type(restored), restored, restored.extra) == (cls, value, [1])


def test_a_zone_without_a_key_is_refused():
    # The smallest file of a zone there is: RFC 9636, version 1, one type of local time.
    tzif = (
        b"TZif"
        + bytes(16)
        + (0).to_bytes(4, "big") * 4
        + (1).to_bytes(4, "big")
        + (4).to_bytes(4, "big")
        + bytes(6)
        + b"UTC\0"
    )
    refused(ZoneInfo.from_file(io.BytesIO(tzif)), "file stream")
    refused(ZoneInfo.from_file(io.BytesIO(tzif), "Europe/Berlin"), "file stream")


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (22, ["eval", {}]),
        (35, ["../../etc/passwd"]),
        (35, ["Nowhere/AtAll"]),
        (35, ["a.b/c"]),
        (41, [1, 0]),
        (43, ["Popen", "x"]),
        (44, ["IPv4Address", "x"]),
        (45, ["a", 32]),
        (42, [bytes(16), 7]),
        (32, [2020, 13, 1, 0, 0, 0, 0, 0, None]),
        (32, [2020, 1, 1, 0, 0, 0, 0, 0, "UTC"]),
    ],
)
def test_payloads_that_no_value_has(code, parts):
    not_restored(code, *parts)

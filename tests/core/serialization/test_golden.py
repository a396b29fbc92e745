"""The stored form of values, frozen: a change of it is a change of the format.

`golden/values.txt` holds a line a value: its name and the bytes, in hexadecimal digits. A line is
never edited; a new form of a type gets a new version and a new line, and the old one must still be
read. To add lines for new names, run this file as a script.

Once, before 3.0.0 was released, all lines were written anew, as the third version of the document:
a tagged value is an array that begins with its ext, and the buffers stand before the tree.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import pathlib
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import attrs
import pydantic
import pytest
from beautyspot.serialization.serializer import MsgpackSerializer

FILE = pathlib.Path(__file__).parent / "golden" / "values.txt"


@dataclasses.dataclass
class Point:
    x: int
    y: tuple[str, ...] = ()


@dataclasses.dataclass
class Tagged:
    x: int
    kind: str = dataclasses.field(init=False, default="tagged")


@attrs.define
class Slotted:
    x: int


class Pair(NamedTuple):
    a: int
    b: str


class Color(enum.Enum):
    RED = 1


class Access(enum.Flag):
    R = 4
    W = 2


class Model(pydantic.BaseModel):
    x: int = 1
    name: str = "n"


class Problem(ValueError):
    pass


class UserId(str):
    __slots__ = ()


class Custom:
    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and other.x == self.x

    __hash__ = None  # type: ignore[assignment]


def make() -> MsgpackSerializer:
    serializer = MsgpackSerializer()
    for cls in (Point, Tagged, Slotted, Pair, Color, Access, Model, Problem, UserId):
        serializer.register(cls, name=cls.__name__)
    serializer.register(
        Custom, name="custom/1", encode=lambda c: [c.x], decode=lambda v: Custom(*v)
    )
    return serializer


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
VALUES: dict[str, Any] = {
    "none": None,
    "plain": {"a": 1, "b": "text", "c": 2.5, "d": [True, None, -7, b"bytes", "日本"]},
    "int keys": {1: "a", 2.5: "b", None: "c"},
    "big int": -(2**70),
    "surrogate": "a\ud800",
    "bytearray": bytearray(b"abc"),
    "nested": [(), {"a": ((),)}],
    "complex": 1 - 2j,
    "tuple": (1, ("a",)),
    "set": {1},
    "frozenset": frozenset({"a"}),
    "pairs": {(1, 2): "a"},
    "range": range(1, 10, 2),
    "slice": slice(1, None),
    "deque": collections.deque([1], maxlen=3),
    "ordered": collections.OrderedDict(b=1, a=2),
    "default": collections.defaultdict(list, {"a": [1]}),
    "counter": collections.Counter("aab"),
    "namespace": types.SimpleNamespace(a=1),
    "date": dt.date(2020, 2, 29),
    "time": dt.time(1, 2, 3, 4, fold=1),
    "datetime": dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    "timedelta": dt.timedelta(-1, 2, 3),
    "timezone": dt.timezone(dt.timedelta(hours=1), "CET"),
    "decimal": decimal.Decimal("-1.50E+7"),
    "fraction": fractions.Fraction(1, 3),
    "uuid": uuid.UUID(int=7),
    "path": pathlib.PurePosixPath("/a/b"),
    "address": ipaddress.ip_interface("10.0.0.1/8"),
    "dataclass": Point(1, ("a",)),
    "field of the class": Tagged(1),
    "attrs": Slotted(2),
    "named tuple": Pair(1, "b"),
    "enum": Color.RED,
    "flag": Access.R | Access.W,
    "model": Model(x=3),
    "str subclass": UserId("u"),
    "custom": Custom(5),
}
OTHERS: dict[str, Any] = {  # not compared by ==
    "exception": Problem("no", 1),
}
ALL = {**VALUES, **OTHERS}


def read() -> dict[str, bytes]:
    lines = FILE.read_text("utf-8").splitlines()
    return {name: bytes.fromhex(data) for name, _, data in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize("name", ALL)
def test_the_stored_form_is_frozen(name):
    assert bytes(make().dumps(ALL[name])) == read()[name]


@pytest.mark.parametrize("name", VALUES)
def test_frozen_bytes_are_read(name):
    restored = make().loads(read()[name])
    assert type(restored) is type(VALUES[name])
    assert restored == VALUES[name]


@pytest.mark.parametrize("name", OTHERS)
def test_frozen_bytes_of_the_others_are_read(name):
    restored = make().loads(read()[name])
    assert type(restored) is type(OTHERS[name])
    assert repr(restored) == repr(OTHERS[name])


def test_the_layout_of_buffers_is_frozen():
    """They are too large for the file: what stands around them."""
    buffers = bytearray(b"x" * 2**16), bytearray(b"y" * (2**16 + 1))
    head = bytes.fromhex("dd00000003c7010003c600020033").ljust(64, b"\0")
    first = bytes.fromhex("92d4030192d40d01ce00010000")
    tree = b"\x93\xd4\x05\x01" + first + bytes.fromhex("92d4030192d40d01ce00010001")
    stored = bytes(make().dumps(buffers))
    assert stored == b"".join((head, *(bytes(each) for each in buffers), tree))


def test_every_line_is_a_value():
    assert read().keys() == ALL.keys()


if __name__ == "__main__":  # adds lines, changes none
    known = read() if FILE.exists() else {}
    known |= {name: bytes(make().dumps(ALL[name])) for name in ALL if name not in known}
    FILE.write_text("".join(f"{name}: {data.hex()}\n" for name, data in known.items()), "utf-8")

"""Stored values that are read without the classes and libraries of the program that stored them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import pathlib
import pickle
import sys
import zoneinfo
from contextlib import suppress
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import attrs
import beautyspot as bs
import pydantic
import pytest
from beautyspot import Instance, RestoreError
from beautyspot_testing.shared import Plain, PlainTypes
from core.serialization import test_golden as golden
from core.serialization.test_serializer import values
from hypothesis import given, settings
from hypothesis import strategies as st


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


@dataclasses.dataclass
class Tagged:
    x: Any
    kind: str = dataclasses.field(init=False, default="tagged")


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: Any


@attrs.define
class Slotted:
    x: Any


class Pair(NamedTuple):
    left: Any
    right: Any


class Color(enum.Enum):
    RED = 1


class Access(enum.Flag):
    R = 4
    W = 2


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    x: Any
    _hidden: int = pydantic.PrivateAttr(default=7)


T = TypeVar("T")


class Box(pydantic.BaseModel, Generic[T]):
    item: T


class Problem(ValueError):
    pass


class UserId(str):
    """A text that carries more."""


class Zone(dt.tzinfo):
    def utcoffset(self, _when: object) -> dt.timedelta:
        return dt.timedelta(hours=1)


def writing() -> bs.SerializerBase:
    """A serializer that knows all of them."""
    serializer = bs.MsgpackSerializer().supporting(dict.fromkeys(PlainTypes.classes, PlainTypes()))
    for cls in (Point, Tagged, Frozen, Slotted, Pair, Color, Access, Model, Box, Problem, UserId):
        serializer.register(cls, name=f"app:{cls.__name__}")
    serializer.register(KeyError, name="builtins:KeyError")
    serializer.register(Zone, encode=lambda _: 1, decode=lambda _: Zone(), name="app:Zone")
    return serializer


def looked_at(value: Any) -> Any:
    return bs.MsgpackSerializer().loads_for_looking(writing().dumps(value))


def caused() -> Problem:
    try:
        raise Problem("no", 3) from KeyError("cause")
    except Problem as error:
        error.code = 5  # type: ignore[attr-defined]
        return error


def tagged_id() -> UserId:
    value = UserId("u")
    value.origin = "web"  # type: ignore[attr-defined]
    return value


INSTANCES = {
    "dataclass": (Point(1, [2]), {"x": 1, "y": [2]}),
    "tagged": (Tagged(1), {"kind": "tagged", "x": 1}),
    "attrs": (Slotted(1), {"x": 1}),
    "named tuple": (Pair(1, "b"), {"left": 1, "right": "b"}),
    "enum": (Color.RED, {"name": "RED", "value": 1}),
    "flag": (Access.R, {"name": "R", "value": 4}),
    "flags": (Access(6), {"name": ["R", "W"], "value": 6}),
    "model": (Model(x=1, more=2), {"x": 1, "more": 2, "_hidden": 7}),
    "generic": (Box[T](item=3), {"item": 3}),
    "subclass": (tagged_id(), {0: "u", "origin": "web"}),
}


@pytest.mark.parametrize("kind", INSTANCES)
def test_an_instance_is_read_by_its_fields(kind):
    value, fields = INSTANCES[kind]
    found = looked_at({"deep": [(value,)]})["deep"][0][0]
    assert type(found) is Instance
    assert found.class_name == f"app:{type(value).__name__.partition('[')[0]}"
    assert found.fields == fields


def test_an_exception_has_its_arguments_by_position():
    assert looked_at([caused()])[0].fields == {0: "no", 1: 3, "code": 5}


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({"a": 1}, {"a": 1}),
        ((1, 2), {0: 1, 1: 2}),
        ([1], {0: 1}),
        ({1: 2}, {0: {1: 2}}),
        (5, {0: 5}),
    ],
)
def test_what_a_function_encoded_has_names_or_places(form, fields):
    found = looked_at(Plain(form))
    assert found == Instance("beautyspot_testing.shared:Plain", fields)
    serializer = bs.MsgpackSerializer()
    serializer.register(Plain, encode=lambda p: p.state, decode=Plain, name="plain/1")
    data = serializer.dumps(Plain(form))
    assert bs.MsgpackSerializer().loads_for_looking(data) == Instance("plain/1", fields)


def test_instances_are_keys_and_in_sets():
    keys = {Frozen(1): "a", (Color.RED, Frozen([2].__len__())): "b", Pair(1, "x"): {Frozen("s")}}
    found = looked_at(keys)
    assert found[Instance("app:Frozen", {"x": 1})] == "a"
    assert found[Instance("app:Pair", {"left": 1, "right": "x"})] == {
        Instance("app:Frozen", {"x": "s"})
    }
    assert len(found) == 3


def test_instances_are_compared_by_class_and_fields():
    one = looked_at(Point([1, {"a": {2}}], bytearray(b"b")))
    assert one == Instance("app:Point", {"y": bytearray(b"b"), "x": [1, {"a": {2}}]})
    assert hash(one) == hash(Instance("app:Point", {"x": [1, {"a": frozenset({2})}], "y": b"b"}))
    assert one != Instance("app:Other", one.fields)
    assert one != Instance("app:Point", {"x": 1})
    assert one != "Point"
    assert {one, looked_at(Point(1)), one} == {one, Instance("app:Point", {"x": 1, "y": 0})}


def test_an_instance_can_not_be_changed():
    found = looked_at(Point(1))
    with pytest.raises(AttributeError):
        found.class_name = "x"
    with pytest.raises(AttributeError):
        del found.fields
    assert pickle.loads(pickle.dumps(found)) == found


def test_an_instance_is_shown_in_one_short_line():
    assert repr(looked_at(Point("text", Frozen(1)))) == "Point(x='text', y=Frozen(x=1))"
    assert repr(looked_at(tagged_id())) == "UserId('u', origin='web')"
    assert len(repr(looked_at(Point("x" * 10**5, [[0] * 10**4] * 9)))) < 400


class Tripped(Exception):
    pass


def test_nothing_is_imported_or_called_by_what_is_stored(tmp_path, monkeypatch):
    (tmp_path / "evil_mod.py").write_text("def x(*args): raise SystemExit\n")
    monkeypatch.syspath_prepend(tmp_path)
    data = writing().dumps([Frozen(1), Color.RED, Model(x=2), UserId("u"), Box[T](item=1)])
    stored = bytes(data).replace(b"app:Frozen", b"evil_mod:x")
    found = bs.MsgpackSerializer().loads_for_looking(stored)
    assert [one.class_name for one in found][:2] == ["evil_mod:x", "app:Color"]
    assert "evil_mod" not in sys.modules


def test_what_the_program_vouches_for_is_restored_if_it_can_be():
    changed = writing()
    data = changed.dumps([Frozen(1), Point(2)])
    reading = bs.MsgpackSerializer()
    reading.register(Frozen, name="app:Frozen")
    reading.register(Slotted, name="app:Point")  # which has other fields now
    assert reading.loads_for_looking(data) == [Frozen(1), Instance("app:Point", {"x": 2, "y": 0})]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_plain_values_are_read_as_ever(data):
    value = data.draw(values)
    stored = bytes(writing().dumps(value))
    plain = bs.MsgpackSerializer()
    assert repr(plain.loads_for_looking(stored)) == repr(plain.loads(stored))


wraps = st.sampled_from([Point, Frozen, Slotted, lambda v: Pair(v, 1), lambda v: Model(x=v), Plain])


hashables = st.integers() | st.text() | st.dates() | st.just(Color.RED)


@settings(max_examples=30, deadline=None)
@given(values=st.lists(values, min_size=1, max_size=3), wrap=wraps, key=hashables)
def test_any_value_is_read_within_any_class(values, wrap, key):
    """No error, and what is not of a class of the program is equal."""
    found = looked_at([{Frozen(key): wrap(value)} for value in values])
    plain = bs.MsgpackSerializer()
    for value, each in zip(values, found, strict=True):
        ((name, inner),) = each.items()
        assert name.class_name == "app:Frozen"
        assert type(inner) is Instance
        if wrap is not Plain:
            restored = plain.loads(plain.dumps(value))
            assert repr(next(iter(inner.fields.values()))) == repr(restored)


@pytest.mark.parametrize("name", golden.ALL)
def test_every_frozen_form_is_read(name):
    found = bs.MsgpackSerializer().loads_for_looking(golden.read()[name])
    value = golden.ALL[name]
    if type(value).__module__ == golden.__name__:
        assert type(found) is Instance
    else:
        assert type(found) is type(value)
        assert repr(found) == repr(value)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_damage_is_an_error_or_a_value(data):
    stored = bytearray(writing().dumps([Point(1, {"a": (2,)}), {Color.RED: caused()}, b"x" * 9]))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (bytes(stored), bytes(stored[:place])):
        with suppress(RestoreError):
            bs.MsgpackSerializer().loads_for_looking(damaged)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"app:Frozen", b"app:Froze\xff"), (b"\xaaapp:Frozen\x01", b"\xc4\x09app:Froze\x01")],
)
def test_an_instance_without_a_name_is_damaged(old, new):
    stored = bytes(writing().dumps([Frozen(1)]))
    with pytest.raises(RestoreError):
        bs.MsgpackSerializer().loads_for_looking(stored.replace(old, new))
    for empty in (b"", b"\xc1"):
        with pytest.raises(RestoreError):
            bs.MsgpackSerializer().loads_for_looking(empty)


def test_a_value_made_of_unknown_parts_is_read_by_its_parts():
    found = looked_at(dt.datetime(2020, 1, 2, tzinfo=Zone()))
    assert found.class_name == "datetime:datetime"
    assert found.fields[0] == 2020
    assert found.fields[8] == Instance("app:Zone", {0: 1})


def test_a_zone_that_this_machine_lacks_keeps_its_name(monkeypatch):
    data = writing().dumps(zoneinfo.ZoneInfo("Europe/Berlin"))
    stored = bytes(data).replace(b"Berlin", b"Atlnts")
    found = bs.MsgpackSerializer().loads_for_looking(stored)
    assert found == Instance("zoneinfo:ZoneInfo", {0: "Europe/Atlnts"})


def test_a_path_of_another_system_keeps_its_text():
    other = "WindowsPath" if sys.platform != "win32" else "PosixPath"
    mine = type(pathlib.Path()).__name__
    stored = bytes(writing().dumps([pathlib.PurePath("a/b"), pathlib.Path("a/b")]))
    text = bytes([0xA0 + len(mine)]) + mine.encode()
    stored = stored.replace(text, bytes([0xA0 + len(other)]) + other.encode())
    found = bs.MsgpackSerializer().loads_for_looking(stored)
    assert found[1].fields == {0: other, 1: "a/b"}


class Running(bs.SerializerBase):
    name = "running"
    requires_signature: ClassVar[bool] = True

    def dumps(self, value: object) -> bytes:
        return b""

    def loads(self, data: object) -> Any:
        raise Tripped


def test_a_serializer_that_may_run_code_is_not_used():
    with pytest.raises(bs.NotSupportedError, match=r"'running' stored is not loaded .* raw bytes"):
        Running().loads_for_looking(b"")

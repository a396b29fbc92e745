"""What is said of a result of a library: what to return in its place."""

from __future__ import annotations

import sqlite3
import time
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from beautyspot.errors import SerializationError, UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer


class Plan:
    """As one of dask."""


Plan.__module__ = "dask.array.core"


class Quantity:
    """As one of pint: it is no plan, though others of its class may hold one."""

    def __dask_graph__(self) -> object:
        raise AttributeError("no dask")


def of(name: str) -> Any:
    """An object of a class that derives from one of a library, by its name."""
    module, _, path = name.partition(":")
    base = type(path, (), {"__module__": module, "__qualname__": path})
    return type("Own", (base,), {})()


def row() -> Any:
    with sqlite3.connect(":memory:") as database:
        database.row_factory = sqlite3.Row
        return database.execute("select 1 as a").fetchone()


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (ET.fromstring("<a/>"), "return ElementTree.tostring(…) of it"),  # noqa: S314 - our text
        (ET.ElementTree(ET.Element("a")), "return ElementTree.tostring(….getroot())"),
        (of("lxml.etree:_Element"), "return etree.tostring(…) of it"),
        (of("lxml.etree:_ElementTree"), "return etree.tostring(…) of it"),
        (of("bs4.element:Tag"), "return its text, str(…) or ….get_text()"),
        (of("google.protobuf.message:Message"), "return ….SerializeToString()"),
        (of("astropy.table.table:Table"), "(numpy.array(c), str(c.unit))"),
        (of("astropy.units.core:UnitBase"), "return its text, ….to_string()"),
        (of("pint.facets.plain.quantity:PlainQuantity"), "return ….to_tuple()"),
        (of("sympy.core.basic:Basic"), "return sympy.srepr(…)"),
        (of("msgspec:Struct"), "return msgspec.to_builtins(…)"),
        (of("peewee:Model"), "return list(….dicts())"),
        (of("bson.objectid:ObjectId"), "return its text, str(…)"),
        (row(), "return tuple(row), or dict(row)"),
        ([ModuleType("numpy")], "is code, which is never stored"),
        (time.gmtime(0), "of a class that makes none without its parts: call spot.register"),
        (Plan(), "is a plan that is not computed yet: return what its compute() gives"),
        (Quantity(), "return what you need of it, as plain values"),
    ],
)
def test_what_to_return_in_its_place(value: object, instead: str) -> None:
    with pytest.raises(SerializationError) as raised:
        MsgpackSerializer().dumps(value)
    assert instead in str(raised.value)


def test_as_an_argument_a_plan_is_none() -> None:
    assert canonical(Quantity()) == canonical(Quantity())
    with pytest.raises(UnstableKeyError, match="a plan that is not computed yet: pass what its"):
        canonical([Plan()])

"""Errors that are results, as bytes and back; nothing in the bytes is imported or called."""

from __future__ import annotations

import dataclasses
import json
from collections import UserDict
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.serialization.serializer import MsgpackSerializer, dump_error, load_error
from handmade import ENUM, instance, tagged
from hypothesis import given, settings
from hypothesis import strategies as st
from supported import SERIALIZER


class Plain(Exception):
    pass


def of(*classes: type[Exception], by: MsgpackSerializer = SERIALIZER) -> MsgpackSerializer:
    """The serializer for the errors of a mark that names these classes."""
    return by.vouching((), errors=classes)


class Own(Plain):
    def __init__(self, *, code: int) -> None:
        raise_if_restored()
        super().__init__("own", code)
        self.code = code

    def __setattr__(self, name: str, value: Any) -> None:
        raise_if_restored()
        super().__setattr__(name, value)


class Slotted(Plain):
    __slots__ = ("reason",)


class OwnNew(Plain):
    def __new__(cls, *args: Any) -> OwnNew:
        raise_if_restored()
        return super().__new__(cls, *args)


class OwnOs(FileNotFoundError):
    def __init__(self, path: str) -> None:
        super().__init__(2, "no file", path)
        self.path = path


class Both(KeyError, AttributeError):
    pass


class Mixed(Plain, FileNotFoundError):
    """Whose first base does not say what its instances have in C."""


@dataclasses.dataclass
class Fields(Exception):
    code: int
    names: list[str]
    status: int = dataclasses.field(init=False, default=404)


class Kept:
    restoring = False


def raise_if_restored() -> None:
    assert not Kept.restoring, "code of the class ran"


def slotted() -> Slotted:
    error = Slotted("s")
    error.reason = "why"
    return error


def noted() -> Plain:
    error = Plain("n")
    error.add_note("a note")
    return error


def os_error() -> Exception:
    try:
        open("/nothing/here")  # noqa: PTH123, SIM115 - an error of the system's
    except OSError as error:
        return error
    raise AssertionError


def decoding() -> Exception:
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


def parsing() -> Exception:
    try:
        json.loads("{")
    except json.JSONDecodeError as error:
        return error
    raise AssertionError


def importing() -> Exception:
    try:
        import nothing_of_this_name  # type: ignore[import-not-found] # noqa: F401
    except ImportError as error:
        return error
    raise AssertionError


ERRORS: list[Exception] = [
    Plain(),
    Plain("a", 1, None, (1, [2])),
    Own(code=3),
    slotted(),
    OwnNew("x"),
    OwnOs("p"),
    Both("b"),
    Mixed(2, "no file", "p"),
    Fields(3, ["a"]),
    noted(),
    KeyError("k"),
    ConnectionResetError(104, "reset"),
    OSError("alone"),
    StopIteration(3),
    os_error(),
    decoding(),
    parsing(),
    importing(),
    SyntaxError("s", ("f.py", 1, 2, "x", 1, 3)),
    Plain(float("nan"), np.arange(3)),
]


def kept_in_c(error: Exception) -> list[Any]:
    names = ("errno", "strerror", "filename", "start", "reason", "name", "path", "value", "lineno")
    return [getattr(error, name, None) for name in names]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error!r:.30}")
def test_an_error_comes_back_equal(error: Exception) -> None:
    data = dump_error(of(Exception), error)
    Kept.restoring = True
    try:
        found = load_error(of(type(error)), data, (type(error),))
    finally:
        Kept.restoring = False
    assert found is not None
    assert found is not error
    assert type(found) is type(error)
    assert (str(found), repr(found)) == (str(error), repr(error))
    assert vars(found) == vars(error)
    assert kept_in_c(found) == kept_in_c(error)
    assert getattr(found, "reason", None) == getattr(error, "reason", None)
    assert found.__traceback__ is found.__cause__ is found.__context__ is None


@settings(max_examples=30)
@given(st.lists(st.one_of(st.none(), st.integers(), st.text(), st.floats()), max_size=4))
def test_any_plain_arguments_come_back(args: list[Any]) -> None:
    found = load_error(of(Plain), dump_error(of(Plain), Plain(*args)), (Plain,))
    assert found is not None
    assert repr(found.args) == repr(tuple(args))


class ByState(Plain):
    def __str__(self) -> str:
        return f"at {id(self)}"


class NoText(Plain):
    def __str__(self) -> str:
        raise ValueError("no text")


def with_attribute(value: Any) -> Plain:
    error = Plain("a")
    error.response = value  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (NoText("a"), "no text"),
        (ByState("a"), "arguments and attributes lead to is not equal"),
        (with_attribute(object()), r"result\.response can't be stored"),
        (Plain(UserDict), r"result\[0\] can't be stored"),
        (ExceptionGroup("g", [Plain("a")]), "is of a class that makes none without its parts"),
        (AttributeError("a", name="x", obj=object()), r"result\.obj can't be stored"),
    ],
    ids=lambda value: f"{value!r:.30}",
)
def test_what_does_not_come_back_equal_is_refused(error: Exception, why: str) -> None:
    with pytest.raises(SerializationError, match=f"the error {type(error).__name__}: .*{why}"):
        dump_error(of(Exception), error)


def made_class(module: str = __name__) -> type[Exception]:
    return type("Twice", (Plain,), {"__module__": module, "__qualname__": "Twice"})


def test_a_class_is_found_below_those_that_are_named_and_nowhere_else() -> None:
    data = dump_error(of(Plain), slotted())
    for classes in ((ValueError, Plain), (Exception,)):
        assert type(load_error(of(*classes), data, classes)) is Slotted
    for classes in ((ValueError, Own), ()):
        with pytest.raises(RestoreError, match="nothing vouches for .*:Slotted'.*cache_errors="):
            load_error(of(*classes), data, classes)
    assert load_error(of(Plain), data, (ValueError, Own)) is None


def test_of_two_classes_of_one_name_the_one_is_taken_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = made_class(), made_class()
    for cls in (first, second):
        with pytest.raises(SerializationError, match="the error Twice: .* is not a type that can"):
            dump_error(of(Plain), cls("a"))
        data = dump_error(of(cls), cls("a"))
        assert type(load_error(of(cls), data, (cls,))) is cls
    monkeypatch.setitem(globals(), "Twice", second)
    assert type(load_error(of(Plain), data, (Plain,))) is second
    with pytest.raises(SerializationError, match="the error Twice: .* is not a type that can"):
        dump_error(of(Plain), first("a"))


def hostile(name: Any = f"{__name__}:Plain", *parts: Any) -> bytes:
    return instance(name, *(parts or (0, {}, [])))


@pytest.mark.parametrize(
    "data",
    [
        SERIALIZER.dumps("text"),
        SERIALIZER.dumps([1, 2, 3]),
        b"",
        b"\xc1",
        tagged(ENUM, f"{__name__}:Plain", "A"),
        hostile(f"{__name__}:Plain", 0, {}),
        hostile(f"{__name__}:Plain", 0, {}, "ab"),
        hostile(f"{__name__}:Plain", 0, {}, {}),
        hostile(f"{__name__}:Plain", 0, [1], []),
        hostile(f"{__name__}:Plain", 0, {1: 2}, []),
        hostile(f"{__name__}:Plain", 0, {"__class__": "builtins:int"}, []),
        hostile(f"{__name__}:Plain", 0, {"__dict__": {}}, []),
        hostile(f"{__name__}:Plain", "ab", {}, []),
        hostile(f"{__name__}:Plain", ["x"], {}, []),
        hostile(f"{__name__}:Plain", 0, {}, [], 1),
        hostile(3),
        *map(hostile, ["os:system", "builtins:Exception", "builtins:eval", "", ":", "x"]),
        hostile(f"{__name__}:Kept", 0, {}),
    ],
)
def test_damaged_bytes_are_an_error_or_nothing(data: bytes) -> None:
    with suppress(RestoreError):
        assert load_error(of(Plain, Both), data, (Plain, Both)) is None


def test_what_is_no_error_of_the_mark_is_never_raised() -> None:
    """Though its class counts: as the function's own, or by its annotation."""
    for value in (Fields(1, []), Kept):
        data = of(Fields).dumps(value) if value is not Kept else SERIALIZER.dumps({"a": 1})
        assert load_error(of(Fields, Plain), data, (Plain,)) is None

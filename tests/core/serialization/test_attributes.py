"""All that an instance holds comes back, and nothing of its class runs meanwhile."""

from __future__ import annotations

import dataclasses
import enum
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import pydantic
import pytest
from beautyspot import MsgpackSerializer, RestoreError, SerializationError, Spot
from beautyspot.serialization.codecs.document import build
from beautyspot.serialization.codecs.table import tag_of_code
from hypothesis import given, settings
from hypothesis import strategies as st


def round_trip(value: Any, *classes: Any) -> Any:
    serializer = MsgpackSerializer().vouching(classes or (type(value),))
    return serializer.loads(serializer.dumps(value))


def refused(value: Any, match: str) -> None:
    with pytest.raises(SerializationError, match=match):
        MsgpackSerializer().vouching([type(value)]).dumps(value)


CALLED: list[Any] = []
T = TypeVar("T")


@dataclass
class Doubling:
    size: int

    @property
    def size(self) -> int:
        return self._size

    @size.setter
    def size(self, value: int) -> None:
        CALLED.append(value)
        self._size = value * 2


class Hook:
    """A class whose every way in is noticed."""

    def __setattr__(self, name: str, value: object) -> None:
        CALLED.append(name)
        super().__setattr__(name, value)

    @property
    def danger(self) -> None:
        raise AssertionError

    @danger.setter
    def danger(self, value: object) -> None:
        CALLED.append(value)


@dataclass
class Victim(Hook):
    x: int


@attrs.define
class SlottedVictim(Hook):
    x: int


class ModelVictim(pydantic.BaseModel):
    x: int
    danger = Hook.danger  # type: ignore[assignment]


class TextVictim(Hook, str):
    pass


class ErrorVictim(Hook, Exception):
    pass


def test_a_field_that_is_a_property_is_not_set_again() -> None:
    value = Doubling(3)
    CALLED.clear()
    back = round_trip(value)
    assert (back.size, vars(back), CALLED) == (6, {"_size": 6}, [])
    assert back == value


@pytest.mark.parametrize(
    ("cls", "code", "parts"),
    [
        (Victim, 60, [{"x": 1}, {"danger": "evil"}]),
        (SlottedVictim, 60, [{"x": 1}, {"danger": "evil"}]),
        (ModelVictim, 64, [{"x": 1}, ["x"], None, None, {"danger": "evil"}]),
        (TextVictim, 67, ["text", {"danger": "evil"}]),
        (ErrorVictim, 65, [[], {"danger": "evil"}, None, False]),
    ],
)
def test_a_stored_document_calls_no_setter(cls: type, code: int, parts: list[Any]) -> None:
    serializer = MsgpackSerializer().vouching([cls])
    name = f"{cls.__module__}:{cls.__qualname__}"
    hostile = build([tag_of_code(code).marker, name, *parts], [])
    CALLED.clear()
    with suppress(RestoreError):  # or it is in the __dict__, where the property hides it
        serializer.loads(bytes(hostile))
    assert CALLED == []


class Elsewhere:
    """A descriptor that keeps the values of a field outside of its instance."""

    values: ClassVar[dict[int, Any]] = {}

    def __get__(self, value: object, owner: type) -> Any:
        return self.values.get(id(value), 0)

    def __set__(self, value: object, item: object) -> None:
        self.values[id(value)] = item


@dataclass
class Described:
    x: int = Elsewhere()  # type: ignore[assignment]


class Validated:
    """A descriptor that keeps the value in the instance's own `__dict__`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, owner: type) -> Any:
        return 0 if value is None else vars(value)[self.name]

    def __set__(self, value: Any, item: int) -> None:
        vars(value)[self.name] = item + 1


@dataclass
class Checked:
    x: int = Validated()  # type: ignore[assignment]


def test_a_field_that_a_descriptor_keeps() -> None:
    refused(Described(3), "descriptor")
    assert vars(round_trip(Checked(3))) == {"x": 4}


@dataclass
class Constant:
    rate: int = field(init=False, default=3)


def test_a_default_in_the_class_counts_as_it_was(monkeypatch: Any) -> None:
    serializer = MsgpackSerializer().vouching([Constant])
    stored = serializer.dumps(Constant())
    monkeypatch.setattr(Constant, "rate", 5)
    assert serializer.loads(stored).rate == 3


class Base:
    __slots__ = ("x",)


@dataclass
class Twice(Base):
    y: int = 0


@dataclass
class Noting(Generic[T]):
    size: T
    other: int = 0

    def __post_init__(self) -> None:
        self.area = self.size


@pytest.mark.parametrize("made", [Noting(2), Noting[int](2)])
def test_attributes_come_back_in_their_order(made: Noting[int]) -> None:
    """A JSON text of `vars` shows it. What `typing` notes of `Noting[int]` does not come back."""
    assert list(vars(round_trip(made))) == ["size", "other", "area"]
    assert round_trip(made) == made


def test_two_attributes_of_one_name_are_refused() -> None:
    value = Twice()
    assert not hasattr(round_trip(value), "x")
    value.x = 1
    assert round_trip(value).x == 1
    vars(value)["x"] = 2
    refused(value, "two attributes x")


@dataclass
class Cached:
    x: int

    @cached_property
    def total(self) -> int:
        return self.x * 2

    @cached_property
    def client(self) -> object:
        return object()


def test_what_is_assigned_over_a_cached_property_comes_back() -> None:
    value = Cached(1)
    value.total = 7
    assert vars(round_trip(value)) == {"x": 1, "total": 7}
    assert value.client
    assert vars(round_trip(value)) == {"x": 1, "total": 7}  # one that has no form is made again


# -------------------------------------------------------------------------------------- enums


class Planet(enum.Enum):
    EARTH = "earth"
    MARS = "mars"

    @property
    def name(self) -> str:
        return "a planet"

    @property
    def value(self) -> int:
        return 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2

    @property
    def name(self) -> str:
        return "a right"

    @property
    def value(self) -> str:
        return "x"


class Open(enum.Enum):
    KNOWN = 1

    @classmethod
    def _missing_(cls, value: object) -> Open:
        member = object.__new__(cls)
        member._name_, member._value_ = "KNOWN", value
        return member


@pytest.mark.parametrize("value", [*Planet, *Right, Right(3), Right(0), Open.KNOWN])
def test_a_member_with_names_and_values_of_its_own(value: Any) -> None:
    assert round_trip(value) is value


class Pairs(enum.Enum):
    A = (1, "a")
    B = (2, float("nan"))
    C = object()


def test_a_member_whose_value_is_another_by_now() -> None:
    serializer = MsgpackSerializer().vouching([Pairs])
    for member in Pairs:
        assert serializer.loads(serializer.dumps(member)) is member
    stored, value = serializer.dumps(Pairs.A), Pairs.A._value_
    Pairs.A._value_ = (1, "b")
    try:
        with pytest.raises(RestoreError, match="another value"):
            serializer.loads(stored)
    finally:
        Pairs.A._value_ = value


def test_a_member_that_its_class_does_not_define_is_refused() -> None:
    refused(Open(5), "no member")
    for number in (3, 64):
        odd = object.__new__(Right)
        odd._value_ = number
        refused(odd, "no combination of flags")


# ------------------------------------------------------------------------------------- models


class Loose(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    x: int = 1
    y: str = "a"
    _secret: int = pydantic.PrivateAttr(default=5)


class Slim(pydantic.BaseModel):
    __slots__ = ("note",)
    x: int = 1


class Dropping(pydantic.BaseModel):
    x: int = 1

    def __getstate__(self) -> dict[Any, Any]:
        return {}


def observed(value: Any) -> Any:
    """All of a model that a caller can see."""
    state = {**vars(value), "note": getattr(value, "note", None)}
    parts = (value.__pydantic_extra__, value.__pydantic_private__, value.model_fields_set)
    return type(value), state, *parts, repr(value)


NAMES = st.sampled_from(["x", "y", "_secret", "z", "model_dump", "_request_id"])


@settings(deadline=None, max_examples=60)
@given(
    given_fields=st.dictionaries(st.sampled_from(["x", "y"]), st.integers() | st.text()),
    extra=st.dictionaries(st.sampled_from(["_secret", "z"]), st.integers()),
    private=st.integers(),
    attributes=st.dictionaries(st.sampled_from(["_request_id", "note"]), st.integers()),
    fields_set=st.sets(NAMES),
)
def test_a_model_comes_back_with_all_that_it_holds(
    given_fields: Any, extra: Any, private: int, attributes: Any, fields_set: Any
) -> None:
    value = Loose.model_construct(fields_set, **given_fields)
    object.__setattr__(value, "__pydantic_extra__", extra)
    value._secret = private
    for name, item in attributes.items():
        object.__setattr__(value, name, item)
    assert observed(round_trip(value)) == observed(value)


def test_a_model_with_slots_or_a_state_of_its_own() -> None:
    value = Slim()
    object.__setattr__(value, "note", 7)
    assert observed(round_trip(value)) == observed(value)
    assert observed(round_trip(Dropping(x=3))) == observed(Dropping(x=3))


class Required(pydantic.BaseModel):
    x: int
    y: int


def test_a_model_may_lack_fields() -> None:
    value = Required.model_construct(y=1)
    assert vars(round_trip(value)) == {"y": 1}
    assert vars(round_trip(Required.model_construct())) == {}


# --------------------------------------------------------------------------- values that misbehave


class NoClass:
    @property
    def __class__(self) -> Any:
        raise RuntimeError("asked for its class")


class Misled(Exception):
    args = "hidden"  # type: ignore[assignment]


def test_a_value_that_raises_when_asked_for_its_class(tmp_path: Any) -> None:
    runs = []
    with Spot("app", directory=tmp_path) as spot:

        @spot.mark
        def make(number: int) -> Any:
            runs.append(number)
            return [NoClass()] if number else NoClass()

        for number in (0, 1, 0, 1):
            made = make(number)
            assert type(made[0] if number else made) is NoClass
    assert runs == [0, 1, 0, 1]


def test_the_arguments_of_an_exception_are_its_own() -> None:
    back = round_trip(Misled("a", 1))
    assert BaseException.args.__get__(back) == ("a", 1)


# --------------------------------------------------------------- any class, with any attributes


def _class(slots: bool, frozen: bool, library: str, names: list[str]) -> type:
    body = {"__annotations__": dict.fromkeys(names, Any), "__module__": __name__}
    body |= dict.fromkeys(names, None)
    if library == "attrs":
        return attrs.define(slots=slots, frozen=frozen)(type("Made", (), body))
    return dataclasses.dataclass(slots=slots, frozen=frozen)(type("Made", (), body))


@settings(deadline=None, max_examples=60)
@given(
    library=st.sampled_from(["attrs", "dataclasses"]),
    slots=st.booleans(),
    frozen=st.booleans(),
    values=st.dictionaries(st.sampled_from(["a", "b", "_c", "name"]), st.integers(), min_size=1),
    further=st.dictionaries(st.sampled_from(["z", "é"]), st.tuples(st.text())),
)
def test_an_instance_of_any_class_comes_back(
    library: str, slots: bool, frozen: bool, values: Any, further: Any
) -> None:
    cls = _class(slots, frozen, library, [*values])
    value = object.__new__(cls)
    for name, item in {**values, **({} if slots else further)}.items():
        object.__setattr__(value, name, item)
    back = round_trip(value)
    assert type(back) is cls
    assert object.__getstate__(back) == object.__getstate__(value)

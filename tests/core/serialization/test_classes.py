"""The classes of a program: all that an instance holds comes back, and nothing of it runs."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections import OrderedDict, namedtuple
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from threading import Lock
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import attrs
import pydantic
import pytest
from beautyspot import ConfigError, MsgpackSerializer, RestoreError, SerializationError
from handmade import ENUM, INSTANCE, instance, tagged
from hypothesis import given, settings
from hypothesis import strategies as st


def round_trip(value: Any, *classes: Any) -> Any:
    serializer = MsgpackSerializer().vouching(classes or (type(value),))
    return serializer.loads(serializer.dumps(value))


def refused(value: Any, message: str, *classes: Any) -> None:
    with pytest.raises(SerializationError, match=message):
        MsgpackSerializer().vouching(classes or (type(value),)).dumps(value)


@dataclasses.dataclass
class Source:
    url: str


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: int
    y: tuple[int, ...] = ()


@dataclasses.dataclass
class Base:
    a: int = 1


T = TypeVar("T")


@dataclasses.dataclass
class Box(Base, Generic[T]):
    item: T | None = None
    seen: list[int] = dataclasses.field(init=False, default_factory=list, compare=False)
    calls: dataclasses.InitVar[int] = 0

    def __post_init__(self, calls: int) -> None:
        self.seen.append(calls)
        self.hidden = calls


@attrs.define
class Slotted:
    x: int
    _private: str = "p"


@attrs.frozen(cache_hash=True)
class Hashed:
    x: str


@attrs.define(slots=False, eq=True)
class Open:
    x: Any = None


class Pair(NamedTuple):
    x: int
    y: Any = None


Plain2 = namedtuple("Plain2", "x y")


class Color(enum.Enum):
    RED = 1
    GREEN = "g"
    ALIAS = 1  # noqa: PIE796 - an alias, to see it come back as RED
    ODD = (1, [2])


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    HI = "hi"


class Access(enum.Flag):
    R = 4
    W = 2
    X = 1
    RW = 6


class IntAccess(enum.IntFlag):
    R = 4
    W = 2


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    x: int = 0
    sources: list[Source] = []
    _secret: str = pydantic.PrivateAttr("s")


class Strict(pydantic.BaseModel):
    x: int = 1
    y: int = 2


class Required(pydantic.BaseModel):
    x: int
    y: int


class Problem(ValueError):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class UserId(str):
    pass


class Money(int):
    __slots__ = ()


class Ratio(float):
    pass


class Raw(bytes):
    pass


class Coordinates(tuple):  # noqa: SLOT001
    pass


class Tags(frozenset):
    pass


class Rows(list):
    pass


class Bag(set):
    pass


class Settings(dict):
    pass


@dataclass
class ListLike(list):
    x: int = 1


CLASSES = [
    *(Source("u"), Frozen(1), Frozen(1, (2, 3)), Base(), Box(2, Source("u"), 5)),
    *(Slotted(1, "q"), Open([1])),
    *(Pair(1, (2,)), Plain2([1], 2)),
    *(
        *Color,
        Level.LOW,
        Word.HI,
        *Access,
        Access(0),
        Access.R | Access.X,
        IntAccess.R,
        IntAccess(6),
    ),
    *(Model(x=1), Model(extra=(1,), sources=[Source("u")]), Strict(y=3)),
    *(UserId("a"), Money(2**70), Ratio(1.5), Raw(b"a"), Coordinates((1, [2])), Tags({(1,)})),
    *(Rows([1, (2,)]), Bag({1}), Settings({(1,): 2}), ListLike(7)),
]


@pytest.mark.parametrize("value", CLASSES, ids=lambda v: type(v).__name__)
def test_an_instance_comes_back(value):
    restored = round_trip([value], type(value), Source)[0]
    assert type(restored) is type(value)
    assert restored == value
    assert repr(restored) == repr(value)


@pytest.mark.parametrize("value", CLASSES, ids=lambda v: type(v).__name__)
def test_nothing_is_stored_without_a_word_of_the_program(value):
    with pytest.raises(SerializationError, match="annotate the function"):
        MsgpackSerializer().dumps(value)


def test_neither_constructor_nor_post_init_is_called():
    value = Box(2, item="x", calls=5)
    restored = round_trip(value, Box)
    assert restored.seen == [5]
    assert vars(restored) == vars(value)


def test_nested_classes_follow_from_the_fields():
    assert round_trip(Model(sources=[Source("u")]), Model).sources == [Source("u")]


def test_a_subclass_is_not_its_base():
    refused(Box(), "Box is not a type", Base)


def test_a_field_that_was_deleted_is_still_missing():
    """LiteLLM's answers are such: their classes delete what the model did not say."""
    value = Source("u")
    del value.url
    assert vars(round_trip(value, Source)) == {}
    restored = round_trip(Required.model_construct(y=1), Required)
    assert vars(restored) == {"y": 1}
    assert not hasattr(restored, "x")


class Lean(pydantic.BaseModel):
    x: int = 0
    y: int = 1
    _seen: int = 0

    def model_post_init(self, context: Any, /) -> None:
        del self.y


def test_a_field_that_was_deleted_from_a_model_with_private_attributes():
    restored = round_trip(Lean(x=2), Lean)
    assert vars(restored) == {"x": 2}
    assert restored._seen == 0


def test_a_field_that_was_deleted_and_has_a_value_in_the_class_by_now():
    lacking = Source("u")
    del lacking.url
    changed(lacking, dataclasses.make_dataclass("New", [("url", str, "v")]), "other fields.*: url")


class Linked(dict):
    def __init__(self, **items: int) -> None:
        super().__init__(items)
        self.__dict__ = self


def test_a_dict_that_is_its_own_attributes_is_refused():
    refused(Linked(a=1), "its items are its attributes")


def test_a_class_that_keeps_its_hash_is_refused():
    """The hash of text is another one in the next process."""
    refused(Hashed("a"), "leave out cache_hash")
    MsgpackSerializer().register(plain := attrs.make_class("Plain", ["x"]), name="it")
    with pytest.raises(RestoreError, match="nothing vouches"):
        MsgpackSerializer().vouching([Hashed]).loads(stored_as("it", plain, plain("a")))


@dataclasses.dataclass(frozen=True)
class Term:
    name: Any
    _id_hash: int = 7

    def __hash__(self) -> int:
        if "_hash" not in self.__dict__:
            object.__setattr__(self, "_hash", hash(self.name))
        return self._hash


class FrozenModel(pydantic.BaseModel, frozen=True):
    name: str
    _hash: int | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.name)
        return self._hash


def test_an_instance_that_keeps_its_hash_is_refused():
    for value in (Term("a"), Term([])):  # a list has no hash
        assert round_trip(value) == value
    hash(term := Term("a"))
    refused(term, "its _hash is a hash, which another process can't know: .*cached_property")
    refused(Term("a", hash(Term("a"))), "its _id_hash is a hash")
    assert round_trip(model := FrozenModel(name="a")) == model
    hash(model)
    refused(model, "its _hash is a hash")


def test_a_named_tuple_with_a_property_in_a_field_s_place_comes_back():
    class Upper(Plain2):
        @property
        def x(self) -> str:
            return str(self[0]).upper()

    found = round_trip(Upper("a", 2))
    assert (type(found), found.x, found[0]) == (Upper, "A", "a")


def test_attributes_on_a_named_tuple_are_kept():
    class Loose(Plain2):
        pass

    value = Loose(1, 2)
    value.extra = 1
    assert round_trip(value) == value
    assert vars(round_trip(value)) == {"extra": 1}


def test_attributes_of_a_builtins_subclass_are_kept():
    value = UserId("a")
    value.source = "x"
    assert round_trip(value, UserId).source == "x"


def test_an_exception_comes_back_without_what_is_behind_it():
    value = Problem("no", 3)
    value.add_note("note")
    value.__cause__ = KeyError("k")
    restored = round_trip([value], Problem)[0]
    assert (type(restored), restored.args, restored.code) == (Problem, ("no",), 3)
    assert restored.__notes__ == ["note"]
    assert restored.__cause__ is restored.__context__ is restored.__traceback__ is None


@dataclasses.dataclass
class Failed(Exception):
    code: int


def test_an_exception_that_is_a_dataclass():
    restored = round_trip(Failed(3), Failed)
    assert restored == Failed(3)
    serializer = MsgpackSerializer()
    serializer.register(Failed, name="f")
    with pytest.raises(RestoreError, match="other fields.*: code"):
        serializer.loads(instance("f", 0, {}, []))


class Ordered(OrderedDict):
    pass


class Never(enum.Enum):
    pass


@pytest.mark.parametrize(
    "cls",
    [
        object,
        Ordered,
        Never,
        type("Plain", (), {}),
        type(Lock()),
        ExceptionGroup,
        classmethod,
    ],
    ids=lambda cls: cls.__qualname__,
)
def test_no_form_follows_from_the_class(cls):
    with pytest.raises(ConfigError, match="does not say how to store it|makes none without"):
        MsgpackSerializer().register(cls)


def test_a_model_keeps_attributes_that_are_no_fields():
    """The clients of LLM APIs set `_request_id` on an answer, which the class does not declare."""

    class Answer(pydantic.BaseModel):
        text: str

        @functools.cached_property
        def words(self) -> list[str]:
            return self.text.split()

    answer = Answer(text="yes and no")
    answer._request_id = "req_1"
    assert answer.words
    back = round_trip(answer, Answer)
    assert "words" not in vars(back), "it is computed again"
    assert back.words == answer.words
    assert vars(back) == vars(answer)


def test_a_root_model_comes_back():
    """It has no extra and no private part, not even an empty one."""

    class Names(pydantic.RootModel[list[str]]):
        pass

    class Page(pydantic.BaseModel):
        names: Names

    names = round_trip(Names(["a"]), Names)
    assert names == Names(["a"])
    assert vars(names) == {"root": ["a"]}
    assert names.model_fields_set == {"root"}
    assert names.model_dump() == ["a"]
    assert round_trip(Page(names=Names(["b"])), Page, Names).names.root == ["b"]


# --------------------------------------------------------------------- classes that changed


def stored_as(name: str, cls: type, value: Any) -> bytes:
    serializer = MsgpackSerializer()
    serializer.register(cls, name=name)
    return bytes(serializer.dumps(value))


def read_as(name: str, cls: type, data: bytes) -> Any:
    serializer = MsgpackSerializer()
    serializer.register(cls, name=name)
    return serializer.loads(data)


def changed(old: Any, new: type, match: str) -> None:
    data = stored_as("it", type(old), old)
    with pytest.raises(RestoreError, match=match):
        read_as("it", new, data)


def test_other_fields_are_noticed():
    changed(
        Source("u"), dataclasses.make_dataclass("New", ["url", ("x", int, 1)]), "other fields.*: x"
    )
    changed(Frozen(1), dataclasses.make_dataclass("New", ["x"]), "other fields.*: y")
    changed(Slotted(1), attrs.make_class("New", ["x"]), "other fields.*: _private")
    changed(Plain2(1, 2), namedtuple("New", "x y z"), "other fields.*: z")
    changed(Strict(), pydantic.create_model("New", x=(int, 1)), "other fields.*: y")


def test_what_instances_keep_beside_their_fields_is_noticed():
    """Without it, an instance of the class as it is now would raise where it is used."""
    pair = {"x": (int, 1), "y": (int, 2)}
    made: Any = pydantic.create_model
    private = made("New", _a=(int, 0), _b=(int, pydantic.PrivateAttr()), **pair)
    loose = made("New", __config__=pydantic.ConfigDict(extra="allow"), **pair)
    assert read_as("it", private, stored_as("it", private, private()))._a == 0, "_b was not set"
    changed(Strict(), private, "other fields.*: _a, _b$")
    changed(private(), Strict, "other fields.*: _a, _b$")
    changed(private(), made("New", _a=(int, 0), _c=(int, 0), **pair), "other fields.*: _b, _c$")
    changed(Strict(), loose, "other fields.*: __pydantic_extra__$")
    changed(loose(z=1), Strict, "other fields.*: __pydantic_extra__$")


def test_another_kind_of_class_is_noticed():
    changed(Plain2(1, 2), dataclasses.make_dataclass("New", ["x", "y"]), "other fields")
    changed(Base(1), namedtuple("New", "a"), "another content")
    changed(UserId("u"), type("New", (int,), {}), "another content")
    changed(Color.RED, dataclasses.make_dataclass("New", ["x"]), "another way")


def test_another_order_of_fields_is_noticed():
    changed(Plain2(1, 2), namedtuple("New", "y x"), "in another order")


def test_enums_that_changed_are_noticed():
    changed(Color.RED, enum.Enum("New", {"RED": 2}), "other members or values")
    changed(Color.RED, enum.Enum("New", {"RED": True}), "other members or values")
    changed(Color.RED, enum.Enum("New", {"BLUE": 1}), "other members")
    changed(Access.R, enum.Flag("New", {"R": 1, "W": 4}), "other members or values")


def test_an_attribute_that_would_not_be_set_again_is_refused():
    named = dataclasses.make_dataclass("Named", [("__typename", str)])
    refused(named("Page"), "an attribute __typename.*rename it")
    for attribute in ("__name__", 1):
        value = Source("u")
        vars(value)[attribute] = "x"
        refused(value, f"an attribute {attribute}.*rename it")


def test_attributes_with_a_meaning_are_not_set():
    serializer = MsgpackSerializer()
    serializer.register(Source, name="s")
    for name in ("__class__", "__dict__", "__array_interface__"):
        with pytest.raises(RestoreError):
            serializer.loads(instance("s", 1, {"url": "u", name: {}}))


# ------------------------------------------------------------------- what is kept where

CALLED: list[Any] = []


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
    ("cls", "parts"),
    [
        (Victim, [1, {"x": 1, "danger": "evil"}]),
        (SlottedVictim, [1, {"x": 1, "danger": "evil"}]),
        (ModelVictim, [1, {"x": 1, "danger": "evil"}]),
        (TextVictim, [0, {"danger": "evil"}, "text"]),
        (ErrorVictim, [0, {"danger": "evil"}, []]),
    ],
)
def test_a_stored_document_calls_no_setter(cls: type, parts: list[Any]) -> None:
    serializer = MsgpackSerializer().vouching([cls])
    CALLED.clear()
    with suppress(RestoreError):  # or it is in the __dict__, where the property hides it
        serializer.loads(instance(f"{cls.__module__}:{cls.__qualname__}", *parts))
    assert CALLED == []


class Elsewhere:
    """A descriptor that keeps the values of a field outside of its instance."""

    values: ClassVar[dict[int, Any]] = {}

    def __get__(self, value: object, owner: type) -> Any:
        return self.values.get(id(value), 0)

    def __set__(self, value: object, item: object) -> None:
        self.values[id(value)] = item


@dataclass
class Constant:
    x: int
    rate: int = field(init=False, default=3)
    color: Color = field(init=False, default=Color.RED)
    note: str | None = field(init=False, default=None)


def test_a_field_that_stands_in_the_class_is_there_and_nowhere_else(monkeypatch: Any) -> None:
    serializer = MsgpackSerializer().vouching([Constant])
    stored = serializer.dumps(Constant(1))
    made = round_trip(Constant(1))
    assert (made, vars(made)) == (Constant(1), {"x": 1})
    other = Constant(1)
    other.rate = 3
    assert vars(round_trip(other)) == {"x": 1, "rate": 3}
    assert vars(round_trip(Broken("a"))) == {}
    monkeypatch.setattr(Constant, "rate", 5)
    assert round_trip(Constant(1)).rate == 5
    with pytest.raises(RestoreError, match=r"other fields .*: rate$"):
        serializer.loads(stored)


@dataclass
class Broken(ValueError):
    code: int = field(init=False, default=404)

    def __init__(self, text: str) -> None:
        super().__init__(text)


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
    refused(Described(3), "its field x has no value of its own")
    assert vars(round_trip(Checked(3))) == {"x": 4}


class OfSlots:
    __slots__ = ("x",)


@dataclass
class Twice(OfSlots):
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


def test_what_a_cached_property_keeps_is_computed_again() -> None:
    value = Cached(1)
    value.total = 7
    assert value.client
    assert vars(round_trip(value)) == {"x": 1}


@dataclass(eq=False)
class Node:
    name: str
    next: Any = None


def test_one_instance_in_two_places_is_refused_where_two_would_not_be_equal() -> None:
    node, other = Node("a"), Node("a")
    found = round_trip([node, other, Node("b", Node("c"))], Node)
    assert [each.name for each in found] == [*"aab"]
    refused([node, (node,)], r"result\[1\]\[0\] .*: it is one Node in two places", Node)
    node.next = node
    refused(node, "one Node in two places")
    pair = round_trip([Source("a")] * 2, Source)
    assert pair[0] == pair[1]
    assert pair[0] is not pair[1]


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


class Lenient(enum.Enum):
    KNOWN = 1

    @classmethod
    def _missing_(cls, value: object) -> Lenient:
        member = object.__new__(cls)
        member._name_, member._value_ = "KNOWN", value
        return member


@pytest.mark.parametrize("value", [*Planet, *Right, Right(3), Right(0), Lenient.KNOWN])
def test_a_member_with_names_and_values_of_its_own(value: Any) -> None:
    assert round_trip(value) is value


class Pairs(enum.Enum):
    A = (1, "a")
    B = (2, float("nan"))
    C = object()
    D = (Decimal("1.10"), date(2020, 1, 1))
    E = frozenset({"a", "b"})
    F = ["a", {"b": [1]}]


@pytest.mark.parametrize(
    ("member", "later"),
    [
        (Pairs.A, (1, "b")),
        (Pairs.D, (Decimal("1.1"), date(2020, 1, 1))),
        (Pairs.F, ["a", {"b": [2]}]),
    ],
)
def test_a_member_whose_value_is_another_by_now(member: Any, later: Any) -> None:
    serializer = MsgpackSerializer().vouching([Pairs])
    for each in Pairs:
        assert serializer.loads(serializer.dumps(each)) is each
    stored, value = serializer.dumps(member), member._value_
    member._value_ = later
    try:
        with pytest.raises(RestoreError, match="other members or values"):
            serializer.loads(stored)
    finally:
        member._value_ = value


def test_a_member_that_its_class_does_not_define_is_refused() -> None:
    refused(Lenient(5), "no member or flag that its class defines: return its value")


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


# --------------------------------------------------------------------------- values that misbehave


class Misled(Exception):
    args = "hidden"  # type: ignore[assignment]


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


@settings(deadline=None, max_examples=100)
@given(
    code=st.sampled_from([INSTANCE, ENUM]),
    parts=st.lists(
        st.none()
        | st.integers(0, 9)
        | st.text("xy")
        | st.just([])
        | st.just({})
        | st.just({"x": 1})
    ),
)
def test_hostile_classes_are_a_value_or_a_restore_error(code, parts):
    serializer = MsgpackSerializer()
    for number, cls in enumerate(
        [Source, Plain2, Color, Access, Strict, Problem, UserId, Rows, Settings]
    ):
        serializer.register(cls, name=str(number))
    for number in range(9):
        with suppress(RestoreError):
            serializer.loads(tagged(code, str(number), *parts))

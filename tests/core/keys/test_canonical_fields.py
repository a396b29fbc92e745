"""A dataclass or an attrs class counts by its fields, and by what its objects have beside them."""

from __future__ import annotations

import enum
import functools
import threading
from dataclasses import InitVar, dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import attrs
import pytest
from beautyspot import Spot
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.keys.walk import Without
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.made import findable

T = TypeVar("T")


@dataclass
class Session:
    url: str

    def login(self, user):
        self.user = user

    def whoami(self):
        return self.user


@dataclass(frozen=True)
class FrozenSession:
    url: str


@dataclass
class OwnSlots:
    __slots__ = ("url", "user")
    url: str


@attrs.define(slots=False)
class AttrsSession:
    url: str


class Base:
    def __init__(self):
        self.user = None


@dataclass
class OfPlainBase(Base):
    url: str


class SlottedBase:
    __slots__ = ("user",)


@dataclass(slots=True)
class OfSlottedBase(SlottedBase):
    url: str


@attrs.define
class AttrsOfSlottedBase(SlottedBase):
    url: str


@attrs.define
class AttrsOfDataclass(Session):
    more: int = 0


@dataclass
class Items(list):
    url: str


@dataclass
class Failed(Exception):
    url: str


@dataclass
class Shadowed:
    url: str
    user: ClassVar[str] = "nobody"


KINDS = [
    Session, FrozenSession, OwnSlots, AttrsSession, OfPlainBase, OfSlottedBase, AttrsOfSlottedBase,
    AttrsOfDataclass, Items, Failed, Shadowed,
]  # fmt: skip


def given_user(kind, user):
    made = kind("u")
    object.__setattr__(made, "user", user)
    return made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_attributes_beside_the_fields_count(kind):
    texts = [canonical(kind("u")), *[canonical(given_user(kind, user)) for user in ("A", "B", 1)]]
    assert len(set(texts)) == 4
    assert canonical(given_user(kind, "A")) == texts[1]


def test_a_method_of_one_user_does_not_answer_another(tmp_path):
    spot = Spot("app", directory=tmp_path, strict=True)

    @findable
    @dataclass
    class Client:
        url: str

        def login(self, user):
            self.user = user

        @spot.mark
        def whoami(self):
            return self.user

    @spot.mark
    def name(client):
        return client.user

    for user in ("Alice", "Bob", "Alice"):
        client = Client("u")
        client.login(user)
        assert client.whoami() == user
        assert name(client) == user
    spot.shutdown()


def test_what_post_init_made_counts_and_may_be_left_out():
    @findable
    @dataclass
    class Client:
        url: str

        def __post_init__(self):
            self.size = len(self.url)
            self.lock = iter(())

    with pytest.raises(UnstableKeyError) as error:
        canonical(Client("u"))
    assert error.value.path == "value.lock"
    assert canonical(Without(Client("u"), ("lock",))) == canonical(Without(Client("u"), ("lock",)))
    bare = canonical(Without(Client("u"), ("lock", "size")))
    assert bare != canonical(Without(Client("u"), ("lock",)))
    assert bare.endswith(',{"url":"u"}]}')  # nothing is left beside the fields
    nested = Session("u")
    nested.inner = Client("v")
    assert '"url":"v"' in canonical(Without(nested, ("inner.lock",)))


def test_fields_that_are_not_compared_and_init_vars_count_as_ever():
    @findable
    @dataclass
    class Counted:
        x: int
        silent: int = field(default=0, compare=False)

    @findable
    @dataclass
    class Scaled:
        scale: InitVar[int]

        def __post_init__(self, scale):
            self.scaled = scale

    assert canonical(Counted(1)) != canonical(Counted(1, silent=1))
    assert canonical(Scaled(1)) != canonical(Scaled(2))
    assert canonical(Scaled(1)).endswith(',{"scaled":1}]}')


def test_a_type_argument_counts_as_in_plain_classes():
    @findable
    @dataclass
    class Box(Generic[T]):
        x: T

    assert canonical(Box[int](1)) == canonical(Box[int](1)) != canonical(Box[str](1))


def test_nor_where_attrs_keeps_them_in_slots():
    @findable
    @attrs.define
    class Circle:
        radius: int

        @functools.cached_property
        def area(self):
            return self.radius**2

    @findable
    class SubCircle(Circle):
        pass

    for kind in (Circle, SubCircle):
        circle = kind(2)
        before = canonical(circle)
        assert '"area":' not in before  # neither is it computed for this
        assert circle.area == 4
        assert canonical(circle) == before


# ------------------------------------------------------------------------------ enum members


def test_what_a_class_says_of_its_members_does_not_count():
    @findable
    class Planet(enum.Enum):
        EARTH = (5.97, 6.37)

        def __init__(self, mass, radius):
            self.mass = mass
            self.lock = threading.Lock()

    @findable
    class Described(enum.StrEnum):
        A = ("a", "first")

        def __new__(cls, value, text):
            made = str.__new__(cls, value)
            made._value_ = value
            made.text = text
            return made

    @findable
    @dataclass
    class Data:
        x: int

    @findable
    class Mixed(Data, enum.Enum):
        ONE = 1

    assert canonical(Planet.EARTH).endswith(',["EARTH",{"$tuple":[5.97,6.37]}]]}')
    assert canonical(Described.A).endswith('["A","a"]]}')
    data = canonical(Data(1))
    assert canonical(Mixed.ONE).endswith(f',["ONE",{data}]]}}')


def test_a_value_counts_and_needs_a_form():
    texts = set()
    for value in ((1, "a"), (1, "b"), [1, iter(())]):

        @findable
        class Model(enum.Enum):
            SMALL = value

        if type(value) is list:
            with pytest.raises(UnstableKeyError, match="used up"):
                canonical(Model.SMALL)
        else:
            texts.add(canonical(Model.SMALL))
    assert len(texts) == 2


# ----------------------------------------------------------------------------- any attributes

NAMES = st.sampled_from(["x", "y", "z", "$object", "", "user"]) | st.text(max_size=3)
VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=2)
NESTED = VALUES | st.dictionaries(NAMES, VALUES, max_size=2) | st.lists(VALUES, max_size=2)
STATES = st.dictionaries(NAMES, NESTED, max_size=4)


@dataclass
class Two:
    x: object
    y: object


def same(one, other):
    """Whether two values are equal with their types, as `==` does not say of 1 and True."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(STATES, STATES)
def test_two_objects_have_one_text_if_all_their_attributes_are_the_same(one, other):
    made = []
    for state in (one, other):
        value = Two(1, 2)
        vars(value).clear()  # not even the fields need be there
        vars(value).update(state)
        made.append(canonical(value))
    assert (made[0] == made[1]) == same(one, other)


@given(STATES)
def test_the_order_in_which_they_were_set_does_not_count(state):
    assume(len(state) > 1)
    one, other = Two(1, 2), Two(1, 2)
    vars(one).update(state)
    for name in reversed(state):
        vars(other).pop(name, None)
        vars(other)[name] = state[name]
    assert canonical(one) == canonical(other)


class Named(Protocol):
    name: str


@runtime_checkable
class Boxed(Protocol[T]):
    def get(self) -> T: ...


class OfNamed(Named):
    def __init__(self, name):
        self.name = name


class OfBoxed(Boxed[int]):
    def __init__(self, name):
        self.name = name


class OfBoth(Boxed[T], Named, Generic[T]):
    def __init__(self, name):
        self.name = name


def test_objects_of_protocols_count_by_their_attributes():
    for kind in (OfNamed, OfBoxed, OfBoth):
        texts = [canonical(kind(name)) for name in ("a", "a", "b")]
        assert texts[0] == texts[1] != texts[2]
        assert "abc" not in texts[0]
    assert canonical(OfBoth[int]("a")) != canonical(OfBoth[str]("a"))

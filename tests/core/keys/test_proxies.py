"""Objects that stand for another: counted by it, or refused; and times that a test has frozen."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import weakref
from typing import Generic, Protocol, TypeVar, runtime_checkable

import pytest
from beautyspot import Spot
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.canonical import Without, canonical
from werkzeug.local import LocalProxy

freezegun = pytest.importorskip("freezegun")
lazy_object_proxy = pytest.importorskip("lazy_object_proxy")
time_machine = pytest.importorskip("time_machine")
wrapt = pytest.importorskip("wrapt")

T = TypeVar("T")


class User:
    def __init__(self, name):
        self.name = name


EMPTY = object()


def as_in_django(make):
    """What Django's `SimpleLazyObject` does with attributes and with its class."""

    class SimpleLazyObject:
        __module__ = "django.utils.functional"

        def __init__(self):
            vars(self).update(_wrapped=EMPTY, _setupfunc=make)

        def __getattr__(self, name):
            if self._wrapped is EMPTY:
                vars(self)["_wrapped"] = make()
            return getattr(self._wrapped, name)

        @property
        def __class__(self):
            return self.__getattr__("__class__")

    return SimpleLazyObject()


PROXIES = {
    "django": lambda value: as_in_django(lambda: value),
    "werkzeug": lambda value: LocalProxy(lambda: value),
    "lazy-object-proxy": lambda value: lazy_object_proxy.Proxy(lambda: value),
    "wrapt": wrapt.ObjectProxy,
    "wrapt, lazy": lambda value: wrapt.LazyObjectProxy(lambda: value),
}


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize(
    "make", [User, lambda name: [name], lambda name: name, lambda name: {name: 1}]
)
def test_a_proxy_counts_by_what_it_stands_for(name, make):
    proxy = PROXIES[name]
    values = [make("a"), proxy(make("a")), proxy(make("b"))]
    assert len(set(map(canonical, values))) == 3  # it is not what it stands for: `type` tells
    assert canonical(proxy(make("a"))) == canonical(values[1])
    read = proxy(make("a"))
    assert read.__class__ is type(make("a"))  # which makes it
    assert canonical(read) == canonical(values[1])


@pytest.mark.parametrize("name", PROXIES)
def test_what_a_proxy_stands_for_may_have_no_form(name):
    with pytest.raises(UnstableKeyError) as error:
        canonical([PROXIES[name](User(object()))])
    assert error.value.path == "value[0].name"


class Tagged(wrapt.ObjectProxy):
    def __init__(self, value, tag):
        super().__init__(value)
        self._self_tag = tag


@wrapt.decorator
def doubled(function, instance, args, kwargs):
    return function(*args, **kwargs) * 2


@doubled
def found():
    return 1


class OwnProxy:
    def __init__(self, target):
        self._target = target

    def __getattr__(self, name):
        return getattr(self._target, name)

    @property
    def __class__(self):
        return type(self._target)


class Everything(OwnProxy):
    def __next__(self):
        return next(self._target)


def test_what_may_hold_more_is_refused():
    user = User("a")
    proxies = [Tagged(user, 1), doubled(lambda: 1), weakref.proxy(user), Everything(user)]
    for value in (*proxies, wrapt.PartialCallableObjectProxy(max, 1)):
        with pytest.raises(UnstableKeyError, match="stands for another object: pass that object"):
            canonical(value)
    assert "found" in canonical(found)


def test_a_text_that_is_made_when_it_is_used_is_refused():
    promise = type("Promise", (), {"__module__": "django.utils.functional"})
    with pytest.raises(UnstableKeyError, match=r"pass str\(...\) of it"):
        canonical(type("Late", (promise,), {})())


def test_a_proxy_of_ones_own_counts_by_its_attributes():
    texts = [canonical(value) for value in (User("a"), OwnProxy(User("a")), OwnProxy(User("b")))]
    assert len(set(texts)) == 3


class Faceless:
    def __init__(self, a=1):
        self.a = a

    @property
    def __class__(self):
        raise RuntimeError("no class")


def unbound():
    raise RuntimeError("outside of a request")


def test_what_raises_when_it_is_asked_for_its_class_is_no_crash(tmp_path):
    spot = Spot("app", directory=tmp_path, config=False)
    ran = []

    @spot.mark(ignore=("ran", "user.name"), name="ask")
    def ask(user):
        ran.append(1)
        return 1

    class Holder:
        user = Faceless()

        @spot.mark(ignore=("self.user.a",))
        def ask(self):
            return 1

    assert [ask(Faceless()) for _ in range(2)] == [1, 1]
    assert len(ran) == 1
    assert [ask(LocalProxy(unbound)) for _ in range(2)] == [1, 1]
    assert len(ran) == 3  # uncached, with a warning
    assert Holder().ask() == 1
    spot.shutdown()


def captured_by_a_function(value):
    def inner():
        return value

    return inner


def captured_by_a_class(value):
    class Inner:
        attribute = value

        def method(self):
            return value

    return Inner


@pytest.mark.parametrize("capture", [captured_by_a_function, captured_by_a_class])
def test_what_captures_a_proxy_or_what_has_no_class(capture):
    made = [capture(value) for value in (Faceless(1), Faceless(1), Faceless(2), len, found)]
    made += [capture(LocalProxy(lambda value=value: value)) for value in (len, found, capture)]
    texts = [*map(canonical, made)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == len(texts) - 1
    with pytest.raises(UnstableKeyError, match="outside of a request"):
        canonical(capture(LocalProxy(unbound)))


def test_attributes_of_what_a_proxy_stands_for_may_be_left_out():
    made = [LocalProxy(lambda name=name: User(name)) for name in ("a", "b")]
    assert len({canonical(Without(value, ("name",))) for value in made}) == 1
    assert canonical(made[0]) != canonical(made[1])


# -------------------------------------------------------------------------------- protocols


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


# ------------------------------------------------------------------------------ frozen times

TIMES = [
    dt.datetime(2024, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001
    dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    dt.date(2024, 1, 2),
]


def test_frozen_times_count_as_what_they_stand_for():
    texts = [*map(canonical, TIMES)]
    with freezegun.freeze_time("2024-01-02 03:04:05.000006"):
        assert type(dt.datetime.now()) is not type(TIMES[0])  # noqa: DTZ005
        frozen = [dt.datetime.now(), dt.datetime(2024, 1, 2, tzinfo=dt.UTC), dt.date.today()]  # noqa: DTZ005, DTZ011
        assert [*map(canonical, frozen)] == texts
        assert [*map(canonical, TIMES)] == texts
    assert [*map(canonical, frozen)] == texts
    with time_machine.travel(TIMES[1], tick=False):
        assert canonical(dt.datetime.now(dt.UTC)) == texts[1]


def test_calls_while_the_time_stands_and_afterwards_are_one(tmp_path):
    """Whichever is imported first, and whenever the first time is met."""
    code = (
        "import sys, datetime as dt, freezegun\n"
        "if sys.argv[1] == 'first': import beautyspot\n"
        "real, ran = (dt.datetime(2024, 1, 2, 3), dt.date(2024, 1, 2)), []\n"
        "def later(when):\n"
        "    ran.append(when)\n"
        "    return [when, dt.datetime.now() if sys.argv[1] == 'first' else when]\n"
        "with freezegun.freeze_time('2024-01-02 03:00'):\n"
        "    import beautyspot\n"
        "    marked = beautyspot.Spot('app', directory=sys.argv[2], strict=True).mark(later)\n"
        "    fake = dt.datetime.now(), dt.date.today()\n"
        "    found = [marked(when) for when in (*real, *fake)]\n"
        "found += [marked(when) for when in (*real, *fake)]\n"
        "assert [when for when, _ in found] == [*real] * 4, found\n"
        "print(len(ran), type(found[-1][0]).__name__, type(found[-1][1]).__name__)\n"
    )
    for order, kind in (("first", "datetime"), ("then", "date")):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, order, str(tmp_path / order)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == f"2 date {kind}", done.stderr

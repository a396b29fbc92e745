"""What can't be told by what it holds is refused, with what to pass in its place."""

from __future__ import annotations

import random
import unittest.mock
import weakref

import pytest
from beautyspot import Spot
from beautyspot.errors import UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.keys.walk import Without

from tests.made import findable

lazy_object_proxy = pytest.importorskip("lazy_object_proxy")
werkzeug_local = pytest.importorskip("werkzeug.local")
wrapt = pytest.importorskip("wrapt")

# ------------------------------------------------------------------- generators of random numbers


class Dice(random.Random):
    pass


class Simulation:
    def __init__(self, seed):
        self.rng = random.Random(seed)


@pytest.mark.parametrize("make", [random.Random, Dice, lambda seed: [random.Random(seed)]])
def test_a_generator_of_random_numbers_is_refused(make):
    with pytest.raises(UnstableKeyError, match="another one after each use: pass a seed"):
        canonical(make(17))


def test_a_second_run_draws_as_many_numbers_as_the_first(make_spot, caplog):
    """By its state, a generator that a hit does not advance gave one number each time."""
    spot: Spot = make_spot()

    @spot.mark(name="draw")
    def draw(rng):
        return rng.random()

    @findable
    class Game(Simulation):
        @spot.mark(name="play")
        def play(self):
            return self.rng.random()

    for _ in range(2):
        rng, game = random.Random(1), Game(1)
        assert len({draw(rng) for _ in range(3)}) == 3
        assert len({game.play() for _ in range(3)}) == 3
    said = [record.getMessage() for record in caplog.records]
    assert [text.count("pass a seed, and make it of that inside") for text in said] == [1, 1]
    assert "self.rng is a random.Random" in said[1]


# ------------------------------------------------------------------------------------------ proxies


class User:
    def __init__(self, name):
        self.name = name


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


class Faceless:
    @property
    def __class__(self):
        raise RuntimeError("no class")


class Tagged(wrapt.ObjectProxy):
    pass


@wrapt.decorator
def doubled(function, instance, args, kwargs):
    return function(*args, **kwargs) * 2


@doubled
def found():
    return 1


def must_not_be_made():
    raise AssertionError("the object behind a proxy is not made for a key")


USER = User("a")
PROXIES = {
    "werkzeug": lambda: werkzeug_local.LocalProxy(must_not_be_made),
    "lazy-object-proxy": lambda: lazy_object_proxy.Proxy(must_not_be_made),
    "wrapt": lambda: wrapt.ObjectProxy(USER),
    "wrapt, lazy": lambda: wrapt.LazyObjectProxy(must_not_be_made),
    "wrapt, a subclass": lambda: Tagged(USER),
    "wrapt, of a function": lambda: doubled(lambda: 1),
    "wrapt, a partial": lambda: wrapt.PartialCallableObjectProxy(max, 1),
    "weak": lambda: weakref.proxy(USER),
    "weak, of a function": lambda: weakref.proxy(found),
    "of one's own": lambda: OwnProxy(USER),
    "of one's own, an iterator": lambda: Everything(USER),
    "that raises": Faceless,
    "a mock": lambda: unittest.mock.Mock(spec=User),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_is_refused(name):
    proxy = PROXIES[name]()
    for value in (proxy, [proxy], Without(proxy, ("name",))):
        with pytest.raises(UnstableKeyError, match="stands for another object: pass that object"):
            canonical(value)


def test_a_call_with_a_proxy_runs_uncached(make_spot, caplog):
    spot: Spot = make_spot()
    ran = []

    @spot.mark(ignore=("ran", "user.name"), name="ask")
    def ask(user):
        ran.append(1)
        return 1

    @spot.mark(ignore=("ran",), key={"user": lambda user: user.name}, name="by name")
    def by_name(user):
        ran.append(1)
        return 1

    for make in (Faceless, lambda: OwnProxy(USER)):
        assert [ask(make()) for _ in range(2)] == [1, 1]
    assert len(ran) == 4
    assert [by_name(OwnProxy(USER)) for _ in range(2)] == [1, 1]
    assert len(ran) == 5
    assert "pass that object itself" in caplog.text

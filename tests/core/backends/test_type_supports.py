"""The types that plug-ins support: found without selecting them, for one Spot or for all."""

from __future__ import annotations

import beautyspot as bs
import pytest
from beautyspot.backends import registry
from beautyspot.testing import memory_spot
from fake_plugins import Versions, install, offering, point
from packaging.version import Version


class Majors(Versions):
    """Another support of the same class."""

    def key(self, value):
        return value.major


class Release(Version):
    """A subclass of a class that is supported."""


class Releases(Versions):
    """Takes subclasses too, and gives back releases alone."""

    subclasses = True

    def decode(self, value):
        return Release(value)


def support(base=Versions, **members):
    """A class of supports with other members."""
    return type("Supported", (base,), members)


def plugin(*supports, name="fake"):
    return offering(*supports, point="types", name=name)


def echo(value):
    return value


@pytest.fixture
def nothing_installed(monkeypatch):
    yield lambda *points: install(monkeypatch, *points, core=offering(bs.KeyGen, point="keygen"))
    registry.forget()


# --------------------------------------------------------------------------------- in use


def test_arguments_and_results_are_cached() -> None:
    with memory_spot(plugins=[plugin(Versions)]) as spot:
        marked = spot.mark(echo)
        assert marked({"a": [Version("1.0")]}) == {"a": [Version("1.0")]}
        hit = marked({"a": [Version("1.0")]})
        assert type(hit["a"][0]) is Version
        assert hit == {"a": [Version("1.0")]}
        marked({"a": [Version("2.0")]})
        assert (spot.stats()["hits"], spot.stats()["misses"]) == (1, 2)


def test_a_plug_in_of_one_spot_changes_no_other() -> None:
    with memory_spot(plugins=[plugin(Versions)]) as one, memory_spot() as other:
        assert one.key(echo, Version("1")) != other.key(echo, Version("1"))
        assert one.key(echo, 1) == other.key(echo, 1)
        with pytest.raises(bs.SerializationError):
            other.mark(echo)(Version("1"))


def test_a_spot_has_those_of_installed_plug_ins(nothing_installed) -> None:
    nothing_installed(point(plugin(Versions)))
    with memory_spot(keygen=bs.KeyGen, serializer=bs.MsgpackSerializer) as spot:
        assert spot.mark(echo)(Version("1")) == Version("1")


# -------------------------------------------------------------------------------- subclasses


def test_a_subclass_is_not_taken() -> None:
    with memory_spot(plugins=[plugin(Versions)]) as spot:
        assert spot.key(echo, Release("1")) != spot.key(echo, Version("1"))
        with pytest.raises(bs.SerializationError, match="Release"):
            spot.mark(echo)(Release("1"))


def test_a_subclass_is_taken_where_the_support_says_so() -> None:
    with memory_spot(plugins=[plugin(Releases)]) as spot:
        marked = spot.mark(echo)
        assert spot.key(marked, Release("1")) != spot.key(marked, Version("1"))
        assert [type(marked(Release("1"))) for _ in range(2)] == [Release, Release]
        assert spot.stats()["hits"] == 1


# --------------------------------------------------------------------------------- failures


def broken(_self, _value):
    raise RuntimeError("the body is not read")


@pytest.mark.parametrize("method", ["key", "encode", "decode"])
def test_a_support_that_raises_costs_the_cache_alone(method, caplog) -> None:
    faulty = support(**{method: broken})
    with memory_spot(plugins=[plugin(faulty)], strict=False) as spot:
        marked = spot.mark(echo)
        assert [marked(Version("1")) for _ in range(3)] == [Version("1")] * 3
        assert spot.stats()["hits"] == 0
    assert "the body is not read" in caplog.text


def test_a_support_says_itself_why_it_refuses(caplog) -> None:
    def key(self, value):
        if value.is_prerelease:
            raise bs.UnstableKeyError("is not final: pass its release")
        return str(value)

    def encode(self, value):
        raise bs.SerializationError("is not final: return its release")

    with memory_spot(plugins=[plugin(support(key=key, encode=encode))], strict=False) as spot:
        marked = spot.mark(echo)
        assert marked(Version("1rc1")) == Version("1rc1")
        assert marked(Version("1")) == Version("1")
    assert "is a packaging.version.Version, which is not final: pass its" in caplog.text
    assert 'write mark(ignore=("value",)); else say with mark(key=' in caplog.text
    assert "result can't be stored: a Version is not final: return its release" in caplog.text


@pytest.mark.parametrize(
    "name",
    ["builtins:dict", "functools:partial", "datetime:date", "pydantic:BaseModel"],
)
def test_what_beautyspot_stores_itself_cannot_be_claimed(name, caplog) -> None:
    with memory_spot(plugins=[plugin(support(classes=(name,)))], strict=False) as spot:
        spot.mark(echo)
    assert f"beautyspot itself has forms for the module of {name}: leave it out" in caplog.text


# -------------------------------------------------------------------------------- conflicts


def test_two_distributions_that_support_one_class_serve_it_neither(
    nothing_installed, caplog
) -> None:
    nothing_installed(
        point(plugin(Versions), "one", name="one-dist"),
        point(plugin(Majors), "two", name="two-dist"),
    )
    with memory_spot(keygen=bs.KeyGen, serializer=bs.MsgpackSerializer, strict=False) as spot:
        marked = spot.mark(echo)
        assert [marked(Version("1")), marked(Version("1"))] == [Version("1")] * 2
        assert marked(1) == marked(1) == 1
        assert spot.stats()["hits"] == 1
    assert "one-dist" in caplog.text
    assert "two-dist" in caplog.text
    assert "BEAUTYSPOT_PLUGINS=-two" in caplog.text

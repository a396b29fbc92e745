"""KeyGen and KeyMaker: IDs of arguments and files, and keys of calls."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest
from beautyspot.errors import ConfigError, UnstableKeyError
from beautyspot.keys.generator import KeyGen, KeyMaker, canonical
from beautyspot.keys.text import quote
from beautyspot.testing import memory_spot
from hypothesis import given, settings
from hypothesis import strategies as st

FLAT = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())


def test_md5_may_be_chosen(make_spot):
    made = KeyGen(digest="md5").input_id((1,), {})
    assert made == hashlib.md5(b"[[1],{}]").hexdigest()
    keys = []
    for keygen in ("stable", {"use": "stable", "digest": "md5"}):
        spot = make_spot(keygen=keygen, metadata="memory")
        marked = spot.mark(abs)
        assert marked(-1) == marked(-1) == 1
        assert spot.stats()["hits"] == 1
        keys.append(spot.key(marked, -1))
    assert keys[0] != keys[1]
    with pytest.raises(ConfigError, match="no key digest 'crc': use one of sha256, md5"):
        KeyGen(digest="crc")


@settings(deadline=None)
@given(st.lists(FLAT).map(tuple), st.dictionaries(st.text(), FLAT, max_size=4))
def test_flat_calls_have_the_id_that_the_walk_gives(args, kwargs):
    texts = [f"{quote(name)}:{canonical(kwargs[name])}" for name in sorted(kwargs)]
    text = f"[[{','.join(map(canonical, args))}],{{{','.join(texts)}}}]"
    data = text.encode("utf-8", "backslashreplace")
    assert KeyGen().input_id(args, kwargs) == hashlib.sha256(data).hexdigest()[:32]


def test_a_keyword_that_looks_like_a_tag_is_none():
    keygen = KeyGen()
    made = {
        keygen.input_id(((1,),), {}),
        keygen.input_id((), {"$tuple": [1]}),
        keygen.input_id(({"$tuple": [1]},), {}),
    }
    assert len(made) == 3


def test_paths_of_what_is_refused():
    with pytest.raises(UnstableKeyError) as error:
        KeyGen().input_id((1, {"a": [object()]}), {})
    assert error.value.path == "args[1]['a'][0]"
    assert "__beautyspot_key__" in str(error.value)
    with pytest.raises(UnstableKeyError) as error:
        KeyGen().input_id((), {"name": object()})
    assert error.value.path == "name"


# -------------------------------------------------------------------------------- registered


class Money:
    def __init__(self, amount, currency="EUR"):
        self.amount = amount
        self.uses = iter(())
        self.currency = currency


class Euro(Money):
    pass


def key_of_money(money):
    return (money.amount, money.currency)


def test_subclasses_match_and_their_class_counts():
    keygen = KeyGen()
    keygen.register(Money, key_of_money)
    assert keygen.input_id((Euro(1),), {}) != keygen.input_id((Money(1),), {})
    keygen.register(Euro, lambda euro: euro.amount)
    assert keygen.canonical(Euro(1)).endswith('Euro",1]}')


def test_registered_functions_are_of_one_instance():
    KeyGen().register(Money, key_of_money)
    with pytest.raises(UnstableKeyError, match="uses"):
        KeyGen().input_id((Money(1),), {})


def test_builtin_classes_may_be_registered():
    keygen = KeyGen()
    keygen.register(list, len)
    assert keygen.input_id(([1, 2],), {}) == keygen.input_id(([3, 4],), {})
    assert keygen.input_id(({"a": [1]},), {}) != keygen.input_id(({"a": []},), {})


@pytest.mark.parametrize("cls", [object, str, int, float, bool, type(None), "Money", None])
def test_what_can_not_be_registered(cls):
    with pytest.raises(ConfigError, match="give another class"):
        KeyGen().register(cls, repr)


def test_a_key_function_must_be_callable():
    with pytest.raises(ConfigError, match="give a function of one argument"):
        KeyGen().register(Money, "amount")


def test_a_key_function_that_raises_is_named():
    keygen = KeyGen()

    def broken(money):
        raise ValueError("no rate")

    keygen.register(Money, broken)
    with pytest.raises(
        UnstableKeyError, match=r"broken raised ValueError: no rate\. Correct"
    ) as error:
        keygen.input_id(([Money(1)],), {})
    assert error.value.path == "args[0][0]"
    assert isinstance(error.value.__cause__, ValueError)


def test_a_key_function_that_returns_its_argument_ends():
    keygen = KeyGen()
    keygen.register(Money, lambda money: money)
    with pytest.raises(UnstableKeyError, match="contains itself"):
        keygen.input_id((Money(1),), {})
    keygen.register(Money, lambda money: Money(1))
    with pytest.raises(UnstableKeyError, match="could not be read .RecursionError"):
        keygen.input_id((Money(1),), {})


# -------------------------------------------------------------------------------- utilities


def test_stat_sees_size_time_and_name(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one")
    os.utime(path, ns=(1, 1))
    first = KeyGen.from_path_stat(path)
    assert first == KeyGen.from_path_stat(str(path)) == KeyGen.from_path_stat(os.fsencode(path))
    assert len(first) == 32
    os.utime(path, ns=(1, 2))
    second = KeyGen.from_path_stat(path)
    path.write_text("four")
    os.utime(path, ns=(1, 2))
    third = KeyGen.from_path_stat(path)
    copy = tmp_path / "b.txt"
    copy.write_text("four")
    os.utime(copy, ns=(1, 2))
    assert len({first, second, third, KeyGen.from_path_stat(copy)}) == 4


def test_stat_keeps_the_path_as_it_is_given(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    assert KeyGen.from_path_stat("a.txt") != KeyGen.from_path_stat(tmp_path / "a.txt")


def test_content_is_independent_of_the_name(tmp_path):
    one, other = tmp_path / "a.txt", tmp_path / "b.bin"
    one.write_bytes(b"same" * 100_000)
    other.write_bytes(b"same" * 100_000)
    made = KeyGen.from_file_content(one)
    assert made == KeyGen.from_file_content(os.fsencode(other))
    assert made == hashlib.sha256(b"same" * 100_000).hexdigest()[:32]
    other.write_bytes(b"same" * 99_999 + b"some")
    assert made != KeyGen.from_file_content(str(other))


@pytest.mark.parametrize("function", [KeyGen.from_path_stat, KeyGen.from_file_content])
def test_files_that_are_not_there(function, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt") as error:
        function(tmp_path / "nothing.txt")
    assert error.value.filename == str(tmp_path / "nothing.txt")
    with pytest.raises(IsADirectoryError) as error:
        function(tmp_path)
    assert error.value.filename == str(tmp_path)


# ------------------------------------------------------------------------------- cache keys


def cache_key(identity, input_id, version):
    return KeyMaker(identity, version)(input_id)


TEXT = st.text(st.sampled_from('ab:",[]\\1\ud800é'), max_size=4)


@settings(deadline=None)
@given(TEXT, TEXT, st.none() | TEXT, TEXT, TEXT, st.none() | TEXT)
def test_parts_are_joined_without_ambiguity(one, two, three, four, five, six):
    same = (one, two, three) == (four, five, six)
    assert (cache_key(one, two, three) == cache_key(four, five, six)) == same


def test_an_id_with_a_version_in_it_is_another():
    assert cache_key("f", "a:v1", None) != cache_key("f", "a", "v1")
    assert cache_key("f", "a", None) != cache_key("f", "a", "")
    assert cache_key("f", "a", None) != cache_key("f", "a", "None")


def test_a_path_object_is_keyed_by_its_text():
    path = Path("a") / "b"
    before = KeyGen().canonical(path)
    str(path), hash(path), path.parts
    assert KeyGen().canonical(path) == before == KeyGen().canonical(Path("a/b"))


class Degrees:
    def __init__(self, number: float) -> None:
        self.number, self.thread = number, threading.current_thread()


class Exact(Degrees):
    pass


def test_what_encode_gives_counts_of_an_argument_too() -> None:
    ran = []
    with memory_spot(strict=True) as spot:
        spot.register(Degrees, encode=lambda value: value.number, decode=Degrees)

        @spot.mark(ignore=("ran",))
        def double(value: Degrees) -> float:
            ran.append(value)
            return 2 * value.number

        assert [double(Degrees(n)) for n in (1, 1, 2)] == [2, 2, 4]
        assert len(ran) == 2
        with pytest.raises(UnstableKeyError, match="of a class below it: register it"):
            spot.key(double, Exact(1))
        spot.keygen.register(Degrees, lambda _value: "any")  # type: ignore[attr-defined]
        spot.register(Degrees, encode=lambda value: value.number, decode=Degrees)
        assert spot.key(double, Degrees(1)) == spot.key(double, Degrees(2))

"""Signed pickles: what they keep, and that nothing is loaded that is not signed."""

from __future__ import annotations

import functools
import pickle
import sys
import types
from pathlib import Path
from typing import Any, ClassVar

import beautyspot as bs
import numpy as np
import pytest
from beautyspot import ConfigError, File, RestoreError, SerializationError
from beautyspot.contracts import SerializerBase
from beautyspot.results.validity import fingerprint
from beautyspot_pickle import PickleSerializer
from beautyspot_testing.serializer import JSON_VALUES, SerializerContract
from hypothesis import strategies as st
from rows import put_rows

KEY = "a-signing-key-0123456789"
LOADED: list[str] = []


class Model:
    """As scikit-learn's: its state is in attributes that no annotation names."""

    def __init__(self, **fitted: Any) -> None:
        self.__dict__.update(fitted)

    def __eq__(self, other: object) -> bool:
        return type(other) is Model and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def run(what: str) -> None:
    LOADED.append(what)


class Hostile:
    def __reduce__(self) -> Any:
        return run, ("code ran",)


class Unwilling:
    def __reduce__(self) -> Any:
        raise KeyError("no")


MODELS = st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), JSON_VALUES, max_size=3)
VALUES = (
    JSON_VALUES
    | st.tuples(JSON_VALUES, st.sets(st.complex_numbers(allow_nan=False)))
    | st.dictionaries(st.integers() | st.tuples(st.text()), st.binary())
    | MODELS.map(lambda fitted: Model(**fitted))
    | st.sampled_from([len, Model, functools.partial(int, base=2).func, range(3), Path("a")])
)


class TestPickleSerializer(SerializerContract):
    values = VALUES
    finds_damage = False  # the signature does

    def make(self) -> PickleSerializer:
        return PickleSerializer()


def test_it_is_refused_without_a_signing_key(make_spot: Any) -> None:
    needs = pytest.raises(ConfigError, match=r"signing_key=os.environ\[.*secrets.token_hex\(32\)")
    for spec in ("pickle", PickleSerializer, PickleSerializer(), {"use": "pickle"}):
        with needs:
            make_spot(serializer=spec)
        with needs:
            make_spot().mark(serializer=spec)(len)


def test_a_serializer_of_a_stranger_is_refused_as_well(make_spot: Any) -> None:
    class Own(bs.SerializerBase):
        name = "own"
        requires_signature: ClassVar[bool] = True

        def dumps(self, value: object) -> bytes:
            return b""

        def loads(self, data: Any) -> Any:
            return None

    assert SerializerBase.requires_signature is False
    with pytest.raises(ConfigError, match="the serializer 'own'"):
        make_spot(serializer=Own())
    make_spot(serializer=Own(), signing_key=KEY)


@pytest.mark.parametrize("save_blob", [False, True])
def test_what_it_stores_comes_back(make_spot: Any, save_blob: bool) -> None:
    spot = make_spot(signing_key=KEY, strict=True)
    objects = np.array([{"a": (1, 2)}, None, Model(coef=[1.5])], dtype=object)

    @spot.mark(serializer="pickle", save_blob=save_blob)
    def train(number: int) -> Any:
        return Model(objects=objects, number=number)

    first = train(1)
    [record] = spot.metadata.all_rows()
    assert record.serializer == "pickle"
    hit = train(1)
    assert hit.number == 1
    assert hit.objects.dtype == object
    assert list(hit.objects) == list(first.objects)
    assert hit is not first
    assert spot.stats()["hits"] == 1


def test_a_generator(make_spot: Any) -> None:
    spot = make_spot(signing_key=KEY, strict=True)

    @spot.mark(serializer="pickle")
    def models() -> Any:
        yield Model(a=1)
        yield {2j}

    assert list(models()) == list(models()) == [Model(a=1), {2j}]


# ----------------------------------------------------------------------------------- what is loaded


@pytest.mark.parametrize("attack", ["unsigned", "another key", "kept", "another call's"])
def test_nothing_unsigned_is_loaded(make_spot: Any, attack: str) -> None:
    LOADED.clear()
    spot = make_spot(signing_key=KEY[::-1] if attack == "another key" else KEY)
    mark = spot.mark(serializer="pickle", name="model")
    work = mark(lambda x: Hostile() if attack in ("another key", "another call's") else Model(x=x))
    work(1)
    [record] = spot.metadata.all_rows(data=True)
    spot = make_spot(signing_key=KEY)
    again = spot.mark(serializer="pickle", name="model", key={"x": str})(lambda x: Model(x=x))
    key = spot.key(again, 1)
    spot.metadata.delete({record.cache_key: record.made_at})
    if attack in ("unsigned", "kept"):
        evil = PickleSerializer().dumps(Hostile())
        digest = record.digest if attack == "kept" else fingerprint(key, "pickle", evil)
        record = record._replace(result_data=evil, digest=digest)
    put_rows(spot.metadata, record._replace(cache_key=key))
    assert spot.peek(again, 1) is None
    assert not spot.explain(again, 1).hit
    assert again(1) == Model(x=1)
    assert LOADED == []


def test_no_bytes_that_another_serializer_signed_are_loaded(make_spot: Any) -> None:
    LOADED.clear()
    spot = make_spot(signing_key=KEY)
    evil = PickleSerializer().dumps(Hostile())
    spot.mark(name="echo", content_type="image/png")(lambda data: data)(evil)  # stored as it is
    [record] = spot.metadata.all_rows(data=True)
    assert record.result_data == evil
    put_rows(spot.metadata, record._replace(serializer="pickle"))
    assert spot.mark(name="echo", serializer="pickle")(lambda data: data)(evil) == evil
    assert LOADED == []


def test_the_pickle_of_the_tests_would_run() -> None:
    LOADED.clear()
    PickleSerializer().loads(PickleSerializer().dumps(Hostile()))
    assert LOADED == ["code ran"]


# ---------------------------------------------------------------------------------- what is refused


def nested() -> Any:
    return functools.reduce(lambda inner, _: [inner], range(100_000), [])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda: [File("a")], "a File is the whole result"),
        (lambda: {"model": Unwilling()}, "can't be pickled"),
        (lambda: lambda: None, "can't be pickled"),
        (
            lambda: functools.reduce(lambda inner, _: [inner], range(100_000), []),
            "can't be pickled",
        ),
    ],
)
def test_what_has_no_pickle(value: Any, said: str) -> None:
    with pytest.raises(SerializationError, match=said):
        PickleSerializer().dumps(value())


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A library of one class, with a version."""
    module = types.ModuleType("somelib")
    inner = types.ModuleType("somelib.models")

    class Fitted:
        pass

    Fitted.__module__, Fitted.__qualname__ = "somelib.models", "Fitted"
    inner.Fitted, module.__version__ = Fitted, "1.4.2"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "somelib", module)
    monkeypatch.setitem(sys.modules, "somelib.models", inner)
    return module


@pytest.mark.parametrize(
    ("now", "loads"), [("1.4.2", True), ("1.4.9", True), ("1.5.0", False), (None, False)]
)
def test_another_release_of_a_library_loads_none(library: Any, now: Any, loads: bool) -> None:
    fitted = sys.modules["somelib.models"].Fitted
    data = PickleSerializer().dumps([{"model": fitted()}])
    library.__version__ = now
    if loads:
        assert type(PickleSerializer().loads(data)[0]["model"]) is fitted
    else:
        with pytest.raises(RestoreError, match=r"a pickle of somelib 1\.4 is not loaded by"):
            PickleSerializer().loads(data)


def test_a_library_that_is_gone(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = PickleSerializer().dumps(sys.modules["somelib.models"].Fitted)
    monkeypatch.delitem(sys.modules, "somelib")
    with pytest.raises(RestoreError, match="No module named 'somelib'"):
        PickleSerializer().loads(data)


def test_the_class_is_imported_when_it_is_named() -> None:
    import beautyspot_pickle

    assert dir(beautyspot_pickle).count("PickleSerializer") == 1
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        _ = beautyspot_pickle.Other
    assert pickle.loads(pickle.dumps(PickleSerializer())).name == "pickle"


def test_the_message_about_a_class_names_both_ways(make_spot: Any) -> None:
    made = make_spot(strict=True).mark(lambda: Model(a=1))
    with pytest.raises(SerializationError, match=r"encode=…, decode=….*serializer=\"pickle\""):
        made()


def test_compressed_pickles_come_back_once_their_signature_is_checked(make_spot: Any) -> None:
    pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    spot = make_spot(signing_key=KEY, strict=True, compress="zstd", serializer="pickle")
    train = spot.mark(lambda number: Model(text="word " * 1000, number=number))
    train(1)
    assert (train(1).number, spot.last_call().hit) == (1, True)
    [record] = spot.metadata.all_rows(data=True)
    assert record.serializer.startswith("zstd.")
    assert record.serializer.endswith(":pickle")
    with bs.open_store(spot) as store, pytest.raises(bs.NotSupportedError, match="may run"):
        store.value(record.cache_key)
    data = record.result_data
    put_rows(spot.metadata, record._replace(result_data=data[:-1] + bytes([data[-1] ^ 1])))
    with pytest.raises(bs.RestoreError, match="bears no signature"):
        train(1)

"""What a type support can do beyond plain values: large data, files, attributes, classes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot import Instance, open_store
from fake_plugins import offering

SIZE = 2**17  # bytes: a part of its own in a stored document


class Signal:
    def __init__(self, samples: Any, rate: int = 1) -> None:
        self._samples = samples
        self._rate = rate


class Mapped(Signal):
    """A signal that lies somewhere else."""


SEEN: list[memoryview] = []


class SignalTypes(bs.TypeSupport):
    name = "signals"
    classes = (f"{Signal.__module__}:Signal",)
    subclasses = True
    media = ("audio/x-text", "text/csv")

    def key(self, value: Signal) -> object:
        return value._rate, hashlib.sha256(value._samples).hexdigest()

    def counted_as(self, cls: type) -> type:
        return Signal if cls is Mapped else cls

    def own_names(self, cls: type) -> Any:
        return {"_samples", "_rate"}.__contains__

    def encode(self, value: Signal) -> object:
        if type(value) not in (Signal, Mapped):
            raise bs.SerializationError("is no plain signal: return one")
        return [value._rate, bs.Buffer(value._samples)]

    def decode(self, value: Any) -> Signal:
        rate, samples = value
        SEEN.append(samples)
        return Signal(samples if not samples.readonly else bytearray(samples), rate)

    def to_media(self, value: Signal, content_type: str) -> tuple[bytes, object]:
        if content_type == "audio/x-text":
            raise bs.SerializationError("is never a text: return numbers")
        return ",".join(map(str, memoryview(value._samples).cast("B"))).encode(), [value._rate]

    def from_media(self, data: Any, content_type: str, beside: Any) -> Signal:
        [rate] = beside
        return Signal(bytearray(map(int, bytes(data).split(b","))), rate)


class Filled(SignalTypes):
    def encode(self, value: Signal) -> object:
        return [value._rate, bs.Buffer(lambda out: out.extend(value._samples))]


class Looked(SignalTypes):
    for_looking = True


class Drawn(SignalTypes):
    drawn = True

    def to_media(self, value: Signal, content_type: str) -> tuple[bytes, object]:
        if value._rate == 0:
            raise ArithmeticError("no rate")
        return bytes(value._samples), None


def samples(number: int = 7, size: int = SIZE) -> bytearray:
    return bytearray([number]) * size


def same(one: Signal, other: Signal) -> bool:
    return (bytes(one._samples), one._rate) == (bytes(other._samples), other._rate)


@pytest.fixture(autouse=True)
def _forget() -> None:
    SEEN.clear()


@pytest.fixture
def spot_with(make_spot: Callable[..., Any]) -> Callable[..., Any]:
    def make(support: Any = SignalTypes, **options: Any) -> Any:
        return make_spot(plugins=[offering(support, point="types", name="signals")], **options)

    return make


# ------------------------------------------------------------------------------------ large data


@pytest.mark.parametrize("support", [SignalTypes, Filled])
@pytest.mark.parametrize("size", [0, 10, SIZE])
def test_large_data_come_back(spot_with: Any, support: Any, size: int) -> None:
    made = spot_with(support).mark(name="made", key="k")(lambda: [Signal(samples(7, size), 3)])
    [first], [hit] = made(), made()
    assert same(hit, first)
    assert [type(view) for view in SEEN] == [memoryview]


# ----------------------------------------------------------------------- attributes and classes


def test_what_a_program_sets_counts_and_is_not_stored(spot_with: Any, caplog: Any) -> None:
    spot = spot_with(strict=False)
    key = spot.mark(lambda x: 1, name="f")
    one, noted, other = Signal(b"a"), Signal(b"a"), Signal(b"a")
    noted.note, other.note = 1, 2  # type: ignore[attr-defined]
    assert len({spot.key(key, value) for value in (one, noted, other)}) == 3
    ignoring = spot.mark(lambda x: 1, name="g", ignore=("x.note",))
    assert len({spot.key(ignoring, value) for value in (one, noted, other)}) == 1
    made = spot.mark(key="k", name="made")(lambda: noted)
    assert made() is made() is noted
    assert "attributes of its own (note): return them beside it" in caplog.text


# ------------------------------------------------------------------------------------- files


def test_a_value_is_a_file_of_its_content_type(spot_with: Any, caplog: Any) -> None:
    spot = spot_with()
    made = spot.mark(content_type="Text/CSV; header=absent", save_blob=True)(
        lambda: Signal(samples(5, 2), 3)
    )
    assert same(made(), made())
    assert spot.stats()["hits"] == 1
    stored = spot.peek(made)
    assert Path(stored.location).read_bytes() == b"5,5"
    assert Path(stored.location).suffix == ".csv"
    with open_store(spot) as store:
        assert store.content(spot.key(made)).content_type == "Text/CSV; header=absent"
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("content_type", "why"),
    [
        ("image/png", "Signal is not written as that"),
        ("image/png", "take one of audio/x-text, text/csv; or leave"),
        ("audio/x-text", "is never a text: return numbers"),
    ],
)
def test_a_value_that_is_no_such_file(spot_with: Any, caplog: Any, content_type: str, why: str):
    spot = spot_with()
    made = spot.mark(content_type=content_type, save_blob=True)(lambda: Signal(b"a"))
    made()
    assert spot.peek(made) is None
    assert why in caplog.text


def test_a_file_without_its_plug_in_is_a_miss(make_spot: Any, spot_with: Any, caplog: Any) -> None:
    with spot_with() as one:
        one.mark(content_type="text/csv", name="f")(lambda: Signal(b"a"))()
    other = make_spot()
    assert other.mark(content_type="text/csv", name="f")(lambda: "1")() == "1"
    assert "it was stored by the types signals: install the plug-in that has them" in caplog.text


def test_what_is_drawn_is_given_as_its_file(spot_with: Any, caplog: Any) -> None:
    spot = spot_with(Drawn)
    made = spot.mark(content_type="text/csv", save_blob=True)(lambda rate: Signal(b"12", rate))
    assert [made(1), made(1)] == [b"12", b"12"]
    assert spot.stats()["hits"] == 1
    assert caplog.text == ""
    assert [type(made(0)) for _ in range(2)] == [Signal, Signal]
    assert "drawing it raised ArithmeticError('no rate')" in caplog.text
    plain = spot.mark(name="plain", key="k")(lambda: Signal(b"12"))
    assert [type(plain()), type(plain())] == [Signal, Signal]


# ------------------------------------------------------------------------------------ looking


@pytest.mark.parametrize(("support", "kind"), [(SignalTypes, Instance), (Looked, Signal)])
def test_who_looks_gets_the_value_or_its_fields(
    spot_with: Any, make_spot: Any, support: Any, kind: Any
) -> None:
    spot = spot_with(support)
    made = spot.mark(name="f")(lambda: {"a": Signal(b"ab", 3)})
    made()
    plugin = offering(support, point="types", name="signals")
    with bs.open_store(spot.config["directory"], plugins=[plugin]) as store:
        found = store.value(spot.key(made))["a"]
    assert type(found) is kind
    if kind is Instance:
        assert found.fields == {0: 3, 1: b"ab"}
    else:
        assert same(found, Signal(b"ab", 3))

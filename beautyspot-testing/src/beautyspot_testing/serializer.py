"""The contract of a serializer, as a test class to subclass.

::

    class TestFoo(SerializerContract):
        values = st.recursive(st.none() | st.text(), st.lists)    # what it claims to keep

        def make(self):
            return FooSerializer()
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from beautyspot import KeyGen
from beautyspot.contracts import SerializerBase
from beautyspot.errors import ConfigError, NotSupportedError, RestoreError, SerializationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beautyspot_testing.shared import Plain, PlainTypes, Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FEW = settings(
    deadline=None,
    max_examples=50,
    # The tests are inherited by every subclass, which is what this check warns about.
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=15,
)
"""What any serializer should store: the values that JSON has."""


@dataclass(frozen=True)
class Point:
    """A class of the program, for serializers that take classes."""

    x: int
    y: str


def assert_same(left: Any, right: Any) -> None:
    """Fail unless both are equal and of equal type in all parts; NaN equals NaN, 0.0 not -0.0."""
    assert type(left) is type(right), f"{left!r:.200} became a {type(right).__qualname__}"
    one, other = ((side, [*side] if type(side) is dict else ()) for side in (left, right))
    same = KeyGen().canonical(one) == KeyGen().canonical(other)
    assert same, f"{left!r:.200} became {right!r:.200}"


def _check_refused(serializer: SerializerBase, value: object) -> None:
    with pytest.raises(SerializationError) as refused:
        serializer.dumps(value)
    assert str(refused.value), f"{value!r:.200}: the error says nothing"


class SerializerContract(Switches):
    """What every serializer must do.

    Class attributes:
        values: a Hypothesis strategy of the values that it claims to bring back equal, and of equal
            type in every part.
        refused: functions that each make a value which it must refuse.
        takes_classes: `register` and `vouching` mean something to it.
        finds_damage: for damaged or foreign bytes it raises `RestoreError` or returns some value,
            and does no harm. False for a serializer that must only be given its own bytes.
    """

    values: ClassVar[st.SearchStrategy[Any]] = JSON_VALUES
    refused: ClassVar[tuple[Callable[[], object], ...]] = (
        threading.Lock,
        lambda: (_ for _ in ()),
        lambda: {"rows": [1, threading.Lock()]},
    )
    takes_classes: ClassVar[bool] = False
    finds_damage: ClassVar[bool] = True

    def make(self) -> SerializerBase:
        """A new serializer."""
        raise NotImplementedError("override make() and return your serializer")

    @pytest.fixture
    def serializer(self) -> Iterator[SerializerBase]:
        """What `make` gives, closed after the test."""
        serializer = self.make()
        yield serializer
        serializer.close()

    @_FEW
    @given(data=st.data())
    def test_a_round_trip_keeps_equality_and_type(self, data: st.DataObject) -> None:
        serializer, value = self.make(), data.draw(self.values)
        stored = bytes(serializer.dumps(value))
        for form in (stored, bytearray(stored), memoryview(stored)):
            assert_same(value, serializer.loads(form))
        lent = {"owned": True} if "owned" in signature(serializer.loads).parameters else {}
        assert_same(value, serializer.loads(bytearray(stored), **lent))

    def test_bytes_and_values_are_fresh(self, serializer: SerializerBase) -> None:
        """A later call must not write into what an earlier one gave out."""
        stored = serializer.dumps({"a": [1]})
        assert isinstance(stored, bytes | bytearray | memoryview)
        before = bytes(stored)
        serializer.dumps(["another", "longer"])
        assert bytes(stored) == before
        changed = serializer.loads(stored)
        changed["a"].append(2)
        assert serializer.loads(stored) == {"a": [1]}

    def test_a_value_without_a_form_is_refused(self, serializer: SerializerBase) -> None:
        for make in self.refused:
            _check_refused(serializer, make())
        assert serializer.loads(serializer.dumps([1])) == [1], "a refusal must not break the next"

    @_FEW
    @given(data=st.data(), garbage=st.binary(max_size=200))
    def test_damaged_bytes_are_an_error_or_a_value(
        self, data: st.DataObject, garbage: bytes
    ) -> None:
        self._needs("finds_damage")
        serializer = self.make()
        stored = bytes(serializer.dumps(data.draw(self.values)))
        place = data.draw(st.integers(0, len(stored) - 1), "place")
        flipped = bytearray(stored)
        flipped[place] ^= 1 << data.draw(st.integers(0, 7), "bit")
        for damaged in (stored[:place], bytes(flipped), garbage):
            with suppress(RestoreError):  # or it gives any value; nothing else may be raised
                serializer.loads(damaged)

    def test_no_bytes_at_all_are_an_error(self, serializer: SerializerBase) -> None:
        with pytest.raises(RestoreError):
            serializer.loads(b"")

    def test_threads_share_it(self, serializer: SerializerBase) -> None:
        def work(number: int) -> bool:
            value = {"number": number, "many": [number] * 50}
            return all(serializer.loads(serializer.dumps(value)) == value for _ in range(50))

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(8)))

    def test_a_class_is_vouched_for_by_annotation(self, serializer: SerializerBase) -> None:
        vouching = serializer.vouching([list[Point]])
        assert isinstance(vouching, SerializerBase)
        if self.takes_classes:
            assert vouching.loads(vouching.dumps([Point(1, "a")])) == [Point(1, "a")]
            with pytest.raises((SerializationError, RestoreError)):
                serializer.loads(vouching.dumps([Point(1, "a")]))

    @_FEW
    @given(data=st.data())
    def test_it_is_looked_at_without_classes(self, data: st.DataObject) -> None:
        """Values without classes of the program are what they were; the others no error."""
        serializer, value = self.make(), data.draw(self.values)
        if serializer.requires_signature:
            with pytest.raises(NotSupportedError):
                serializer.loads_for_looking(serializer.dumps(value))
            return
        assert_same(value, serializer.loads_for_looking(serializer.dumps(value)))

    def test_an_instance_is_looked_at_without_its_class(self, serializer: SerializerBase) -> None:
        self._needs("takes_classes")
        data = serializer.vouching([Point]).dumps({Point(1, "a"): [Point(2, "b")]})
        with suppress(RestoreError):  # which says that it can't be
            assert len(serializer.loads_for_looking(data)) == 1

    def test_a_class_is_registered(self, serializer: SerializerBase) -> None:
        if not self.takes_classes:
            with pytest.raises(NotSupportedError):
                serializer.register(Point)
            return
        vouching = serializer.vouching([Point])
        serializer.register(Plain, encode=lambda plain: plain.state, decode=Plain, name="plain")
        for each in (serializer, vouching):  # what is registered later counts for both
            restored = each.loads(each.dumps({"a": Plain("x")}))["a"]
            assert type(restored) is Plain
            assert restored.state == "x"
        with pytest.raises(ConfigError):
            serializer.register(Point, name="plain")

    def test_a_class_that_a_plug_in_supports_is_stored(self, serializer: SerializerBase) -> None:
        supporting = serializer.supporting(dict.fromkeys(PlainTypes.classes, PlainTypes()))
        assert isinstance(supporting, SerializerBase)
        if supporting is serializer:
            pytest.skip("takes no types of plug-ins")
        restored = supporting.loads(supporting.dumps({"a": Plain("x")}))["a"]
        assert type(restored) is Plain
        assert restored.state == "x"
        _check_refused(serializer, Plain("x"))  # it has not changed itself

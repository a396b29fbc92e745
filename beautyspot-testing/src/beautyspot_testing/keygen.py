"""The contract of a key generator, as a test class to subclass.

::

    class TestMyKeys(KeyGenContract):
        def make(self):
            return MyKeyGen()
"""

from __future__ import annotations

import copy
import math
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from pprint import pformat
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import pytest
from beautyspot.errors import UnstableKeyError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beautyspot_testing.shared import Plain, PlainTypes, json_of_another_process, source_of

if TYPE_CHECKING:
    from beautyspot.contracts import KeyGenBase


class Pair(NamedTuple):
    """Equal to a tuple, and not one."""

    left: int
    right: int


BASIC: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**70, 0.0, 1.0, -0.0, 0.1, 1e300, math.nan, math.inf, -math.inf,
    "", "0", "1", "1.0", "None", "null", "true", "nan", "[]", "[1]", "a", "A", "é", "e\u0301", "\0",
    [], [1], [True], [1.0], ["1"], [[]], [[1], 2], [1, [2]], [1, 2], [2, 1], [None],
    (), (1,), (1, 2), ((1, 2),), ([1], 2),
    {}, {"a": 1}, {"a": "1"}, {"a": [1]}, {"a": (1,)}, {"b": 1}, {"a": 1, "b": 2}, {"a": {"b": 2}},
    *("x" * 100_000 + end for end in ("", "a", "b", "\0")),
    *([*range(10_000), end] for end in (0, 1, True, "1")),
)  # fmt: skip
"""Values that every key generator takes, no two of which are the same."""

FURTHER: Final[tuple[Any, ...]] = (
    b"", b"1", b"a", bytearray(b"a"), {1: 2}, {"1": 2}, {True: 2}, {(1,): 2}, {None: 2}, {"$a": 1},
    set(), {1}, {"b", "a", "c"}, {1, 2}, frozenset({1}), 1j, range(3), range(1, 3), [range(3)],
    date(2024, 1, 2), datetime(2024, 1, 2), datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02",  # noqa: DTZ001
    timedelta(1), Decimal("1.5"), Decimal("1.50"), "1.5", 1.5, Fraction(3, 2), "3/2",
    UUID(int=1), str(UUID(int=1)), PurePosixPath("a/b"), "a/b", Pair(1, 2), Plain(1), Plain(2),
    Plain([1]), {"state": 1}, len, max, int, str, b"x" * 100_000, b"x" * 99_999 + b"y",
)  # fmt: skip
"""Values that a key generator may refuse, no two of which are the same."""


def text_or_none(keygen: KeyGenBase, value: object) -> str | None:
    """The text of a value, or None where it is refused."""
    try:
        return keygen.canonical(value)
    except UnstableKeyError:
        return None


def texts(keygen: KeyGenBase) -> list[str | None]:
    """The texts of all values above."""
    return [text_or_none(keygen, value) for value in (*BASIC, *FURTHER)]


_FLAT = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_KEYS = st.text(max_size=3)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(_KEYS, inner, max_size=3)


VALUES = st.recursive(_FLAT, _nested, max_leaves=8)
"""Values that each key generator takes."""

_ALIKE: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, True, False, 0.0, -0.0, 1.0, "", "1", (), [], {}, None, (1,), [1]]
)
CLOSE = st.recursive(_ALIKE, _nested, max_leaves=3)
"""Values that are often equal by ``==``, but not the same."""


class KeyGenContract:
    """What a key generator must do, whatever its texts look like.

    Every generator takes `None`, `bool`, `int`, `float` and `str`, and lists, tuples and dicts with
    string keys of them. It may refuse other values, and must tell apart those it does not refuse.
    """

    def make(self) -> KeyGenBase:
        """Return a key generator, as a Spot makes it."""
        raise NotImplementedError("give the suite a factory: def make(self): return MyKeyGen()")

    def source(self) -> str | None:
        """Python source that makes the same key generation and calls it `keygen`.

        Another process runs it. By default it imports the class of what `make` returns, and calls
        it without arguments. Override it if that is not enough; None skips the tests with other
        processes.
        """
        return source_of(type(self.make()), "keygen")

    # -------------------------------------------------------------------------------- texts

    def test_each_value_has_a_text_of_its_own(self) -> None:
        keygen, another = self.make(), self.make()
        known: dict[str, object] = {}
        for number, value in enumerate((*BASIC, *FURTHER)):
            made = text_or_none(keygen, value)
            copied = copy.deepcopy(value)
            if type(copied) is dict:
                copied = dict(reversed(copied.items()))
            assert text_or_none(another, copied) == made, f"a copy of {value!r:.80} has another"
            if made is None:
                assert number >= len(BASIC), f"{value!r:.80} is refused: every generator takes it"
                continue
            assert type(made) is str, f"canonical returned {made!r}, which is no str"
            other = known.setdefault(made, value)
            assert other is value, f"{other!r:.80} and {value!r:.80} share a text"

    @settings(
        deadline=None,
        max_examples=100,
        # The tests are inherited by every subclass, which is what this check warns about.
        suppress_health_check=[HealthCheck.differing_executors],
    )
    @given(st.data())
    def test_one_text_for_the_same_and_only_for_the_same(self, data: st.DataObject) -> None:
        keygen = self.make()
        values = data.draw(st.sampled_from([VALUES, CLOSE]))
        one = data.draw(values)
        copied = copy.deepcopy(one)
        close = st.sampled_from([copied, str(one), [copied], (copied,), {"": copied}])
        other = data.draw(values | close)
        agree = keygen.canonical(one) == keygen.canonical(other)
        same = pformat(one) == pformat(other)  # which sorts names
        assert agree == same, f"{one!r} and {other!r}: texts agree: {agree}"

    # -------------------------------------------------------------------- what has no stable form

    @pytest.mark.parametrize("kind", ["object", "file", "iterator", "itself", "deep"])
    def test_what_has_no_stable_form_is_refused(self, kind: str) -> None:
        loop, deep = list[Any](), list[Any]()
        loop.append(loop)
        for _ in range(100_000 if kind == "deep" else 0):
            deep = [deep]
        numbers = iter([1, 2])
        with open(os.devnull) as file:  # noqa: PTH123 - no path is concerned
            values = {"object": [2, object()], "file": file, "iterator": numbers, "itself": loop}
            with pytest.raises(UnstableKeyError) as refused:
                self.make().canonical(values.get(kind, deep))
        assert refused.value.path.startswith("value"), "path begins with the value"
        assert list(numbers) == [1, 2], "the key generator has used the iterator up"

    # ------------------------------------------------------------------- types of plug-ins

    def test_a_plug_in_says_what_counts(self) -> None:
        keygen = self.make()
        supporting = keygen.supporting(dict.fromkeys(PlainTypes.classes, PlainTypes()))
        if supporting is keygen:
            pytest.skip("takes no types of plug-ins")
        one, other = (supporting.canonical([Plain(state)]) for state in (1, 2))
        assert one != other
        assert one == supporting.canonical([Plain(1)])
        assert one != text_or_none(keygen, [Plain(1)]), "`supporting` changed the generator itself"
        assert one != supporting.canonical([1])

    # ------------------------------------------------------------------- threads and processes

    def test_the_same_in_another_process(self) -> None:
        source = self.source()
        if source is None:
            pytest.skip("no other process can make this key generator: override source()")
        there_texts = json_of_another_process(
            f"{source}\nimport json\nfrom beautyspot_testing.keygen import texts\n"
            "print(json.dumps(texts(keygen)))"
        )
        for value, here, there in zip(
            (*BASIC, *FURTHER), texts(self.make()), there_texts, strict=True
        ):
            assert here == there, f"{value!r:.80} has another text in another process"

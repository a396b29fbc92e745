"""The keys of earlier calls: bounded, of small flat arguments alone, apart by type."""

from __future__ import annotations

import pytest
from beautyspot.keys import memo


def test_the_memory_of_keys_starts_afresh_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "CALLS", 2)
    remembered = memo.Memo()
    for x in range(5):
        remembered.put((x,), (f"key{x}", f"id{x}"))
    assert remembered.get((4,)) == ("key4", "id4")
    assert remembered.get((0,)) is None


@pytest.mark.parametrize("value", [0.0, -0.0, "x" * 257, b"x" * 257, 1 << 600, [1], (1,), object()])
def test_what_is_large_or_not_flat_is_not_remembered(value: object) -> None:
    remembered = memo.Memo()
    remembered.put((value,), ("key", "id"))
    assert remembered.by_types == {}


def test_equal_values_of_other_types_are_remembered_apart() -> None:
    remembered = memo.Memo()
    for value in (1, 1.0, True):
        remembered.put((value,), (repr(value), repr(value)))
    assert [remembered.get((value,)) for value in (1, 1.0, True)] == [
        ("1", "1"), ("1.0", "1.0"), ("True", "True"),
    ]  # fmt: skip

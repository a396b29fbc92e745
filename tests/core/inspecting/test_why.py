"""Why a stored call ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from beautyspot import ConfigError, MetadataStoreBase, RecordNotFound, Store, Why, open_store
from core.inspecting.stored import NOW, OLD, ROWS, row
from rows import put_rows


def test_the_argument_that_differs_from_the_nearest_earlier_call(make_spot: Any) -> None:
    spot = make_spot()

    @spot.mark(name="app:ask")
    def ask(prompt: str, temperature: float = 0.0) -> str:
        return prompt

    for arguments in (("hi",), ("hi", 0.5), ("ho",), ("ho", 0.5)):
        ask(*arguments)
    with open_store(spot) as store:
        told = store.why_function("ask")
        assert [why.differs for why in told] == [
            ("argument temperature",),  # and not the prompt of the second call: this is later
            ("argument prompt",),
            ("argument temperature",),
            (),
        ]
        assert told[0].nearest == told[1].record
        assert told == [store.why(why.record.cache_key) for why in told]
        assert store.why_function("app:ask", limit=1) == told[:1]
        assert "differs in argument temperature" in str(told[0])
        assert "no earlier result of app:ask is there" in repr(told[3])


@pytest.fixture
def why(metadata: MetadataStoreBase, store: Store) -> Callable[..., Why]:
    """Why a row was made that comes after those of the store."""

    def asked(name: str = "app:ask", **fields: Any) -> Why:
        given = {"input_id": "1", "made_at": NOW, "arguments": "prompt='x'", **fields}
        new = row(10, name, **given)
        put_rows(metadata, new)
        return store.why(new.cache_key)

    return asked


@pytest.mark.parametrize(
    ("fields", "differs", "reason"),
    [
        ({"version": "3"}, ("version",), "differs in version"),
        ({"input_id": "9"}, ("mark(key=)",), "differs in mark(key=)"),
        ({"input_id": "9", "arg_digests": '{"x":"1"}'}, ("argument x",), "argument x"),
        ({"input_id": "9", "arg_digests": "{"}, ("mark(key=)",), "mark"),
        ({}, ("code or captured values",), "captured values"),
        ({"code": OLD}, ("code or captured values",), "source had changed as well"),
    ],
)
def test_reasons(why: Callable[..., Why], fields: Any, differs: Any, reason: str) -> None:
    found = why(**fields)
    assert found.differs == differs
    assert found.nearest is not None
    assert found.nearest.cache_key == ROWS[0].cache_key
    assert reason in found.reason
    assert "prompt='Hello Alice'" in str(found)
    assert "prompt='x'" in str(found)


def test_a_run_of_an_earlier_release(why: Callable[..., Why]) -> None:
    assert "before 3.0" in why(key_scheme=None).reason
    assert "before 3.0" in why(key_scheme=None, func_identifier=None).reason
    assert "no earlier result" in why("new:function").reason


def test_a_function_that_is_not_there(store: Store, metadata: MetadataStoreBase) -> None:
    with pytest.raises(RecordNotFound, match="Did you mean 'draw'"):
        store.why_function("drow")
    put_rows(metadata, row(9, "other:draw"))
    with pytest.raises(RecordNotFound, match="app:draw, other:draw") as caught:
        store.why_function("draw")
    assert caught.value.candidates == ("app:draw", "other:draw")
    with pytest.raises(ConfigError, match="give an identifier"):
        store.why_function("")
    with pytest.raises(ConfigError, match="give an identifier"):
        store.function_pattern(3)  # type: ignore[arg-type]

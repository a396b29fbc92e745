"""Every operation that a call comes by, failing in several ways, met by every kind of function.

The result is right, it is said once what is wrong and what to do, and when the fault is gone the
same Spot caches again. The faults of real places are in `test_fault_places.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from beautyspot import Grant, KeyGen, MsgpackSerializer, Spot
from beautyspot.contracts import LimiterBase, Rate
from beautyspot.errors import BeautyspotError, MetadataError, StorageError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from kinds import KINDS, RAN, result
from scripted import Foreign, scripted


class Free(LimiterBase):
    """Grants everything at once."""

    name = "free"

    limits: ClassVar[dict[str, Rate]] = {"rate": Rate(1e9)}

    def take(self, asked: Any, key: str = "") -> Any:
        return [Grant(0.0, costs, key) for costs in asked], 0.0

    def give_back(self, grant: Grant, real: Any) -> None:
        """Nothing was taken."""

    def hold(self, seconds: float, key: str = "") -> None:
        """Nothing is granted by time."""


CLASSES: dict[str, type[Any]] = {
    "metadata": MemoryMetadataStore,
    "storage": MemoryStorage,
    "serializer": MsgpackSerializer,
    "keygen": KeyGen,
    "limiter": Free,
}

PLACES = [
    *[("metadata", name) for name in ("find", "begin", "put", "touch", "store_id")],
    *[("storage", name) for name in ("save", "load", "delete")],
    *[("serializer", name) for name in ("dumps", "loads")],
    *[("keygen", name) for name in ("input_id", "canonical")],
    ("limiter", "take"),
]

QUIET = {"touch", "canonical", "delete"}
"""They cost nothing, or there is another way that works."""

ERRORS = {
    "ours": {"metadata": MetadataError("can't be reached: start the server")}
    | {"storage": StorageError("can't be reached: start the server")},
    "another's": {},
}

GARBAGE = (None, object(), "text", -1, b"\xc1", [b"x"], ("a", 2, object()))


class Table:
    """One Spot with one scripted backend, and a function of one kind."""

    def __init__(self, make_spot: Any, point: str, operation: str, kind: str, **facts: Any) -> None:
        backend = scripted(CLASSES[point], count=[operation], attributes=facts)
        options: dict[str, Any] = {"metadata": "memory", "storage": "memory", point: backend}
        if operation == "put":
            options["save"] = "background"
        self.script = backend.script
        self.spot: Spot = make_spot(wait_timeout=0.05, **options)
        function, self._call = KINDS[kind]
        if point == "limiter":
            function = self.spot.limiter(function)
        blob = point == "storage" or operation == "store_id"
        self.marked = self.spot.mark(name="f", save_blob=blob or None)(function)

    def expect(self, *inputs: int) -> None:
        for x in inputs:
            assert self._call(self.marked, x) == result(x), "the result is right"

    def each_runs_at_most_once(self, *inputs: int) -> None:
        RAN.clear()
        for x in (*inputs, *inputs):
            self.expect(x)
            self.spot.flush(30)
        assert all(RAN.count(x) <= 1 for x in inputs), "caching works again"
        assert RAN.count(inputs[0]) == 1


def check_said(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said)), "each is said once"
    assert all(":" in text for text in said), "with what to do"
    return said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", CLASSES)
def test_without_a_fault(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, point: str, kind: str
) -> None:
    """The control: what the others find is the doing of their faults."""
    table = Table(make_spot, point, "close", kind)
    table.expect(1, 2, 1, 2)
    assert table.spot.flush()
    assert RAN == [1, 2]
    assert not caplog.records


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("point", "operation"), PLACES)
def test_an_operation_fails(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    point: str,
    operation: str,
    kind: str,
    error: str,
    blocking: bool,
) -> None:
    if blocking and point not in ("metadata", "storage"):
        pytest.skip("it computes in the caller's thread, and waits for nothing")
    table = Table(make_spot, point, operation, kind, blocking=blocking)
    table.expect(1)
    table.spot.flush()
    default: Exception = BeautyspotError("down: start it") if error == "ours" else Foreign("down")
    table.script.fail[operation] = ERRORS[error].get(point, default)
    table.expect(1, 2, 1, 2, 3)
    table.spot.flush(30 if operation == "put" else 0)
    check_said(caplog)
    if table.script.count[operation] > 1 and operation not in QUIET:
        assert caplog.records, "it is said"
    table.script.fail.clear()
    table.spot.flush(30)
    table.each_runs_at_most_once(9, 1, 2)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("point", "operation"), PLACES)
def test_an_operation_answers_nonsense(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    point: str,
    operation: str,
    kind: str,
    garbage: object,
) -> None:
    if operation == "loads" or isinstance(garbage, RIGHT.get(operation, ())):
        pytest.skip("as good an answer as another: nobody else knows the value")
    table = Table(make_spot, point, operation, kind)
    table.expect(1)
    table.spot.flush()
    table.script.answer[operation] = garbage
    table.expect(1, 2, 1, 2, 3)
    table.spot.flush(0)
    check_said(caplog)
    table.script.answer.clear()
    table.spot.flush(30)
    table.each_runs_at_most_once(9, 1, 2)


RIGHT: dict[str, Any] = {
    "input_id": str,
    "canonical": str,
    "save": str,
    "find": type(None),
    "store_id": str,
    "put": object,
    "dumps": bytes,
}
"""What can't be told from a right answer."""


class Cutting(MemoryStorage):
    """Loses the end of what it saves."""

    loses = 9

    def save(self, key: str, data: Any, **more: Any) -> str:
        return super().save(key, bytes(data)[: len(data) - Cutting.loses], **more)


class CuttingRows(MemoryMetadataStore):
    """The same of the rows that it puts."""

    def put(self, rows: Any) -> Any:
        cut = [row.record.result_data[: -100 if Cutting.loses else None] for row in rows]
        records = [
            row.record._replace(result_data=data) for row, data in zip(rows, cut, strict=True)
        ]
        return super().put(
            [row._replace(record=each) for row, each in zip(rows, records, strict=True)]
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", ["metadata", "storage"])
def test_half_of_a_result_is_written(
    make_spot: Callable[..., Spot], point: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(CLASSES, point, Cutting if point == "storage" else CuttingRows)
        table = Table(make_spot, point, "close", kind)
    table.expect(1, 2, 1, 2)
    assert RAN == [1, 2, 1, 2], "half a result is none"
    monkeypatch.setattr(Cutting, "loses", 0)
    table.each_runs_at_most_once(9, 1, 2)

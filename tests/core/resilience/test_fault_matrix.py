"""Every operation of every extension point, with every fault, met by every kind of function.

The ordinary run has one kind of function for each operation and fault, the slow one all of them.

Each cell: the result is right, it is said once what is wrong and what to do, and when the fault is
gone the same Spot caches again. The faults of real places (disks, files, servers) are in
`test_fault_places.py` and `test_s3_faults.py`.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import faults
import pytest
from beautyspot.errors import BeautyspotError
from faults import CELLS, FAULTS, TESTED, Foreign
from kinds import KINDS, RAN, collected, result, work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from beautyspot.spot import Spot


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


BACKENDS: dict[str, type[Any]] = {
    "metadata": faults.FaultyStore,
    "storage": faults.FaultyStorage,
    "serializer": faults.FaultySerializer,
    "keygen": faults.FaultyKeyGen,
    "limiter": faults.FaultyLimiter,
}

QUESTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "get": lambda spot, marked: spot.explain(marked, 1),
    "find_code": lambda spot, marked: spot.mark(name="f")(marked.__wrapped__)(
        1
    ),  # knows no key yet
    "scan": lambda spot, marked: spot.invalidate_all("nothing has this name"),
    "totals": lambda spot, marked: spot.stats(),
    "metadata delete": lambda spot, marked: spot.invalidate(marked, 777),
    "storage delete": lambda spot, marked: spot.refresh(marked, 1),
    "note_invalidation": lambda spot, marked: spot.invalidate(marked, 777),
    "touch": lambda spot, marked: spot.flush(),
    "now": lambda spot, marked: spot._engine.cache.metadata.clock.measure(),
    "canonical": lambda spot, marked: spot.explain(marked, 77),
    "list": lambda spot, marked: spot.collect(),
    "whereabouts": lambda spot, marked: spot.peek(marked, 1),
}
"""How to have an operation asked for that no call comes by; also with the right to say no."""

QUIET = {
    "touch",
    "get",
    "find_code",
    "scan",
    "canonical",
    "list",
    "whereabouts",
    "close",
    "delete",
    "put_many",
    "note_invalidation",
}
"""Asked by the user, who gets the error; or there is another way that works."""

RAISING = {"scan", "list", "whereabouts", "metadata delete", "note_invalidation"}
"""Whoever asks for these gets the error; all other questions are answered as far as possible."""

NOTICED = {"save", "load", "dumps", "input_id", "reserve", "store_id", "totals", "generation"}
"""Where garbage is told from an answer, and said."""

NAMED = {"save", "store_id", "generation"}
"""Those of them of which the author is told what they returned."""


def _long(cell: tuple[str, str, str]) -> str:
    return f"{cell[0]} {cell[1]}" if cell[1] == "delete" else cell[1]


def kinds_of(number: int, cell: tuple[str, str, str], kinds: Collection[str]) -> Iterator[Any]:
    """The kinds of functions that come by a cell; all but one of them, in turn, are slow tests."""
    possible = [kind for kind in kinds if faults.possible(_long(cell), kind)]
    for kind in possible:
        ordinary = kind == possible[number % len(possible)]
        yield kind, () if ordinary else (pytest.mark.slow,)


def cells() -> list[Any]:
    tested = [cell for cell, how in CELLS.items() if how == TESTED and cell[2] != "returns garbage"]
    return [
        pytest.param(*cell, kind, marks=marks, id="-".join((*cell, kind)))
        for number, cell in enumerate(tested)
        for kind, marks in kinds_of(number, cell, KINDS)
    ]


def garbage_cells() -> list[Any]:
    tested = [
        (cell, value)
        for cell, how in CELLS.items()
        for value in faults.garbage_for(cell[1])
        if how == TESTED and cell[2] == "returns garbage"
    ]
    return [
        pytest.param(
            *cell, kind, value, marks=marks, id="-".join((*cell, kind, type(value).__name__))
        )
        for number, (cell, value) in enumerate(tested)
        for kind, marks in kinds_of(number, cell, ("sync", "async generator"))
    ]


def test_no_cell_is_empty() -> None:
    asked = {(point, operation) for point, operation, _ in CELLS}
    for point, base in faults.BASES.items():
        members = {name: what for name, what in vars(base).items() if not name.startswith("_")}
        named = {name for name, what in members.items() if callable(what) or type(what) is property}
        named -= {*faults.NO_OPERATION, *faults.TEMPLATES}
        assert named <= {operation for where, operation in asked if where == point}
    for cell, how in CELLS.items():
        assert cell[2] in FAULTS
        assert how == TESTED or len(how) > 15, f"{cell} says neither test nor reason"


class Table:
    """One Spot with one faulty backend, and a function of one kind."""

    def __init__(
        self, make_spot: Any, point: str, operation: str, kind: str, *, in_place: bool = False
    ) -> None:
        self.point = point
        self.backend = faults.QuickFaultyStore() if in_place else BACKENDS[point]()
        options: dict[str, Any] = {"metadata": "memory", "storage": "memory", point: self.backend}
        options["wait_timeout"] = 0.05  # for a lease that is never granted
        if operation == "put_many":
            options["save"] = "background"
        self.spot: Spot = make_spot(**options)
        function, self._call = KINDS[kind]
        if point == "limiter":
            function = self.spot.limiter(function)
        blob = point == "storage" or operation == "store_id"
        self.marked = self.spot.mark(name="f", save_blob=blob or None)(function)

    def __call__(self, x: Any) -> Any:
        return self._call(self.marked, x)

    def ask(self, operation: str) -> None:
        name = operation if operation in QUESTIONS else f"{self.point} {operation}"
        question = QUESTIONS.get(name)
        if question is None:
            return
        if name in RAISING:
            with pytest.raises((BeautyspotError, Foreign)):
                self._put(question)
        else:
            self._put(question)

    def _put(self, question: Callable[[Any, Any], Any]) -> None:
        answer = question(self.spot, self.marked)
        if inspect.iscoroutine(answer):
            asyncio.run(answer)
        elif hasattr(answer, "__anext__"):
            asyncio.run(collected(answer))
        elif hasattr(answer, "__next__"):
            list(answer)

    def mend(self) -> None:
        self.backend.switch.turn_off()
        self.spot._limiting.breaker.insist()
        self.spot.flush(faults.PATIENCE)


def check(
    make_spot: Any,
    caplog: Any,
    kind: str,
    cell: tuple[str, str, str],
    garbage: object = None,
    *,
    in_place: bool = False,
) -> None:
    point, operation, fault = cell
    table = Table(make_spot, point, operation, kind, in_place=in_place)
    assert table(1) == result(1)
    table.spot.flush()
    caplog.clear()
    switch = table.backend.switch
    switch.turn_on(operation, fault, garbage)
    if operation in ("open", "close"):
        check_ends(make_spot, table, operation, point)
    for x in (1, 2, 1, 2, 3):
        assert table(x) == result(x), "the result is right"
        table.ask(operation)
    saver = table.spot._engine.saver
    assert saver is None or saver.flush(faults.PATIENCE)
    assert switch.met, "the fault was met"
    check_said([record.getMessage() for record in caplog.records], operation, fault, garbage)
    check_kept(table, operation, fault, garbage)
    table.mend()
    caplog.clear()
    RAN.clear()
    for x in (9, 9, 1, 1, 2, 2):
        assert table(x) == result(x)
        table.spot.flush(faults.PATIENCE)
    again = {x: RAN.count(x) for x in (9, 1, 2)}
    assert again[9] == 1, "when the fault is gone, caching works again"
    assert max(again.values()) <= 1


def check_said(said: list[str], operation: str, fault: str, garbage: object) -> None:
    assert len(said) == len(set(said)), "each is said once"
    if fault == "returns garbage":
        assert said or operation not in NOTICED or isinstance(garbage, str), "it is noticed"
        named = any(f".{operation} returned" in text for text in said)
        assert named or operation not in NAMED or isinstance(garbage, str), "by what it is"
    elif operation not in QUIET and fault != "half written":
        assert said, "it is said"
    assert all(":" in text for text in said), "with what to do"


def check_kept(table: Table, operation: str, fault: str, garbage: object) -> None:
    if operation == "put_many":
        assert table(2) == result(2)
        assert RAN.count(2) == 1, "none of the batch is lost"
    if operation == "save" and fault != "half written" and not isinstance(garbage, str):
        assert table.spot.stats()["unsaved"] == 0, "the database keeps what the storage does not"
        assert RAN.count(2) == 1, "and it is found there"


def check_ends(make_spot: Any, table: Table, operation: str, point: str) -> None:
    """What happens at the beginning and at the end of a Spot only."""
    if operation == "open":
        other = make_spot("other", metadata=table.backend)
        assert other.mark(work)(5) == result(5)
        return
    backend = table.backend
    spot = make_spot("other", **{point: type(backend)})
    own: Any = spot._parts._owned[-1]
    own.switch = backend.switch
    spot.shutdown()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", BACKENDS)
def test_without_a_fault(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, point: str, kind: str
) -> None:
    """The control: what a cell finds is the doing of its fault."""
    table = Table(make_spot, point, "", kind)
    for x in (1, 2, 1, 2):
        assert table(x) == result(x)
        assert table.spot.flush()
    assert RAN == [1, 2]
    assert not caplog.records


@pytest.mark.parametrize(("point", "operation", "fault", "kind"), cells())
def test_cell(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    kind: str,
    point: str,
    operation: str,
    fault: str,
) -> None:
    check(make_spot, caplog, kind, (point, operation, fault))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["raises", "raises another's error"])
def test_a_look_up_in_place(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, kind: str, fault: str
) -> None:
    check(make_spot, caplog, kind, ("metadata", "find", fault), in_place=True)


@pytest.mark.parametrize("garbage", faults.garbage_for("find"))
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_garbage_of_a_look_up_in_place(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, kind: str, garbage: object
) -> None:
    check(make_spot, caplog, kind, ("metadata", "find", "returns garbage"), garbage, in_place=True)


@pytest.mark.parametrize(("point", "operation", "fault", "kind", "garbage"), garbage_cells())
def test_garbage_cell(
    make_spot: Callable[..., Spot],
    caplog: pytest.LogCaptureFixture,
    kind: str,
    garbage: object,
    point: str,
    operation: str,
    fault: str,
) -> None:
    check(make_spot, caplog, kind, (point, operation, fault), garbage)


def test_garbage_that_is_told_beside_a_lease(
    make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture
) -> None:
    check(make_spot, caplog, "sync", ("metadata", "find", "returns garbage"), ("too", "short"))

"""Random programs: nothing tells marked from unmarked but the number of executions.

A program is a list of steps: calls in every spelling, here, in threads, in tasks of one loop and in
other processes; values changed by their callers; refreshed and forgotten results; and new Spots on
the same directory. The outcome of every call is compared, as text with all types in it, with that
of the unmarked function; and at the end no call has run more often than it may.
"""

from __future__ import annotations

import array
import asyncio
import collections
import contextlib
import datetime as dt
import functools
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import beautyspot as bs
import numpy as np
import pandas as pd
import polars as pl
import programs
import pytest
from beautyspot.spot import Spot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import Request, World

UNCACHED = ("no key", "switched off", "shut down", "outside asyncio")
"""The reasons of misses of calls that run uncached."""

SEVERAL = 4
"""Threads, or tasks, that make one call at the same time."""

# -------------------------------------------------------------------------------------- the values

_zones = st.sampled_from([
    None, dt.UTC, dt.timezone(dt.timedelta(hours=1)), zoneinfo.ZoneInfo("Europe/Berlin"),
    dt.timezone(dt.timedelta(hours=1), "CET"), zoneinfo.ZoneInfo("UTC"),
])  # fmt: skip

_flat = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(2**62, 2**66), st.floats(),
    st.text(max_size=5),
    st.text(st.characters(categories=["Cs"]), max_size=2), st.binary(max_size=5),
)  # fmt: skip

_hashable = st.one_of(
    _flat,
    st.complex_numbers(), st.decimals().filter(lambda d: not d.is_snan()), st.fractions(),
    st.uuids(), st.dates(), st.timedeltas(),
    st.datetimes(timezones=_zones), st.times(),
    st.builds(range, st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from([*programs.PATHS, *programs.ADDRESSES, *programs.Colour, *programs.Number]),
    st.sampled_from([programs.Bits.A, programs.Bits.A | programs.Bits.B, programs.Word.ONE]),
    st.sampled_from([programs.Text("1"), programs.Count(1), programs.Row(1), programs.Frozen(1)]),
    st.tuples(st.integers(0, 1)), st.frozensets(st.integers(0, 2), max_size=2),
)  # fmt: skip

COLLISIONS: list[Any] = [
    1, True, 1.0, Decimal(1), Decimal("1.0"), Fraction(1), "1", b"1", complex(1),
    programs.Number.ONE,
    np.int64(1), np.int32(1), np.float64(1), np.bool_(True), np.array(1), np.array([1]),
    np.array([1.0]),
    np.array([[1]]), np.array(["1"]), programs.Count(1),
    programs.Text("1"),
    programs.Word.ONE, (1,), [1], {1}, frozenset({1}), {1: 1}, {"1": 1}, {True: 1},
    collections.deque([1]),
    collections.deque([1], 3), collections.OrderedDict({1: 1}), collections.Counter({1: 1}),
    range(1, 2),
    range(1, 3, 2), array.array("b", [1]), bytearray(b"1"), programs.Row(1), programs.Row(1, 0),
    programs.Plain(1), programs.Frozen(1), programs.Slotted(1), programs.Attrs(1),
    programs.AttrsFrozen(1),
    programs.Model(x=1), programs.OtherModel(x=1), programs.Model(x=True), programs.Object(1),
    programs.SlotObject(1), programs.Object(True), programs.Odd(1),
    Exception(1),
    types.SimpleNamespace(x=1), {"x": 1}, {"$tuple": [1]}, 0.0, -0.0, 0, False, None, "", b"", (),
    [], {},
    set(), float("nan"), Decimal("nan"), float("inf"), pd.NaT, dt.date(2020, 1, 1),
    dt.datetime(2020, 1, 1),  # noqa: DTZ001 - a naive one looks like an aware one
    "2020-01-01", dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), pd.Timestamp(2020, 1, 1),
    np.datetime64("2020-01-01"), np.datetime64("2020-01-01", "s"), dt.timedelta(1),
    np.timedelta64(1, "D"),
    pd.Series([1]), pd.Series([1.0]), pd.Series([1], name="a"), pd.DataFrame({"a": [1]}),
    pd.Index([1]),
    pd.Series([1], dtype="Int64"), pl.Series("a", [1]), pl.DataFrame({"a": [1]}),
    pl.DataFrame({"a": [1.0]}),
    Path("1"), uuid.UUID(int=1), slice(1), slice(1, None), [1, [1]], [[1], 1], [[1, 1]], [(1,)],
    ([1],),
    {"a": 1, "b": 2}, {"b": 1, "a": 2}, ..., NotImplemented, programs.Colour.RED, programs.Bits.A,
]  # fmt: skip
"""Values that look alike, or are equal, and are different arguments."""

_special = st.sampled_from(COLLISIONS)


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(inner, max_size=3)
    table = st.dictionaries(_hashable, inner, max_size=3)
    return st.one_of(
        few, few.map(tuple), table, st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.sets(_hashable, max_size=3), few.map(collections.deque),
        table.map(collections.OrderedDict),
        st.builds(programs.Plain, inner, inner),
        st.builds(programs.Attrs, inner),
        st.builds(programs.Row, inner, inner), st.builds(lambda x: programs.Model(x=x), inner),
        st.builds(lambda x: types.SimpleNamespace(x=x), inner),
        table.map(lambda items: collections.defaultdict(list, items)),
    )  # fmt: skip


_plain_values = st.recursive(st.one_of(_flat, _hashable), _grown, max_leaves=5)

_frames = st.one_of(
    st.lists(st.integers(-3, 3), max_size=3).map(lambda items: pd.DataFrame({"a": items})),
    st.lists(st.floats(), max_size=3).map(lambda items: pd.Series(items, name="x")),
    st.lists(st.integers(-3, 3), max_size=3).map(lambda items: pl.DataFrame({"a": items})),
    st.lists(st.integers(-3, 3), max_size=4).map(lambda items: np.array(items, dtype="i2")),
    st.lists(st.floats(width=32), max_size=4).map(lambda items: np.array(items, dtype="f4")),
)

STORABLE = [
    value
    for value in COLLISIONS
    if type(value)
    not in (array.array, programs.Object, programs.SlotObject, Exception, type(pd.NaT))
]

results = st.one_of(_plain_values, _frames, st.sampled_from(STORABLE))
arguments = st.one_of(
    _special, _special, _flat, _plain_values, _frames, st.builds(programs.Lazy, _flat),
    st.sampled_from(sorted(programs.CALLABLES)).map(programs.Ref),
)  # fmt: skip

FAMILIES: list[list[Any]] = [
    [1, True, 1.0],
    [0, False, 0.0, -0.0, None, ""],
    [1, "1", b"1", Decimal(1), Fraction(1), complex(1), programs.Number.ONE, programs.Count(1)],
    [1, np.int64(1), np.int32(1), np.float64(1), np.array(1), np.array([1]), np.array([[1]])],
    ["1", programs.Text("1"), programs.Word.ONE, b"1", bytearray(b"1")],
    [(1,), [1], {1}, frozenset({1}), programs.Row(1), range(1, 2)],
    [[1], collections.deque([1]), collections.deque([1], 3), array.array("b", [1]), np.array([1])],
    [{1: 1}, {"1": 1}, {True: 1}, collections.OrderedDict({1: 1}), collections.Counter({1: 1})],
    [{"x": 1}, types.SimpleNamespace(x=1), programs.Object(1), programs.SlotObject(1)],
    [programs.Object(1), programs.Object(2), programs.Object(True), programs.Object([1])],
    [programs.SlotObject(1), programs.SlotObject(2), programs.SlotObject(1.0)],
    [programs.Plain(1), programs.Frozen(1), programs.Slotted(1), programs.Row(1, 0)],
    [programs.Attrs(1), programs.AttrsFrozen(1), programs.Model(x=1), programs.OtherModel(x=1)],
    [[1, [1]], [[1], 1], [[1, 1]], [(1,)], ([1],), [[(1,)]]],
    [pd.Series([1]), pd.Series([1.0]), pd.Series([1], name="a"), pd.Index([1])],
    [pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), pl.DataFrame({"a": [1]})],
    [
        programs.Lazy(1),
        programs.Lazy(1),
        programs.Lazy(2),
    ],
    [programs.Open(), programs.Open(x=1), programs.Open(_y=1), programs.Open().with_private(1)],
    [collections.OrderedDict(a=1, b=2), programs.moved(a=1, b=2), programs.moved(b=2, a=1)],
    [np.ma.array([1], mask=[0]), np.ma.array([1], mask=[1]), np.ma.array([1], fill_value=2)],
    [
        pd.Series(
            pd.DatetimeIndex(["2024"], tz=dt.timezone(dt.timedelta(hours=hours), "of one name"))
        )
        for hours in (1, 2)
    ],
    *[[programs.Ref(name) for name in names] for names in programs.families()],
]
"""Arguments that a careless key would take for each other."""

pools = st.one_of(
    st.sampled_from(FAMILIES).flatmap(
        lambda family: st.lists(st.sampled_from(family), min_size=2, max_size=3, unique_by=id)
    ),
    st.lists(arguments, min_size=2, max_size=4),
)

# ------------------------------------------------------------------------------------ the programs


@dataclass(frozen=True)
class Call:
    """Make one call, in a place, and change what it gave."""

    request: Request
    place: str


@dataclass(frozen=True)
class Refresh:
    request: Request


@dataclass(frozen=True)
class Forget:
    request: Request


@dataclass(frozen=True)
class Peek:
    request: Request


@dataclass(frozen=True)
class Restart:
    options: dict[str, Any]
    observed: bool


PLACES = ("here", "here", "here", "here", "threads", "tasks", "process", "processes and threads")
SPELLINGS: tuple[Callable[[Any, Any], tuple[tuple[Any, ...], dict[str, Any]]], ...] = (
    lambda a, _: ((a,), {}),
    lambda a, _: ((a, 2), {}),
    lambda a, _: ((), {"a": a}),
    lambda a, b: ((a, b), {}),
    lambda a, b: ((a,), {"b": b}),
    lambda a, b: ((), {"b": b, "a": a}),
    lambda a, b: ((a, b, a), {}),
    lambda a, b: ((a,), {"c": b}),
    lambda a, b: ((a,), {"c": (3,), "d": b}),
    lambda a, b: ((b,), {"self": a, "x": b}),
    lambda a, b: ((a,), {"call": b, "bind": a}),
)


@st.composite
def requests(draw: st.DrawFn, kinds: list[str], pool: list[Any], spellings: list[int]) -> Request:
    kind = draw(st.sampled_from(kinds))
    pick = st.sampled_from(pool)
    args, kwargs = SPELLINGS[draw(st.sampled_from(spellings))](draw(pick), draw(pick))
    return Request(kind, None if kind in programs.STATELESS else draw(pick), args, kwargs)


@st.composite
def whole_programs(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    """The table of results, and the steps."""
    table = draw(st.lists(results, min_size=1, max_size=3))
    kinds = draw(st.lists(st.sampled_from(sorted(programs.KINDS)), min_size=1, max_size=2))
    pool = draw(pools)
    # Few kinds and spellings a program: calls that differ in one argument alone are what collides.
    spellings = draw(st.lists(st.integers(0, len(SPELLINGS) - 1), min_size=1, max_size=2))
    request = requests(kinds, pool, spellings)
    options = st.fixed_dictionaries({
        "save": st.sampled_from(["sync", "background"]),
        "blob_threshold": st.sampled_from([2**20, 10]),
    })  # fmt: skip
    call = st.builds(Call, request, st.sampled_from(PLACES))
    steps = st.one_of(
        call, call, call, call, st.builds(Refresh, request), st.builds(Forget, request),
        st.builds(Peek, request), st.builds(Restart, options, st.booleans()),
    )  # fmt: skip
    return table, draw(st.lists(steps, min_size=6, max_size=16))


# ----------------------------------------------------------------------------- the other processes


class Process:
    """A process that makes calls, kept for many programs."""

    def __init__(self, seed: int) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONHASHSEED": str(seed),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import programs; programs.serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
        )  # fmt: skip

    def send(self, *order: Any) -> None:
        assert self._process.stdin is not None
        pickle.dump(order, self._process.stdin)
        self._process.stdin.flush()

    def receive(self) -> Any:
        assert self._process.stdout is not None
        return pickle.load(self._process.stdout)

    def ask(self, *order: Any) -> Any:
        self.send(*order)
        return self.receive()

    def stop(self) -> None:
        self.send("stop")
        self._process.wait(30)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def processes(request: pytest.FixtureRequest) -> Iterator[list[Process]]:
    """Two for hundreds of programs; a second one for a few takes a second to import all."""
    few = request.node.get_closest_marker("slow") is None
    started = [Process(seed) for seed in ((1,) if few else (1, 2))]
    yield started
    for process in started:
        process.stop()


# ------------------------------------------------------------------------------------ the machine


class Watch:
    """Observes a Spot, and compares what it was told with what the Spot counts."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.begun = self.ended = 0

    def observe(self, event: bs.Event) -> None:
        self.events.append(event)

    @contextlib.contextmanager
    def execution(self, execution: bs.Execution) -> Iterator[None]:
        self.begun += 1
        yield
        self.ended += 1

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    def check(self, spot: Spot) -> None:
        stats = spot.stats()
        if not self.events:
            return
        uncached = [event for event in self.of(bs.Miss) if event.reason in UNCACHED]
        misses = len(self.of(bs.Miss)) - len(uncached)
        failed = [event for event in self.of(bs.Raised) if event.operation == "run"]
        assert len(self.of(bs.Hit)) == stats["hits"]
        assert (misses, len(uncached)) == (stats["misses"], stats["bypassed"])
        assert len(self.of(bs.Ran)) == self.ended
        assert len(self.of(bs.Ran)) + len(failed) == self.begun
        assert misses <= self.begun <= misses + len(uncached)  # a strict Spot raises in their place
        assert sum(event.saved for event in self.of(bs.Hit)) == pytest.approx(
            stats["seconds_saved"]
        )


class Machine:
    """Runs one program, and knows what is allowed."""

    def __init__(self, directory: str, table: list[Any], processes: list[Process]) -> None:
        self.directory = directory
        self.processes = processes
        self.log = str(Path(directory, "log"))
        self.scratch = str(Path(directory, "scratch"))
        World.table, World.log = table, None
        self.allowed: collections.Counter[str] = collections.Counter()
        self.unlimited: set[str] = set()
        self.stored: set[tuple[str, ...]] = set()
        self.watch = Watch()
        self.spot: Spot = programs.open_spot(directory, observers=[self.watch])
        self.kept: dict[str, Any] = {}  # marked functions, as a module keeps them
        for process in processes:
            process.ask("open", directory, {}, table, self.log)

    def close(self) -> None:
        World.log = None
        self.spot.shutdown()
        self.watch.check(self.spot)
        for process in self.processes:
            process.ask("close")

    def lines(self, path: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return Path(path).read_text().splitlines()
        return []

    def expected(self, request: Request) -> tuple[str, list[str]]:
        """The outcome of the unmarked function, and what it notes of its execution."""
        Path(self.scratch).unlink(missing_ok=True)
        World.log = self.scratch
        text = programs.outcome(lambda: request.call(lambda function: function))
        World.log = self.log
        return text, self.lines(self.scratch)

    def name(self, request: Request, lines: list[str]) -> tuple[str, ...]:
        """What makes a call one call."""
        spelled = request.kind in programs.AS_SPELLED
        more = (str(len(request.args)), programs.describe(request.kwargs)) if spelled else ()
        return (request.kind, programs.describe(programs.resolve(request.state)), *lines, *more)

    def allow(self, request: Request, *, times: int = 1, again: bool = False) -> str:
        """Let a call run, if it is new; the outcome that it must have."""
        text, lines = self.expected(request)
        name = self.name(request, lines)
        if text.startswith("raised"):
            self.unlimited.update(lines)
        elif again or name not in self.stored:
            self.stored.add(name)
            self.allowed.update(lines * (times if request.kind in programs.STREAMS else 1))
        return text

    def give(self, request: Request) -> Callable[[], Any]:
        return functools.partial(request.call, self.spot.mark, self.kept)

    # ------------------------------------------------------------------------------- the steps

    def call(self, step: Call) -> None:
        expected = self.allow(step.request, times=SEVERAL + len(self.processes))
        for text in getattr(self, step.place.replace(" ", "_"))(step.request):
            assert text == expected, f"{step.place}: {step.request}"

    def here(self, request: Request) -> list[str]:
        return [programs.outcome(self.give(request), spoil=True)]

    def threads(self, request: Request) -> list[str]:
        with ThreadPoolExecutor(SEVERAL) as pool:
            jobs = [
                pool.submit(programs.outcome, self.give(request), spoil=True)
                for _ in range(SEVERAL)
            ]
            return [job.result(60) for job in jobs]

    def tasks(self, request: Request) -> list[str]:
        if request.kind not in programs.ASYNC:
            return self.here(request)

        async def several() -> list[str]:
            return await programs.awaited([self.give(request)() for _ in range(SEVERAL)])

        return asyncio.run(several())

    def _store_streams(self, request: Request) -> None:
        """A stream has no single flight: another process sees it once it is committed."""
        if request.kind in programs.STREAMS:
            self.spot.flush()

    def process(self, request: Request) -> list[str]:
        self._store_streams(request)
        return [self.processes[0].ask("call", request)]

    def processes_and_threads(self, request: Request) -> list[str]:
        self._store_streams(request)
        for process in self.processes:
            process.send("call", request)
        texts = self.threads(request)
        return texts + [process.receive() for process in self.processes]

    def refresh(self, step: Refresh) -> None:
        expected = self.allow(step.request, again=True)
        function, args, kwargs = step.request.make(self.spot.mark, self.kept)
        if isinstance(function, functools.partial):  # how the kinds bind a method
            function, args = function.func, (*function.args, *args)
        text = programs.outcome(lambda: self.spot.refresh(function, *args, **kwargs), spoil=True)
        if not (text.endswith("TypeError") and expected.endswith("TypeError")):  # in other words
            assert text == expected, f"refresh: {step.request}"

    def forget(self, step: Forget) -> None:
        _, lines = self.expected(step.request)
        with contextlib.suppress(TypeError):  # arguments that don't fit
            self._ask(self.spot.invalidate, step.request)
        self.stored.discard(self.name(step.request, lines))
        # Functions under several decorators may share a result, which is gone for all of them.
        self.stored = {name for name in self.stored if not set(lines) & set(name)}

    def peek(self, step: Peek) -> None:
        expected, _ = self.expected(step.request)
        try:
            found = self._ask(self.spot.peek, step.request)
        except TypeError:
            return
        if found is not None:
            assert f"gave {programs.describe(found.value)}" == expected, f"peek: {step.request}"

    def _ask(self, question: Callable[..., Any], request: Request) -> Any:
        function, args, kwargs = request.make(self.spot.mark, self.kept)
        if isinstance(function, functools.partial):
            function, args = function.func, (*function.args, *args)
        return question(function, *args, **kwargs)

    def restart(self, step: Restart) -> None:
        self.spot.shutdown()
        self.watch.check(self.spot)
        self.watch = Watch()
        observers = [self.watch] if step.observed else []
        self.spot = programs.open_spot(self.directory, observers=observers, **step.options)
        self.kept.clear()

    def run(self, steps: list[Any]) -> None:
        for step in steps:
            getattr(self, type(step).__name__.lower())(step)
        ran = collections.Counter(self.lines(self.log))
        often = {
            line: (count, self.allowed[line])
            for line, count in ran.items()
            if line not in self.unlimited and count > self.allowed[line]
        }
        assert not often, f"ran more often than allowed: {often}"


def check(program: tuple[list[Any], list[Any]], processes: list[Process]) -> None:
    """Run a program; it leaves nothing behind."""
    table, steps = program
    directory = tempfile.mkdtemp()
    machine = Machine(directory, table, processes)
    try:
        machine.run(steps)
    finally:
        machine.close()
        shutil.rmtree(directory, ignore_errors=True)


_settings = functools.partial(
    settings, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


@_settings(max_examples=6)
@given(program=whole_programs())
def test_nothing_tells_marked_from_unmarked(
    program: tuple[list[Any], list[Any]], processes: list[Process]
) -> None:
    check(program, processes)


@pytest.mark.parametrize(
    "kind",
    [
        *("function", "coroutine", "closure"),
        *(
            pytest.param(k, marks=pytest.mark.slow)
            for k in ("positional only", "generator", "object")
        ),
    ],
)
def test_look_alikes_are_never_taken_for_each_other(kind: str, tmp_path: Path) -> None:
    """Each family, as arguments and as what a function holds, by functions kept and new."""
    World.table, World.log = [None], None
    with programs.open_spot(str(tmp_path)) as spot:
        for family in [*FAMILIES, COLLISIONS]:
            calls = [Request(kind, None, (value,), {}) for value in family]
            if kind not in programs.STATELESS:
                calls += [Request(kind, value, (0,), {}) for value in family]
            kept: dict[str, Any] = {}
            for request in calls * 2:
                expected = programs.outcome(lambda: request.call(lambda function: function))  # noqa: B023
                for known in (kept, None):
                    give = functools.partial(request.call, spot.mark, known)
                    assert programs.outcome(give) == expected, request


@pytest.mark.slow
@_settings(max_examples=int(os.environ.get("PROGRAMS", "250")))  # 5000 take minutes
@given(program=whole_programs())
def test_nothing_tells_marked_from_unmarked_in_hundreds_of_programs(
    program: tuple[list[Any], list[Any]], processes: list[Process]
) -> None:
    check(program, processes)

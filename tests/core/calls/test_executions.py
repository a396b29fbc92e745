"""Observers that wrap executions: what the function sees of them, and what its callers do not."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import beautyspot as bs
import kinds
import pytest

KINDS = pytest.mark.parametrize("kind", kinds.KINDS)

span: contextvars.ContextVar[str] = contextvars.ContextVar("span", default="none")
seen: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    seen.clear()


class Spans:
    """Wraps executions in spans, as a tracer does."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.executions: list[bs.Execution] = []

    @contextmanager
    def execution(self, execution: bs.Execution) -> Iterator[None]:
        self.executions.append(execution)
        token = span.set(f"{span.get()}/{execution.function.rpartition('.')[2]}")
        self.log.append("begun")
        try:
            yield
            self.log.append("ended")
        except BaseException as error:
            self.log.append(type(error).__name__)
            raise
        finally:
            span.reset(token)


@pytest.fixture
def make_spot(make_spot: Callable[..., bs.Spot]) -> Callable[..., bs.Spot]:
    """In memory, where nothing else is asked for: what is told does not depend on the store."""
    return partial(make_spot, metadata="memory", storage="memory")


@pytest.fixture
def spans() -> Spans:
    return Spans()


def look(x: Any) -> Any:
    seen.append(span.get())
    if x == "raise":
        raise ValueError(x)
    return x


def plain(x: Any) -> Any:
    return look(x)


async def later(x: Any) -> Any:
    look(x)
    await asyncio.sleep(0)
    return look(x)


def stream(x: Any) -> Iterator[Any]:
    yield look(x)
    yield look(x)


async def stream_later(x: Any) -> AsyncIterator[Any]:
    yield look(x)
    await asyncio.sleep(0)
    yield look(x)


def run(kind: str, marked: Any, x: Any) -> Any:
    """Call it, and see in between that the caller sees nothing."""
    if kind == "sync":
        result = marked(x)
        assert span.get() == "outer"
        return result
    if kind == "generator":
        items = []
        for item in marked(x):
            assert span.get() == "outer"
            items.append(item)
        return items

    async def main() -> Any:
        if kind == "async":
            return await marked(x)
        items = []
        async for item in marked(x):
            assert span.get() == "outer"
            items.append(item)
        return items

    return asyncio.run(main())


FUNCTIONS: dict[str, Any] = {
    "sync": plain,
    "async": later,
    "generator": stream,
    "async generator": stream_later,
}

STATES = pytest.mark.parametrize("state", ["normal", "readonly", "switched off"])


@KINDS
@STATES
def test_the_function_runs_in_the_span_and_its_caller_outside(
    make_spot: Callable[..., bs.Spot], spans: Spans, kind: str, state: str
) -> None:
    options: dict[str, Any] = {"readonly": {"mode": "readonly"}, "switched off": {"enabled": False}}
    spot = make_spot(observers=[spans], **options.get(state, {}))
    function = FUNCTIONS[kind]
    marked = spot.mark(function)
    token = span.set("outer")
    try:
        result = run(kind, marked, 1)
        assert span.get() == "outer"
    finally:
        span.reset(token)
    assert result == ([1, 1] if "generator" in kind else 1)
    within = f"outer/{__name__.rpartition('.')[2]}:{function.__name__}"
    assert {*seen} == {"outer" if "generator" in kind else within}
    assert spans.log == ["begun", "ended"]
    (execution,) = spans.executions
    key = "" if state == "switched off" else spot.key(function, 1)
    kind_name = {"sync": "function", "async": "coroutine"}.get(kind, kind)
    reason = "switched off" if state == "switched off" else "not stored"
    assert execution == ("app", execution.function, key, kind_name, reason)


@KINDS
def test_a_hit_is_not_wrapped(make_spot: Callable[..., bs.Spot], spans: Spans, kind: str) -> None:
    _, call = kinds.KINDS[kind]
    marked = make_spot(observers=[spans]).mark(FUNCTIONS[kind])
    assert call(marked, 1) == call(marked, 1) == 1
    assert spans.log == ["begun", "ended"]


@KINDS
@STATES
def test_the_span_is_told_what_the_function_raises(
    make_spot: Callable[..., bs.Spot], spans: Spans, kind: str, state: str
) -> None:
    _, call = kinds.KINDS[kind]
    options: dict[str, Any] = {"readonly": {"mode": "readonly"}, "switched off": {"enabled": False}}
    marked = make_spot(observers=[spans], **options.get(state, {})).mark(FUNCTIONS[kind])
    with pytest.raises(ValueError, match="raise"):
        call(marked, "raise")
    assert spans.log == ["begun", "ValueError"]
    assert span.get() == "none"


class Broken:
    """Wraps executions, and fails at it."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.asked = 0

    def execution(self, execution: bs.Execution) -> Any:
        self.asked += 1
        if self.at == "execution":
            raise RuntimeError("its own fault")
        return 1 if self.at == "no context" else self

    def __enter__(self) -> None:
        if self.at == "enter":
            raise RuntimeError("its own fault")

    def __exit__(self, *_: object) -> bool:
        if self.at == "exit":
            raise RuntimeError("its own fault")
        return True  # which would swallow what the function raises


@KINDS
@pytest.mark.parametrize("at", ["execution", "no context", "enter", "exit"])
def test_one_that_fails_is_left_out_and_the_function_runs_once(
    make_spot: Callable[..., bs.Spot],
    spans: Spans,
    kind: str,
    at: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, call = kinds.KINDS[kind]
    broken, count = Broken(at), 1 if kind == "sync" else 2
    marked = make_spot(observers=[broken, spans, broken]).mark(FUNCTIONS[kind])
    assert call(marked, 1) == 1
    assert len(seen) == count
    with pytest.raises(ValueError, match="raise"):
        call(marked, "raise")
    assert broken.asked == 2  # it was given twice
    assert spans.log == ["begun", "ended", "begun", "ValueError"]
    assert [record.message.partition(" raised ")[0] for record in caplog.records] == [
        "app: the observer Broken",
        "app: the observer Broken",
    ]


# --------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("enabled", [True, False])
def test_a_stream_that_is_broken_off_ends_its_span(
    make_spot: Callable[..., bs.Spot], spans: Spans, enabled: bool
) -> None:
    events: list[Any] = []
    marked = make_spot(observers=[spans, events.append], enabled=enabled).mark(stream)
    items = marked(1)
    assert next(items) == 1
    items.close()
    assert spans.log == ["begun", "GeneratorExit"]
    assert (events[-1].operation, events[-1].error) == ("run", "GeneratorExit")

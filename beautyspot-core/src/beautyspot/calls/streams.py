"""Generators: a stream is passed on live, item by item, and stored at its end.

Callers that ask for one stream at once share one run of it, in whatever threads they are: see
`recording`. What a consumer sends or throws concerns it alone: it goes on with a generator of its
own, unless it is the only one.
"""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.flow import answer, not_stored
from beautyspot.calls.joining import begin_alone, joining, opened
from beautyspot.calls.recording import EndOfStream, PullStep, StartOver
from beautyspot.calls.steps import Outcome, drive
from beautyspot.concurrency import single_flight
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Executor

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.recording import Consumer, Flow, Resume
    from beautyspot.tasks.task import Call

NEXT: Final[Resume] = methodcaller("send", None)


def generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    """A marked generator: the stored items, or the user's own generator.

    A consumer that sends or throws something into stored items gets the user's own after all.

    Raises:
        CacheMissError: the mode forbids running the function.
    """
    returned = False
    try:
        value = yield from _generate(engine, call)
        returned = True
        return value
    finally:
        engine.last_calls.note(call, returned=returned)


def _generate(engine: Engine, call: Call) -> Generator[Any, Any, Any]:
    seen = engine.streams.ended
    items = answer(engine, call, in_place=False)
    if items is MISSING and not is_recorded(engine, call):
        engine.last_calls.note(call)
        return (yield from _live(opened(engine, call), NEXT))
    joins = items is MISSING
    consumer = drive(joining(engine, call, None, seen)) if joins else None
    if joins and consumer is None:
        return (yield from _generate(engine, call))  # another caller has stored it since
    engine.last_calls.note(call)
    while consumer is not None:
        try:
            return (yield from _shared(consumer, call))
        except StartOver as error:
            consumer = drive(starting_over(engine, call, None, error))
    return (yield from _replayed(engine, call, items))


def is_recorded(engine: Engine, call: Call) -> bool:
    """Whether a call that found nothing stored is counted, and, by its mode, stored and shared.

    Raises:
        CacheMissError: the mode forbids running the function.
    """
    if call.mode == "replay":
        raise not_stored(engine, call)
    return bool(call.key)


def starting_over(engine: Engine, call: Call, place: object, error: StartOver) -> Flow:
    """The flow to another run, for a consumer that its first run could give nothing."""
    if error.alone:
        return Outcome(begin_alone(engine, call))
    return (yield from joining(engine, call, place, engine.streams.ended))


def _replayed(engine: Engine, call: Call, items: list[Any]) -> Generator[Any, Any, Any]:
    for count, item in enumerate(items[:-1], 1):
        try:
            sent = yield item
        except Exception as error:  # any other one ends this here: no function runs to be told
            return (yield from _from_item(engine, call, count, methodcaller("throw", error)))
        if sent is not None:
            return (yield from _from_item(engine, call, count, methodcaller("send", sent)))
    return items[-1]


def _shared(consumer: Consumer, call: Call) -> Generator[Any, Any, Any]:
    resume = NEXT
    try:
        while resume is NEXT or consumer.recording.is_only_for(consumer):
            try:
                item = drive(consumer.take(resume, Pull))
            except EndOfStream as end:
                return end.value
            finally:
                resume = NEXT  # an error in it refers to this frame: a cycle for the collector
            resume = yield from _handed_on(item)
            del item
    finally:
        if consumer.recording.leave(consumer) and consumer.recording.source is not None:
            consumer.recording.source.close()
    engine = consumer.recording.engine
    return (yield from _from_item(engine, call, consumer.position, resume))


def _from_item(engine: Engine, call: Call, count: int, resume: Resume) -> Generator[Any, Any, Any]:
    """The user's own generator, from the item of that number on."""
    source = opened(engine, call)
    for _ in range(count):
        next(source)
    return (yield from _live(source, resume))


def _live(source: Generator[Any, Any, Any], resume: Resume) -> Generator[Any, Any, Any]:
    try:
        while True:
            try:
                item = resume(source)
            except StopIteration as end:
                return end.value
            finally:
                del resume  # as above
            resume = yield from _handed_on(item)
    finally:
        source.close()


def _handed_on(item: Any) -> Generator[Any, Any, Resume]:
    """Yield an item; how its consumer goes on."""
    try:
        sent = yield item
    except GeneratorExit:
        raise
    except BaseException as error:
        return methodcaller("throw", error)
    return NEXT if sent is None else methodcaller("send", sent)


class Pull(PullStep):
    """The step that runs a plain generator to its next item, in this thread."""

    __slots__ = ()

    def perform(self) -> None:
        """Run it, record the item, and wake those that wait for it."""
        recording, flight, result = self._recording, self._flight, None
        try:
            single_flight.take_part(flight)
            result = self._result()
        except BaseException:
            recording.break_off()
            raise
        finally:
            single_flight.part(flight)
            recording.arrive(flight, result)
            del self._flight, flight, result  # an error in it refers to this frame: a cycle

    def _result(self) -> Outcome:
        recording = self._recording
        recording.run()
        try:
            try:
                item = self._resume(recording.open())
            finally:
                recording.rest()
        except StopIteration as end:
            recording.end(end.value).perform()
            return Outcome(error=EndOfStream(end.value))
        except Exception as error:
            return recording.fail(error)
        return recording.add(item)

    async def perform_async(self, executor: Callable[[], Executor]) -> None:
        """No event loop runs a plain generator."""
        raise NotImplementedError

"""`on_cancel="finish"`: an execution goes on, and is stored, though the task that called is gone.

The flow of a miss runs in a task of its own, in a copy of the caller's context. The caller waits
for it, and is cancelled alone. What waits for another run by then, or for the lease, ends with it.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.calls.steps import Outcome, drive_async
from beautyspot.messages import error_shown

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.tasks.task import Call


async def finish(engine: Engine, call: Call, flow: Generator[Step, Any, Outcome]) -> Any:
    """Perform the flow of a call, to its end also where the caller is cancelled."""
    import asyncio

    task = engine.behind.start(_outcome(engine, flow))
    waits = True
    try:
        await asyncio.wait([task])
        waits = False
    finally:  # an interrupted caller takes this way, in whatever manner
        if waits:
            _leave(engine, call, task)
    try:
        return task.result().unwrap()
    finally:
        del task  # what it raised refers to this frame: a cycle for the collector


async def _outcome(engine: Engine, flow: Generator[Step, Any, Outcome]) -> Outcome:
    """What the flow came to: an error as a value, which asyncio does not miss anybody for."""
    try:
        return Outcome(await drive_async(flow, engine.executor))
    except Exception as error:
        return Outcome(error=error)


def _leave(engine: Engine, call: Call, task: asyncio.Task[Outcome]) -> None:
    """Let the execution go on alone; stop what has not begun, which has cost nothing."""
    with suppress(RuntimeError):  # the event loop is closed
        if call.began_at is None:
            task.cancel()
        else:
            call.alone = True
            task.add_done_callback(partial(_tell, engine, call))


def _tell(engine: Engine, call: Call, task: asyncio.Task[Outcome]) -> None:
    """Say what the function raised: its caller is gone."""
    if task.cancelled() or task.exception() is not None:
        return
    error = task.result().error
    if not call.task.is_failure(error):
        return
    name, shown = call.task.func_identifier, error_shown(error)
    engine.reporter.tell(
        f"left {name}",
        f'{name} raised {shown} after its caller had been cancelled (on_cancel="finish"): nothing '
        "is stored, and the next call runs it again",
    )

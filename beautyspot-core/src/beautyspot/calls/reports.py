"""What people are told of a call: why it runs uncached, or is not stored, and what mends that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.concurrency import waiting
from beautyspot.errors import UnstableKeyError
from beautyspot.logs import logger
from beautyspot.messages import error_shown

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Outcome
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.telling import Watch


def report_no_key(engine: Engine, call: Call, error: Exception) -> None:
    """Report why a call has no key and runs uncached, and what would mend it."""
    engine.bypass(call, "no key")
    if isinstance(error, TypeError) and not call.task.fits(call):
        return  # the function itself tells its caller what is wrong with the arguments
    advice = "The call runs uncached: mend what makes the key, such as a function given as key="
    if isinstance(error, UnstableKeyError):
        advice = f"The call runs uncached; {call.task.addressing.advice(call, error)}"
    engine.reporter.report("make a key", call.task.func_identifier, error, advice)


def warn_inactive(engine: Engine, call: Call) -> None:
    """Count a call that runs uncached; after `shutdown`, warn once."""
    engine.bypass(call, "shut down" if engine.closed else "switched off")
    if engine.closed:
        engine.reporter.once(
            "closed",
            "was shut down: its functions run uncached from now on: make a new Spot to cache",
        )


def warn_outside_asyncio(engine: Engine, call: Call) -> None:
    """Warn once that calls outside of asyncio run uncached."""
    if not engine.active or not call.key:
        return  # it runs uncached for another reason
    engine.bypass(call, "outside asyncio")
    engine.reporter.once(
        "outside asyncio",
        f"{call.task.func_identifier} is called outside of asyncio, as by Trio, and so runs "
        f"uncached, as all asynchronous functions there: {waiting.REMEDY}",
    )


def report_no_lease(engine: Engine, call: Call, error: Exception) -> None:
    """Report that the store gave no lease."""
    advice = "The call goes on, and another process may compute the same result"
    engine.reporter.report("take a lease", call.task.func_identifier, error, advice)


def tell_of_wait(engine: Engine, call: Call, flight: Flight | None, waited: float) -> None:
    """Say for what a call has waited so many seconds.

    Args:
        engine: of the Spot.
        call: the one that waits.
        flight: of another call of this process; None where one of another process makes the result.
        waited: seconds.
    """
    holder = "another process, or another Spot of this one"
    if flight is not None:
        holder = "another call of this process"
    name = call.task.func_identifier
    engine.reporter.tell(
        f"waits {name}",
        f"{name} has waited {waited:.0f} s for {holder}, which makes the same call (key "
        f"{call.key}), and gets its result when that is there. After wait_timeout "
        f"({engine.wait_timeout:.0f} s) it runs on its own. If the other one can't go on before "
        "this one does, release the lock that it needs (or whatever else it waits for) before the "
        "call, or lower wait_timeout=; faulthandler.dump_traceback() shows where each thread is",
        loud=waited >= waiting.LONG,
    )


def refuse_if_changed(engine: Engine, watch: Watch | None, *calls: Call) -> bool:
    """Refuse to store calls whose run changed what their keys are made of; True where it did.

    A warning says so once for each function and attribute. What can't be compared has changed.
    """
    if watch is None:
        return False
    addressing, name = calls[0].task.addressing, calls[0].task.func_identifier
    moved = (
        f"an argument of {name} was changed while the call was under way, so its result is not "
        "stored: pass a copy"
    )
    try:
        changes = {"": moved} if watch.has_moved else addressing.changes(watch)
        if not changes:
            return False
    except Exception as error:
        engine.reporter.report("compare the key", name, error, "The result is not stored")
        changes = {}
    _refuse_changed(engine, changes, *calls)
    return True


def refuse_mixed(engine: Engine, *calls: Call) -> None:
    """Store no result of these items, since the function changed the list that it was given."""
    task, each = calls[0].task, str(calls[0].task.options.each)
    told = (
        f"{task.func_identifier} changed the list {each!r} while it ran, so nothing says which "
        "result is that of which item: not stored; it will run and cost again. Work on a copy: "
        f"`{each} = list({each})`"
    )
    _refuse_changed(engine, {each: told}, *calls)


def _refuse_changed(engine: Engine, changes: dict[str, str], *calls: Call) -> None:
    name = calls[0].task.func_identifier
    for path, told in changes.items():
        engine.reporter.once(f"changed {name} {path}", told)
        engine.reporter.keep_reason(name, told)
    for call in calls:
        call.changed = True
        engine.counting.changed += 1
        engine.refuse(call, "changed argument")


def warn_stale(engine: Engine, call: Call, outcome: Outcome) -> None:
    """Warn that an expired result is returned in place of an error."""
    logger.warning(
        "%s: %s raised %s: its expired result is returned instead (stale_on_error=True)",
        engine.reporter.spot,
        call.task.func_identifier,
        error_shown(outcome.error),
    )

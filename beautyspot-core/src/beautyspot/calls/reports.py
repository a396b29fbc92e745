"""What people are told of a call: why it runs uncached, or is not stored, and what mends that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.concurrency.waiting import REMEDY
from beautyspot.errors import BeautyspotError, ConfigError, UnstableKeyError
from beautyspot.logs import logger
from beautyspot.messages import error_shown

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Outcome
    from beautyspot.tasks.task import Call
    from beautyspot.tasks.watching import Watch


def report_no_key(engine: Engine, call: Call, error: Exception) -> None:
    """Report why a call has no key and runs uncached, and what would mend it."""
    engine.bypass(call, "no key")
    ours = isinstance(error, BeautyspotError)
    if isinstance(error, TypeError) and not ours and not call.task.fits(call):
        return  # the function itself tells its caller what is wrong with the arguments
    given = call.task.options.key
    own = not ours and given is not None and not isinstance(given, str)
    what = "the function given as key=" if own else "what makes the key"
    advice = f"The call runs uncached: mend {what}"
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
        f"uncached, as all asynchronous functions there: {REMEDY}",
    )


def warn_moved(engine: Engine, call: Call) -> None:
    """Warn once that a result is not stored, since it belongs to more than one key."""
    engine.refuse(call, "changed argument")
    name = call.task.func_identifier
    advice = "pass a copy, or leave out with mark(ignore=) what changes no result"
    engine.reporter.keep_reason(name, f"an argument was changed during the call: {advice}")
    engine.reporter.once(
        f"moved {name}",
        f"an argument of {name} was changed while the call was under way, so its result is not "
        f"stored: {advice}",
    )


def has_new_version(engine: Engine, call: Call) -> bool:
    """Whether a call has another key by now, since `version="auto"` follows what was changed.

    A warning says so once.
    """
    if not call.task.addressing.has_new_version(call):
        return False
    name = call.task.func_identifier
    engine.reporter.once(
        f"new version {name}",
        f'what version="auto" of {name} follows was changed by other code while the program runs, '
        "such as a global that it reads: its calls have another version from now on, and a call "
        "that was made before may be a hit of the earlier one. Pass what changes as an argument",
    )
    return True


def warn_stale(engine: Engine, call: Call, outcome: Outcome) -> None:
    """Warn that an expired result is returned in place of an error."""
    logger.warning(
        "%s: %s raised %s: its expired result is returned instead (stale_on_error=True)",
        engine.reporter.spot,
        call.task.func_identifier,
        error_shown(outcome.error),
    )


def warn_unstorable(engine: Engine, call: Call) -> None:
    """Say what the annotation tells before the function runs, which may cost money each time.

    Not when it is marked: its class may be registered below it.
    """
    why, name = call.task.form.refusal, call.task.func_identifier
    if why:
        told = f"{name} returns what can't be stored: {why}. It runs each time it is called"
        engine.reporter.once(f"unstorable {name}", told)


def tell_of_key(engine: Engine, call: Call, watch: Watch) -> None:
    """Say once what the call did to its own key, and what `ignore=` leaves out in vain."""
    addressing, name = call.task.addressing, call.task.func_identifier
    changed, nothing = addressing.say_changed(watch), addressing.ignores_nothing(call)
    if changed is not None:
        engine.reporter.once(f"changing {name}", f"{name}: {changed}")
    if nothing is not None:
        error = ConfigError(nothing)
        engine.reporter.report("leave out a part of the key", name, error, "Correct it")

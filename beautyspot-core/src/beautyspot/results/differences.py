"""What tells two calls of one function apart, as far as their rows say, and a row from its code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.contracts import TaskRecord
from beautyspot.tasks.addressing import OWN_ID

if TYPE_CHECKING:
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.tasks.task import Call

ARGUMENTS: Final = "the arguments"
"""What differs where there are no digests that tell which argument it is."""

_EITHER: Final = f"{ARGUMENTS} or {OWN_ID}"


class Identity(NamedTuple):
    """What the key of a call is made of, beside its function.

    Attributes:
        digests: of each argument, by name; none where they are not known.
        whole: what differs where only `input_id` tells.
    """

    version: str | None
    input_id: str
    digests: dict[str, Any]
    whole: str


def identity_of(record: TaskRecord) -> Identity:
    """The identity of a stored call."""
    digests = argument_digests(record.arg_digests)
    whole = ARGUMENTS if digests else _EITHER
    return Identity(record.version, record.input_id, digests, whole)


def argument_digests(text: str | None) -> dict[str, Any]:
    """The digests in the column `arg_digests`; an empty table where the text is not valid."""
    try:
        digests = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return digests if isinstance(digests, dict) else {}


def differences(ours: Identity, theirs: Identity) -> tuple[str, ...]:
    """What tells them apart; at least the code, or what the function captured."""
    differs: list[str] = []
    if ours.version != theirs.version:
        auto = f"{theirs.version}{ours.version}".count("auto:") == 2
        differs.append("code" if auto else "version")
    if ours.input_id != theirs.input_id:
        mine, other = ours.digests, theirs.digests
        names = [name for name in {**mine, **other} if mine.get(name) != other.get(name)]
        differs += [f"argument {name}" for name in names] or [ours.whole]
    return tuple(differs) or ("code or captured values",)


Nearest = tuple[tuple[str, ...], TaskRecord]
"""What differs from a stored call, and its row."""


def nearer(ours: Identity, found: Nearest | None, record: TaskRecord, theirs: Identity) -> Nearest:
    """The one of two stored calls that is nearer to ours: `found`, if there is one, and `record`.

    That is the one which differs in fewer parts; of equal ones, the last.
    """
    differs, made = differences(ours, theirs), record.made_at or 0.0
    if found and (-len(differs), made) < (-len(found[0]), found[1].made_at or 0.0):
        return found
    return differs, record


def compare_code(call: Call, found: object, store: GuardedStore, reporter: Reporter) -> None:
    """Compare the code that made a result with its function's, and say once if they differ.

    Args:
        call: the call that is given the result.
        found: its row, if that is known.
        store: gives the row.
        reporter: tells.
    """
    task, addressing, key = call.task, call.task.addressing, call.key
    task.to_compare -= 1
    if key in task.compared:
        return
    task.compared.add(key)
    try:
        record = found if isinstance(found, TaskRecord) else store.get(key)
        code = None if record is None else record.code
        changed = addressing.has_changed(code) and not addressing.is_shared()
    except Exception:  # the result was found all the same, and another hit will be compared
        return
    if changed:
        from beautyspot.tasks.advice import other_code  # rarely needed

        task.to_compare, name = 0, task.func_identifier
        made = f"a stored result that is returned now was made by other code than {name} has now"
        reporter.once(f"edited {name}", f"{made}. {other_code(name)}")

"""What tells two calls of one function apart, as far as their rows say, and a row from its code."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import TaskRecord
from beautyspot.tasks.addressing import OWN_ID

if TYPE_CHECKING:
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.tasks.task import Call

Identity = tuple[str | None, str, str | None]
"""What the key of a call is made of, beside its function, as rows have it.

The version, the digest of all that it was given, and the digests of its arguments.
"""

Nearest = tuple[tuple[str, ...], TaskRecord]
"""What differs from a stored call, and its row."""


def identity_of(record: TaskRecord) -> Identity:
    """The identity of a stored call."""
    return record.version, record.input_id, record.arg_digests


@lru_cache(100)
def _digests(text: str | None) -> dict[str, Any]:
    """The digests in the column `arg_digests`; an empty table where the text is not valid."""
    try:
        digests = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return digests if isinstance(digests, dict) else {}


def differences(ours: Identity, theirs: Identity) -> tuple[str, ...]:
    """What tells them apart; at least the code, or what the function captured."""
    differs: list[str] = []
    if ours[0] != theirs[0]:
        auto = f"{theirs[0]}{ours[0]}".count("auto:") == 2
        differs.append("code" if auto else "version")
    if ours[1] != theirs[1]:
        mine, other = _digests(ours[2]), _digests(theirs[2])
        names = [name for name in {**mine, **other} if mine.get(name) != other.get(name)]
        # With an ID of the user's no argument has a digest.
        differs += [f"argument {name}" for name in names] or [OWN_ID]
    return tuple(differs) or ("code or captured values",)


def nearer(ours: Identity, found: Nearest | None, record: TaskRecord) -> Nearest:
    """The one of two stored calls that is nearer to ours: `found`, if there is one, and `record`.

    That is the one which differs in fewer parts; of equal ones, the last.
    """
    differs, made = differences(ours, identity_of(record)), record.made_at or 0.0
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
        changed = addressing.has_changed(code)
    except Exception:  # the result was found all the same, and another hit will be compared
        return
    if changed:
        from beautyspot.tasks.advice import other_code  # rarely needed

        task.to_compare, name = 0, task.func_identifier
        made = f"a stored result that is returned now was made by other code than {name} has now"
        reporter.once(f"edited {name}", f"{made}. {other_code(name)}")

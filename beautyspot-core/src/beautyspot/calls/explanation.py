"""`Explanation`: why a call is a hit or a miss, and what differs from the nearest stored call.
`Stored`: what is stored of it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from glob import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.calls.blocks import join
from beautyspot.contracts import Selection, entry_of
from beautyspot.contracts.records import clean
from beautyspot.contracts.store import listed
from beautyspot.errors import BlobNotFound
from beautyspot.messages import less_secrets, masked_json
from beautyspot.results.differences import (
    ARGUMENTS,
    Identity,
    argument_digests,
    identity_of,
    nearer,
)
from beautyspot.serialization.payload import StoredError, is_error
from beautyspot.tasks.addressing import OWN_ID
from beautyspot.tasks.advice import other_code

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import Entry, TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Call


_SWITCHED_OFF: Final = "the Spot is switched off (disabled(), enabled=False or BEAUTYSPOT_DISABLED)"
_REFRESHES: Final = 'its mode is "refresh"'


class Stored(NamedTuple):
    """A stored result, as `peek` finds it. It is true in a boolean context, whatever the value.

    Attributes:
        value: the result; for a generator, the list of its items, followed by what it returned;
            None where the call raised an error that is stored.
        key: the call's key.
        location: where a person finds the blob: a path or URL; None if it is in the database.
        error: what the call raised, with ``cache_errors``; None where it returned.
    """

    value: Any
    key: str
    location: str | None = None
    error: Exception | None = None

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Why a call is a hit or a miss. ``print`` shows it as text.

    Attributes:
        hit: whether the result is stored and valid, and the Spot is not switched off.
        key: the call's key; "" if it has none.
        reason: why, in one sentence.
        arguments: the canonical text of each argument, by name; if `mark` was given a function or
            an ID as `key`, that of the ID instead, as "mark(key=)". What looks
            like a secret, by its name or by itself, is masked.
        nearest: the stored call that differs in the fewest parts, if any; of several, the last.
        differs: what differs from it: argument names, "mark(key=)", "version", "expired" and
            "code" (both also of a hit), "too old" (for a block of `Spot.using`), "error" (what is
            stored is one that `cache_errors` does not name), "damaged", or "blob", which is gone
            from the storage.
    """

    hit: bool
    key: str
    reason: str
    arguments: dict[str, str]
    nearest: TaskRecord | None = None
    differs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Mask secrets that the message of an error brought along."""
        object.__setattr__(self, "reason", less_secrets(self.reason))

    def __repr__(self) -> str:
        """The text as well: it is read at prompts and in notebooks."""
        return str(self)

    def __str__(self) -> str:
        lines = [f"{'hit' if self.hit else 'miss'}: {self.reason}", f"key: {self.key or 'none'}"]
        lines += [f"  {name} = {text:.200}" for name, text in self.arguments.items()]
        if self.nearest is not None and not self.hit:
            made = self.nearest.updated_at
            lines.append(f"nearest: {self.nearest.cache_key}, made {made} UTC")
        return "\n".join(lines)


def explain(engine: Engine, call: Call) -> Explanation:
    """Why the call is a hit or a miss; nothing runs."""
    texts = _texts(call)
    join(engine, call)
    try:
        told = _explain_stored(engine, call, texts)
        if not engine.active:
            return _runs(told, _SWITCHED_OFF)
        return _runs(told, _REFRESHES) if call.refresh else told
    except Exception as error:  # `explain` is for finding out what is wrong, so it reports
        reason = f"the metadata store can't be asked: {error}"
        return Explanation(hit=False, key=call.key, reason=reason, arguments=texts)


def _runs(told: Explanation, why: str) -> Explanation:
    other = f"Otherwise it would be a {'hit' if told.hit else 'miss'}: {told.reason}"
    return replace(told, hit=False, reason=f"{why}, so the call runs. {other}")


def _explain_stored(engine: Engine, call: Call, texts: dict[str, str]) -> Explanation:
    engine.check_open()
    for key in (call.key, *call.task.addressing.earlier_keys(call)):
        record, there = engine.cache.get(key), copy(call)
        there.key = key
        told = None if record is None else _explain_row(engine.cache, there, texts, record)
        if told is not None and (told.hit or key == call.key):
            return replace(told, key=call.key)
    return _explain_miss(engine, call, texts)


def _explain_row(
    cache: Cache, call: Call, texts: dict[str, str], record: TaskRecord
) -> Explanation:
    """What a call makes of a row, be it stored under its own key or an earlier one."""
    entry, name = entry_of(record), call.task.func_identifier
    stored = f"stored {record.updated_at} UTC"
    if is_error(entry.serializer):
        stored += ", an error"
    if record.func_identifier != clean(name):
        stored += f" as a result of {record.func_identifier}"
    unfit = cache.unfit(call, entry, stale=call.task.stale is not None)
    if unfit is None:
        reason, differs = _why_lost(cache, call, entry)
    elif unfit == "expired":
        reason, differs = f"{stored}, and expired since", unfit
    else:
        reason, differs = f"{stored}, which is longer ago than max_age= of this block", unfit
    if not differs and not cache.is_fresh(call.task, entry):
        lasts = call.task.options.stale
        reason = f"{stored}, and expired since, but is still given (stale={lasts!r})"
        return Explanation(True, call.key, reason, texts, record, ("expired",))
    if differs:
        return Explanation(False, call.key, reason, texts, record, (differs,))
    if not call.task.addressing.has_changed(record.code):
        return Explanation(True, call.key, stored, texts, record)
    reason = f"{stored}, by other code than {name} has now. {other_code(name)}"
    return Explanation(True, call.key, reason, texts, record, ("code",))


def _why_lost(cache: Cache, call: Call, entry: Entry) -> tuple[str, str]:
    """Why what is stored can't be restored, and what differs; nothing where it can."""
    try:
        cache.restore(call.task, call.key, entry)
    except StoredError as stored:
        if stored.error is None:
            return "an error is stored that mark(cache_errors=) does not name", "error"
    except BlobNotFound:
        return "its blob is gone from the storage: the next call stores it anew", "blob"
    except Exception as error:
        return f"what is stored can't be restored: {error}", "damaged"
    return "", ""


def _texts(call: Call) -> dict[str, str]:
    try:
        texts = call.task.addressing.texts(call)
        return {n: masked_json("" if n == OWN_ID else n, text) for n, text in texts.items()}
    except Exception:  # the key generation shows no canonical text
        return {}


def _explain_miss(engine: Engine, call: Call, texts: dict[str, str]) -> Explanation:
    name, addressing = call.task.func_identifier, call.task.addressing
    addressing.begin(call)
    ours = Identity(
        addressing.version,
        call.input_id,
        argument_digests(call.digests),
        OWN_ID if addressing.has_own_id else ARGUMENTS,
    )
    found = None
    for each in (name, *addressing.earlier):
        for record in listed(engine.cache.store.real, Selection(function=escape(each))):
            if record.key_scheme is not None:  # keys of earlier releases are never looked up
                found = nearer(ours, found, record, identity_of(record))
    if found is None:
        why = engine.reporter.reasons.get(name)
        told = [f"results of this process were not stored, because {why}"] if why else []
        reason = "; ".join([f"nothing is stored for {name}", *told, *addressing.about_changes])
        return Explanation(False, call.key, reason, texts)
    differs, nearest = found
    reason = f"the nearest stored call differs in {', '.join(differs)}"
    reason = "; ".join([reason, *addressing.about_changes])
    return Explanation(False, call.key, reason, texts, nearest, differs)

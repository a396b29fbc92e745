"""`Explanation`: why a call is a hit or a miss, and what differs from the nearest stored call.
`Stored`: what is stored of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from beautyspot.calls.blocks import join
from beautyspot.contracts import Selection, entry_of
from beautyspot.contracts.store import listed
from beautyspot.errors import BlobNotFound
from beautyspot.messages import less_secrets, masked_json
from beautyspot.results.differences import nearer
from beautyspot.results.validity import MISSING
from beautyspot.serialization.payload import ERROR
from beautyspot.tasks.addressing import OWN_ID
from beautyspot.tasks.advice import other_code

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Call


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

    def __str__(self) -> str:
        lines = [f"{'hit' if self.hit else 'miss'}: {self.reason}", f"key: {self.key or 'none'}"]
        lines += [f"  {name} = {text:.200}" for name, text in self.arguments.items()]
        if self.nearest is not None and not self.hit:
            made = self.nearest.updated_at
            lines.append(f"nearest: {self.nearest.cache_key}, made {made} UTC")
        return "\n".join(lines)

    __repr__ = __str__  # it is read at prompts and in notebooks


def explain(engine: Engine, call: Call) -> Explanation:
    """Why the call is a hit or a miss; nothing runs."""
    addressing = call.task.addressing
    texts = {
        name: masked_json("" if name == OWN_ID else name, text)
        for name, text in addressing.texts(call).items()
    }
    join(engine, call)
    try:
        engine.check_open()
        if not engine.active or call.refresh:
            why = 'its mode is "refresh"'
            if not engine.active:
                why = "the Spot is switched off (disabled(), enabled=False or BEAUTYSPOT_ENABLED=0)"
            return Explanation(False, call.key, f"{why}: the call runs, whatever is stored", texts)
        keys = (call.key, *addressing.earlier_keys(call))
        record = next(filter(None, map(engine.cache.get, keys)), None)
        if record is None:
            return _explain_miss(engine, call, texts)
        is_hit, differs, about = _verdict(engine.cache, call, record)
    except Exception as error:  # `explain` is for finding out what is wrong, so it reports
        reason = f"the metadata store can't be asked: {error}"
        return Explanation(hit=False, key=call.key, reason=reason, arguments=texts)
    reason = f"stored {record.updated_at} UTC{about}"
    return Explanation(is_hit, call.key, reason, texts, record, (differs,) if differs else ())


def _verdict(cache: Cache, call: Call, record: TaskRecord) -> tuple[bool, str, str]:
    """Whether a row answers a call, what differs from it, and what to say of that."""
    entry, task, name = entry_of(record), call.task, call.task.func_identifier
    unfit = cache.unfit(call, entry, stale=task.stale is not None)
    if unfit == "expired":
        return False, unfit, ", and expired since"
    if unfit is not None:
        return False, unfit, ", which is longer ago than max_age= of this block"
    try:
        if cache.restore(task, record.cache_key, entry) is MISSING:
            return False, "error", ", an error that mark(cache_errors=) does not name"
    except BlobNotFound:
        return False, "blob", "; its blob is gone from the storage: the next call stores it anew"
    except Exception as error:
        return False, "damaged", f", and can't be restored: {error}"
    if not cache.is_fresh(task, entry):
        lasts = task.options.stale
        return True, "expired", f", and expired since, but is still given (stale={lasts!r})"
    if task.addressing.has_changed(record.code):
        return True, "code", f", by other code than {name} has now. {other_code(name)}"
    return True, "", ", an error" if entry.serializer == ERROR else ""


def _explain_miss(engine: Engine, call: Call, texts: dict[str, str]) -> Explanation:
    name, addressing = call.task.func_identifier, call.task.addressing
    addressing.begin(call)
    ours, found = (addressing.version, call.input_id, call.digests), None
    for each in (name, *addressing.earlier):
        for record in listed(engine.cache.store.real, Selection(function=escape(each))):
            if record.key_scheme is not None:  # keys of earlier releases are never looked up
                found = nearer(ours, found, record)
    differs, nearest = found or ((), None)
    reason = f"the nearest stored call differs in {', '.join(differs)}"
    if nearest is None:
        reason = f"nothing is stored for {name}"
        if why := engine.reporter.reasons.get(name):
            reason += f"; results of this process were not stored, because {why}"
    reason = "; ".join([reason, *addressing.changed.values()])
    return Explanation(False, call.key, reason, texts, nearest, differs)

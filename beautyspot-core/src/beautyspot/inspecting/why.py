"""`Why`: what tells a stored run from the nearest earlier one of its function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Selection
from beautyspot.contracts.selection import source_of
from beautyspot.errors import ConfigError, RecordNotFound
from beautyspot.inspecting.filters import Filter, Listing, literally, name_of
from beautyspot.messages import did_you_mean, less_secrets, listing
from beautyspot.results.differences import identity_of, nearer
from beautyspot.results.validity import has_expired

if TYPE_CHECKING:
    from beautyspot.contracts import MetadataStoreBase, TaskRecord
    from beautyspot.results.differences import Nearest

_ALONE: Final = (
    "no earlier result of {name} is there: this was the first, or the others were removed, or this "
    "one took the place of an earlier one of the same call, which had expired or was refreshed"
)
_OLD: Final = "it was stored by a release before 3.0, whose results are listed and never found"


@dataclass(frozen=True, slots=True, repr=False)
class Why:
    """Why a stored call ran, and was no hit. ``print`` shows it as text.

    Attributes:
        record: the row of the run, without its data.
        reason: why, in one sentence.
        differs: what differs from the nearest earlier run: "argument x", "version", "code", "the
            arguments" where the row does not say which; nothing where none is stored.
        nearest: the row of that run: of those that differ in the fewest parts, the last.
        code_differs: whether the function's source had changed in between; None: not known.
    """

    record: TaskRecord
    reason: str
    differs: tuple[str, ...] = ()
    nearest: TaskRecord | None = None
    code_differs: bool | None = None

    def __repr__(self) -> str:
        """The text as well: it is read at prompts and in notebooks."""
        return str(self)

    def __str__(self) -> str:
        lines = [_line("run", self.record)]
        lines += [] if self.nearest is None else [_line("nearest", self.nearest)]
        return "\n".join([*lines, f"why: {self.reason}"])


def _line(what: str, record: TaskRecord) -> str:
    made = f"{what}: {record.cache_key}, made {record.updated_at} UTC"
    return f"{made}\n  {record.arguments}" if record.arguments else made


def reasons(metadata: MetadataStoreBase, records: list[TaskRecord]) -> list[Why]:
    """Why each of these runs of one function was no hit; reads the function's rows once.

    Raises:
        MetadataError: the store failed.
    """
    if not records:
        return []
    ours = [identity_of(record) for record in records]
    found: dict[int, Nearest] = {}
    same = Filter(Selection(function=literally(name_of(records[0]))))
    for other in Listing(metadata, same).rows():
        if other.key_scheme is not None:  # keys of earlier releases are never looked up
            theirs, made = identity_of(other), other.made_at or 0.0
            for number, record in enumerate(records):
                if made <= (record.made_at or 0.0) and other.cache_key != record.cache_key:
                    found[number] = nearer(ours[number], found.get(number), other, theirs)
    now = metadata.now() if any(record.expires_at is not None for record in records) else 0.0
    return [_why(record, found.get(number), now) for number, record in enumerate(records)]


def _why(record: TaskRecord, found: Nearest | None, now: float) -> Why:
    """What the nearest earlier run tells, at a time by the store's clock."""
    if record.key_scheme is None:
        return Why(record, _OLD)
    if found is None:
        return Why(record, _ALONE.format(name=name_of(record)) + _about_end(record, now))
    differs, nearest = found
    parts = f"the nearest earlier result differs in {', '.join(differs)}"
    about = _about_code(record, nearest, told="code" in differs)
    reason = less_secrets(f"{parts}{about}{_about_end(record, now)}")
    return Why(record, reason, differs, nearest, _code_differs(record, nearest))


def _code_differs(record: TaskRecord, nearest: TaskRecord) -> bool | None:
    ours, theirs = source_of(record.code), source_of(nearest.code)
    return ours != theirs if ours and theirs else None


def _about_code(record: TaskRecord, nearest: TaskRecord, *, told: bool) -> str:
    """What the digests of source and file say, which are no part of the key."""
    differs = _code_differs(record, nearest)
    if told or differs is None or record.code == nearest.code:
        return ""
    if differs:
        return "; the function's source had changed as well, which alone makes no new key"
    return "; the rest of the function's file had changed as well, its own source had not"


def _about_end(record: TaskRecord, now: float) -> str:
    ends = record.expires_at
    if ends is None:
        return ""
    if has_expired(now, record.made_at, ends):
        return "; it has expired since, so that the next such call runs again"
    return f"; the result of this run expires in {_left(ends - now)}"


def _left(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def find_function(known: list[str], name: object, place: str) -> str:
    """The identifier that is `name`, or that ends so behind its colon.

    Raises:
        ConfigError: it is no text.
        RecordNotFound: no function is called so, or several are.
    """
    if not isinstance(name, str) or not name:
        raise ConfigError(f"function={name!r:.80}: give an identifier, module:qualified.name")
    found = [each for each in known if each == name] or [
        each for each in known if each.partition(":")[2] == name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise RecordNotFound(
            f"several functions are called {name}: {listing(found)}: give the whole identifier",
            candidates=tuple(found),
        )
    near = did_you_mean(name, known) or did_you_mean(name, (end.partition(":")[2] for end in known))
    raise RecordNotFound(
        f"{place} holds nothing of a function {name}.{near} There are: {listing(known[:20])}"
    )

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
        differs: what differs from the nearest earlier run: "argument x", "version", "code",
            "mark(key=)"; nothing where none is stored.
        nearest: the row of that run: of those that differ in the fewest parts, the last.
        code_differs: whether the function's source had changed in between; None: not known.
    """

    record: TaskRecord
    reason: str
    differs: tuple[str, ...] = ()
    nearest: TaskRecord | None = None
    code_differs: bool | None = None

    def __str__(self) -> str:
        lines = [_line("run", self.record)]
        lines += [] if self.nearest is None else [_line("nearest", self.nearest)]
        return "\n".join([*lines, f"why: {self.reason}"])

    __repr__ = __str__  # it is read at prompts and in notebooks


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
    found: dict[int, Nearest] = {}
    same = Filter(Selection(function=literally(name_of(records[0]))))
    for other in Listing(metadata, same).rows():
        if other.key_scheme is not None:  # keys of earlier releases are never looked up
            made = other.made_at or 0.0
            for number, record in enumerate(records):
                if made <= (record.made_at or 0.0) and other.cache_key != record.cache_key:
                    found[number] = nearer(identity_of(record), found.get(number), other)
    return [_why(record, found.get(number)) for number, record in enumerate(records)]


def _why(record: TaskRecord, found: Nearest | None) -> Why:
    """What the nearest earlier run tells."""
    if record.key_scheme is None:
        return Why(record, _OLD)
    if found is None:
        return Why(record, _ALONE.format(name=name_of(record)))
    differs, nearest = found
    ours, theirs = source_of(record.code), source_of(nearest.code)
    code_differs = ours != theirs if ours and theirs else None
    reason = f"the nearest earlier result differs in {', '.join(differs)}"
    if code_differs and "code" not in differs:
        reason += "; the function's source had changed as well, which alone makes no new key"
    return Why(record, less_secrets(reason), differs, nearest, code_differs)


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
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    raise RecordNotFound(
        f"{place} holds nothing of a function {name}.{near} There are: {listing(known[:20])}{more}"
        ". Name one of these, or run the function first"
    )

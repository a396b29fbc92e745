"""`Comparison`: some results side by side."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.inspecting.runs import ROW, names_in, runs_of, tell
from beautyspot.results.differences import differences, identity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.runs import Run, Told

_LINE: Final = 60
"""Characters of a text that is no longer compared as a whole, but line by line."""

_LINES: Final = 1000
"""Lines of a text that are compared: time goes by their square."""


class Comparison(NamedTuple):
    """Results side by side."""

    columns: tuple[str, ...]  # those that differ first, those of the rows last
    arguments: tuple[str, ...]  # the names of all arguments
    differs: frozenset[str]  # the names of those in which the results differ
    runs: list[Run]  # in the order in which they were given
    diffs: dict[str, list[str]]  # of long texts: the lines of a diff of each against the first


def compared(records: Sequence[TaskRecord], told: Told) -> Comparison:
    """See `Store.compare`."""
    runs, arguments = runs_of(records)
    tell(runs, told, {*arguments, *ROW})
    ours, *others = map(identity_of, records)
    told_apart = {what for theirs in others for what in differences(ours, theirs)}
    differs = {
        name
        for name in names_in(runs)
        if f"argument {name}" in told_apart  # whose texts may be cut
        or len({repr(run.cells.get(name, ...)) for run in runs}) > 1
    }
    own = {*ROW} - {*arguments}
    columns = sorted(names_in(runs), key=lambda name: (name in own, name not in differs))
    diffs = {}
    for name in (name for name in columns if name in differs - own):
        texts = [text for run in runs if isinstance(text := run.cells.get(name), str)]
        if any(len(text) > _LINE or "\n" in text for text in texts):
            first, *rest = (text.splitlines()[:_LINES] for text in texts)
            diffs[name] = [line for each in rest for line in unified_diff(first, each, lineterm="")]
    return Comparison(tuple(columns), arguments, frozenset(differs), runs, diffs)

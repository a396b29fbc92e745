"""What tells two calls of one function apart, as far as their rows say."""

from __future__ import annotations

import json
from collections.abc import Hashable
from math import log
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.tasks.addressing import OWN_ID

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord

ARGUMENTS: Final = "the arguments"
"""What differs where there are no digests that tell which argument it is."""

_MOST: Final = 10_000
"""Values of one part that are counted: beyond, one that takes more weighs no more."""

_OTHERS: Final = log(2)
"""The weight of what has no values to be counted, such as the code."""

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


class Nearest:
    """Finds, among stored calls of one function, the one that is nearest to a call.

    That is the call which shares the most with it, where a part that takes many values weighs more:
    of an earlier call with the same prompt and another model, and one with another prompt and the
    same model, the first tells more. The weight of a part is the logarithm of how many values it
    takes, as of the words by which a search tells documents apart.

    Args:
        ours: the call that is compared with the others.
    """

    def __init__(self, ours: Identity) -> None:
        self._ours = ours
        self._last: dict[tuple[str, ...], TaskRecord] = {}  # by what differs
        self._values: dict[str, set[object]] = {}

    def offer(self, record: TaskRecord, theirs: Identity) -> None:
        """Compare one more stored call."""
        differs = differences(self._ours, theirs)
        last = self._last.get(differs)
        if last is None or (record.made_at or 0.0) >= (last.made_at or 0.0):
            self._last[differs] = record
        self._note("version", theirs.version)
        for name, digest in theirs.digests.items():
            self._note(f"argument {name}", digest)

    def _note(self, part: str, value: object) -> None:
        values = self._values.setdefault(part, set())
        if len(values) < _MOST and isinstance(value, Hashable):
            values.add(value)

    def found(self) -> tuple[tuple[str, ...], TaskRecord] | None:
        """What differs from the nearest, and its row; None where none was offered.

        Of several that are equally near, the one that differs in fewer parts, then the last.
        """
        if not self._last:
            return None
        weights = {part: log(1 + len(values)) for part, values in self._values.items()}

        def rank(differs: tuple[str, ...]) -> tuple[float, int, float]:
            lacks = sum(weights.get(part, _OTHERS) for part in differs)
            return -lacks, -len(differs), self._last[differs].made_at or 0.0

        nearest = max(self._last, key=rank)
        return nearest, self._last[nearest]

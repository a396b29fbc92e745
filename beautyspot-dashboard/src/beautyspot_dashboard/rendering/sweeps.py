"""Pictures of runs: one column over another, or all of them side by side, coloured by one more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot_cli.formats import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeGuard

    from beautyspot import Run, Runs

DRAWN: Final = 2000
"""Runs in a picture at most."""

COLOURS: Final = (
    (68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140),
    (40, 174, 128), (94, 201, 98), (173, 220, 48), (253, 231, 37),
)  # fmt: skip
"""Viridis, which is as readable for the colour-blind and in grey."""

_WORDS: Final = 12
"""Different texts in a column that is drawn."""

_AXES: Final = 10
_LOGARITHMIC: Final = 100
"""How many times as large as the lowest the highest number is, where they are drawn by powers."""


class Scale(NamedTuple):
    """Where the cells of a column are, from 0, the lowest, to 1, the highest."""

    name: str
    place: Callable[[Any], float | None]  # None of what has no place
    ticks: list[tuple[float, str]]
    is_numeric: bool


def scale(name: str, runs: Iterable[Run]) -> Scale | None:
    """The scale of a column of numbers, or of a few words; None of others."""
    cells = [run.cells.get(name) for run in runs]
    numbers = [float(cell) for cell in cells if _is_number(cell)]
    if not numbers:
        words = sorted({str(cell) for cell in cells if isinstance(cell, str | bool)})
        places = {word: (at + 0.5) / len(words) for at, word in enumerate(words)}
        ticks = [(place, safe(word[:20])) for word, place in places.items()]
        known = 0 < len(words) <= _WORDS
        return Scale(name, lambda cell: places.get(str(cell)), ticks, False) if known else None
    low, high = min(numbers), max(numbers)
    is_bent = low > 0 and high / low >= _LOGARITHMIC
    bend: Callable[[float], float] = math.log10 if is_bent else lambda number: number / 2
    unbend: Callable[[float], float] = (lambda at: 10**at) if is_bent else lambda at: at * 2
    begin, span = bend(low), bend(high) - bend(low)

    def place(cell: Any) -> float | None:
        if not _is_number(cell):
            return None
        return (bend(float(cell)) - begin) / span if span else 0.5

    parts = [at / 4 for at in range(5)] if span else [0.5]
    ticks = [(at, f"{unbend(begin + at * span):.3g}") for at in parts]
    return Scale(name, place, ticks, True)


def _is_number(cell: object) -> TypeGuard[float]:
    return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)


class Mark(NamedTuple):
    """A run in a picture."""

    key: str
    text: str  # what it is, in words
    colour: str
    at: list[tuple[float, float]]  # percent from the left, and from the top


def picture(found: Runs, query: Mapping[str, str], columns: Sequence[str]) -> dict[str, Any]:
    """A point for each run, or a line through all columns that numbers or few words are in.

    Args:
        found: the runs.
        query: "x", "y" and "by" name columns; else an argument and a field of the result are drawn.
            Of lines "view" is "lines".
        columns: those that are drawn if the query names none.

    Returns:
        What the template draws: "axes", of points the one across and the one upwards; "marks", the
        runs; "by", the scale of their colours, and its "legend"; "offered", what can be drawn.
    """
    made = {name: scale(name, found.runs) for name in found.columns}
    scales = {name: each for name, each in made.items() if each is not None}
    among = [scales[name] for name in columns if name in scales]
    usual = sorted(among, key=lambda each: not each.is_numeric)
    results = [each for each in usual if each.name not in found.arguments]
    y = scales.get(query.get("y", "")) or next(iter((*results, *usual)), None)
    x = scales.get(query.get("x", "")) or next((each for each in usual if each is not y), y)
    is_lines = query.get("view") == "lines"
    axes = among[:_AXES] if is_lines else [each for each in (x, y) if each]
    by = scales.get(query.get("by", "")) or (y if is_lines else None)
    marks = [_mark(run, axes, by, is_lines=is_lines) for run in found.runs]
    return {
        "axes": axes,
        "marks": list(filter(None, marks)),
        "by": by,
        "legend": [(_colour(at), text) for at, text in by.ticks] if by else [],
        "offered": list(scales),
    }


def _mark(run: Run, axes: Sequence[Scale], by: Scale | None, *, is_lines: bool) -> Mark | None:
    """A run; None of one that has no place."""
    cells = [run.cells.get(axis.name) for axis in axes]
    places = [axis.place(cell) for axis, cell in zip(axes, cells, strict=True)]
    if is_lines:
        steps = max(1, len(axes) - 1)
        at = [(100 * n / steps, 100 - 100 * y) for n, y in enumerate(places) if y is not None]
    elif len(places) < 2 or None in places:
        return None
    else:
        at = [(100 * (places[0] or 0), 100 - 100 * (places[1] or 0))]
    tone = by.place(run.cells.get(by.name)) if by else 0.4
    told = ", ".join(f"{axis.name} = {cell}" for axis, cell in zip(axes, cells, strict=True))
    colour = "gray" if tone is None else _colour(tone)
    return Mark(
        run.record.cache_key, safe(told[:400]), colour, [(round(x, 2), round(y, 2)) for x, y in at]
    )


def _colour(at: float) -> str:
    return f"rgb{COLOURS[round(at * (len(COLOURS) - 1))]}"

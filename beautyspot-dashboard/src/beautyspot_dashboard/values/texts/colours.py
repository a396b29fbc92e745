"""A source as lines of parts, each with the class of its colour."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from beautyspot_dashboard.values.children.running import run_module

_SECONDS: Final = 5
_LONGEST: Final = 20_000
"""Characters of a line: in a longer one colours help nobody."""

Lines = tuple[tuple[tuple[str, str], ...], ...]


@lru_cache(maxsize=32)
def coloured(text: str, content_type: str, filename: str) -> tuple[str | None, Lines]:
    """The name of the language, and the lines; None where no language is known, or it takes long.

    The expressions that find the parts are others' work, and take for ever on some texts: they run
    in a process of its own.
    """
    if max(map(len, text.split("\n")), default=0) > _LONGEST:
        return None, plain(text)
    ran = run_module(
        "colouring", [content_type, filename], [text.encode("utf-8", "replace")], _SECONDS
    )
    if ran.problem:
        return None, plain(text)
    language, parts = json.loads(ran.output)
    return (language, _in_lines(parts)) if parts else (language, plain(text))


def plain(text: str) -> Lines:
    """The lines without colours."""
    return tuple((("", line),) for line in text.removesuffix("\n").split("\n"))


def _in_lines(parts: list[list[str]]) -> Lines:
    lines: list[list[tuple[str, str]]] = [[]]
    for name, text in parts:
        first, *others = text.split("\n")
        lines[-1].append((name, first))
        lines.extend([(name, other)] for other in others)
    if not any(text for _, text in lines[-1]):
        lines.pop()
    return tuple(tuple(part for part in line if part[1]) for line in lines)

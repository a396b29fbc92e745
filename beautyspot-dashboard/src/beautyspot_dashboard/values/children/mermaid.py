"""Draws a Mermaid diagram: source in, SVG out. Runs in a process of its own."""

from __future__ import annotations

import sys


def svg(source: bytes) -> bytes:
    """The diagram.

    Raises:
        ValueError: it can't be drawn.
    """
    from mermaidx import render  # type: ignore[import-untyped] # it ships no types

    try:
        drawn = render(source.decode("utf-8", "replace"), config={"securityLevel": "strict"})
    except Exception as error:  # it has kinds of its own
        raise ValueError(str(error).removeprefix("Mermaid rendering failed: ")) from error
    return str(drawn.svg()).encode("utf-8", "replace")


if __name__ == "__main__":  # pragma: no cover - children are not measured
    from beautyspot_dashboard.values.children.limits import answer

    answer(10, 3000, lambda: svg(sys.stdin.buffer.read()))

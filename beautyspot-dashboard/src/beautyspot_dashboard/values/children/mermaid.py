"""Draws a Mermaid diagram: source in, SVG out. Runs in a process of its own."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def make(_: Sequence[str], source: IO[bytes]) -> bytes:
    """Answer as a child does."""
    return svg(source.read())


if __name__ == "__main__":  # pragma: no cover - children are not measured
    from beautyspot_dashboard.values.children.limits import answer

    answer(make, seconds=10, megabytes=3000)

"""Draws a Mermaid diagram: source in, SVG out. Runs in a process of its own."""

from __future__ import annotations

import os
import sys


def svg(source: bytes) -> bytes:
    """The diagram.

    Raises:
        Exception: it can't be drawn.
    """
    from mermaidx import render  # type: ignore[import-untyped] # it ships no types

    drawn = render(source.decode("utf-8", "replace"), config={"securityLevel": "strict"})
    return str(drawn.svg()).encode("utf-8", "replace")


def main() -> int:
    """Draw what stands in the input; the exit status."""
    try:
        sys.stdout.buffer.write(svg(sys.stdin.buffer.read()))
    except Exception as error:
        text = str(error).removeprefix("Mermaid rendering failed: ")
        print(text, file=sys.stderr)  # noqa: T201 - its output is how it answers
        return 1
    return 0


if __name__ == "__main__":  # pragma: no cover - children are not measured
    from beautyspot_dashboard.values.children.limits import bound

    bound(10, 3000)
    done = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(done)  # the engine's threads are no reason to stay

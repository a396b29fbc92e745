"""Draws a Mermaid diagram: source in, SVG out. Runs in a process of its own."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Draw what stands in the input; the exit status."""
    from mermaidx import render  # type: ignore[import-untyped] # it ships no types

    from beautyspot_dashboard.values.children.limits import bound

    bound(10, 3000)
    source = sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        drawn = render(source, config={"securityLevel": "strict"}).svg()
    except Exception as error:
        print(str(error).removeprefix("Mermaid rendering failed: "), file=sys.stderr)  # noqa: T201 - its output is how it answers
        return 1
    sys.stdout.buffer.write(drawn.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    done = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(done)  # the engine's threads are no reason to stay

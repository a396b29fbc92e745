"""Diagrams drawn as SVG, each once: Mermaid by `mermaidx`, Graphviz by its program `dot`."""

from __future__ import annotations

import re
import shutil
from functools import lru_cache
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values.children.running import Ran, run_module, run_program

if TYPE_CHECKING:
    from collections.abc import Callable

LANGUAGES: Final = {
    "text/vnd.mermaid": "Mermaid",
    "text/x-mermaid": "Mermaid",
    "text/mermaid": "Mermaid",
    "text/vnd.graphviz": "Graphviz",
    "text/x-graphviz": "Graphviz",
    "text/x-dot": "Graphviz",
}
"""The content types of diagrams."""

_SECONDS: Final = 10
_MEGABYTES: Final = 2000
_KEPT: Final = 16

_NEEDS: Final = {
    "Mermaid": "Install beautyspot-dashboard[diagrams] where the dashboard runs to see it drawn.",
    "Graphviz": "Install Graphviz, with its program dot, where the dashboard runs to see it drawn.",
}


def needs(language: str) -> str | None:
    """What has to be installed to draw a language; None if nothing has."""
    has = find_spec("mermaidx") if language == "Mermaid" else shutil.which("dot")
    return None if has else _NEEDS[language]


def drawn(language: str, source: bytes) -> Ran:
    """The SVG of a diagram, or what is wrong with it. One is drawn at a time."""
    with _turn:
        return made(language, source)


@lru_cache(_KEPT)
def made(language: str, source: bytes) -> Ran:
    """The same, made once."""
    return _checked(_MAKERS[language](source))


def _mermaid(source: bytes) -> Ran:
    return run_module("mermaid", [], [source], _SECONDS)


def _graphviz(source: bytes) -> Ran:
    return run_program(str(shutil.which("dot")), ["-Tsvg"], [source], _SECONDS, _MEGABYTES)


def _checked(ran: Ran) -> Ran:
    if ran.problem:
        return ran
    if b"<svg" not in ran.output:
        return Ran(b"", "it draws nothing")
    return Ran(_sized(ran.output), "")


def _sized(svg: bytes) -> bytes:
    """With the size of what is drawn: browsers enlarge one that is as wide as there is room."""
    head = re.search(rb"<svg[^>]*>", svg)
    if head is None:
        return svg
    box = re.search(rb'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', head[0])
    if box is None or b'width="100%"' not in head[0]:
        return svg
    size = b'width="%s" height="%s"' % (box[1], box[2])
    return svg.replace(head[0], head[0].replace(b'width="100%"', size, 1), 1)


_MAKERS: Final[dict[str, Callable[[bytes], Ran]]] = {"Mermaid": _mermaid, "Graphviz": _graphviz}
_turn = Lock()

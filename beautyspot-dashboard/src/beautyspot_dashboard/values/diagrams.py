"""Diagrams, each drawn once as SVG: Mermaid by `mermaidx`, Graphviz by its program `dot`."""

from __future__ import annotations

import re
import shutil
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values import running
from beautyspot_dashboard.values.running import Ran
from beautyspot_dashboard.values.views import View, data_url

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

LANGUAGES: Final = {
    "text/vnd.mermaid": "Mermaid",
    "text/x-mermaid": "Mermaid",
    "text/mermaid": "Mermaid",
    "text/vnd.graphviz": "Graphviz",
    "text/x-graphviz": "Graphviz",
    "text/x-dot": "Graphviz",
}
"""The content types of diagrams."""

_LARGEST: Final = 200_000
"""Bytes of a source that is drawn."""

_NEEDS: Final = {
    "Mermaid": "install beautyspot-dashboard[diagrams] where the dashboard runs",
    "Graphviz": "install Graphviz, with its program dot, where the dashboard runs",
}


def view(look: Look) -> View | None:
    """A diagram, with its source below; None of all else, and where it is too long to be drawn."""
    language = LANGUAGES.get(look.file.kind)
    if language is None or look.file.size > _LARGEST:
        return None
    source = look.file.read()
    can = find_spec("mermaidx") if language == "Mermaid" else shutil.which("dot")
    ran = drawn(language, source) if can else Ran(b"", _NEEDS[language])
    context = {
        "source": source.decode("utf-8", "replace"),
        "url": data_url("image/svg+xml", ran.output),
        "problem": ran.problem,
        "language": language,
    }
    return View("diagram.html", f"{language} diagram", context)


@lru_cache(16)
def drawn(language: str, source: bytes) -> Ran:
    """The SVG of a source, or what is wrong with it."""
    if language == "Mermaid":
        ran = running.run("mermaid", [], source)
    else:
        ran = running.run("program", [str(shutil.which("dot")), "-Tsvg"], source)
    if ran.problem or b"<svg" not in ran.output:
        return Ran(b"", ran.problem or "it draws nothing")
    # With the size of what is drawn: browsers enlarge one that is as wide as there is room.
    head = re.search(rb'<svg[^>]*viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"[^>]*>', ran.output)
    if head is None:
        return ran
    size = b'width="%s" height="%s"' % (head[1], head[2])
    sized = head[0].replace(b'width="100%"', size, 1)
    return Ran(ran.output.replace(head[0], sized, 1), "")

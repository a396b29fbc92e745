"""Diagrams that are drawn on the server, and what is said where that can't be."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from beautyspot_dashboard.values import arrays, diagrams, running
from dashboard.gallery import Gallery, opened
from dashboard.reading import words

MERMAID = "flowchart LR\n  A[Ask] --> B[Find]\n"
HOSTILE = (
    'flowchart LR\n  A["<img src=x onerror=alert(1)>"] --> B\n  click B "javascript:alert(1)"\n'
)

needs_mermaid = pytest.mark.skipif(
    find_spec("mermaidx") is None, reason="mermaidx is not installed"
)
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: Any) -> Iterator[Gallery]:
    with opened(tmp_path_factory.mktemp("diagrams")) as found:
        found.put("mermaid", MERMAID, "text/vnd.mermaid; charset=utf-8")
        found.put("graph", "digraph { ask -> find }", "text/vnd.graphviz")
        found.put("broken", "digraph {", "text/vnd.graphviz")
        found.put("text", "no diagram", "text/plain")
        yield found


@pytest.fixture(autouse=True)
def fresh() -> None:
    diagrams.drawn.cache_clear()


def svg(page: str) -> str:
    """The drawing on a page, which is a picture there."""
    (found,) = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]*)" alt="The diagram', page)
    return base64.b64decode(found).decode()


@needs_mermaid
@pytest.mark.slow
def test_mermaid_is_drawn(gallery: Gallery) -> None:
    assert "can't be drawn" not in gallery.page("mermaid")
    drawing = svg(gallery.page("mermaid"))
    assert "Find" in drawing
    assert re.search(r'<svg[^>]* width="[\d.]+" height="[\d.]+"', drawing)


def test_a_diagram_is_drawn_once_and_shown_as_a_picture(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def draw(job: str, _: Any, source: bytes) -> running.Ran:
        assert job == "mermaid"
        asked.append(source)
        return running.Ran(b'<svg width="100%" viewBox="0 0 30 20.5">Find</svg>', "")

    monkeypatch.setattr(running, "run", draw)
    monkeypatch.setattr(diagrams, "find_spec", lambda _: True)
    page = gallery.page("mermaid")
    assert "Mermaid diagram" in words(page)
    assert "A[Ask] --> B[Find]" in words(page)
    assert svg(page) == '<svg width="30" height="20.5" viewBox="0 0 30 20.5">Find</svg>'
    assert "<svg" not in page
    gallery.page("mermaid")
    assert asked == [MERMAID.encode()]
    for number in range(20):
        diagrams.drawn("Mermaid", b"%d" % number)
    assert diagrams.drawn.cache_info().currsize == 16


@needs_dot
def test_graphviz_is_drawn(gallery: Gallery) -> None:
    assert "Graphviz diagram" in words(gallery.page("graph"))
    assert "find" in svg(gallery.page("graph"))


@needs_dot
def test_what_is_wrong_with_a_diagram_is_told(gallery: Gallery) -> None:
    page = words(gallery.page("broken"))
    assert "This Graphviz diagram can't be drawn: Error: <stdin>: syntax error" in page
    assert "Source digraph {" in page


@needs_dot
@pytest.mark.parametrize(
    "source",
    [
        'digraph {{ a [image="{0}"] }}',
        'digraph {{ a [shape=custom shapefile="{0}"] }}',
        'digraph {{ imagepath="{1}"; a [image="x.png"] }}',
        'digraph {{ a [label=<<TABLE><TR><TD><IMG SRC="{0}"/></TD></TR></TABLE>>] }}',
    ],
    ids=["image", "shapefile", "imagepath", "label"],
)
def test_a_diagram_reads_no_file(tmp_path: Path, source: str) -> None:
    (tmp_path / "x.png").write_bytes(arrays._png(b"\xff\0\0" * 100, 10, 10, 3))
    text = source.format(tmp_path / "x.png", tmp_path).encode()
    assert b"x.png" not in diagrams.drawn("Graphviz", text).output


@needs_mermaid
@pytest.mark.slow
def test_scripts_in_a_diagram_are_left_out(gallery: Gallery) -> None:
    made = diagrams.drawn("Mermaid", HOSTILE.encode())
    assert b"onerror" not in made.output
    assert b"javascript:" not in made.output

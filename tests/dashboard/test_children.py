"""What runs in processes of its own, run in this one."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from beautyspot_dashboard.values.children import colouring, columnar, mermaid

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

TABLE = pa.table({"n": range(500), "s": [None, "x"] * 250})


def test_mermaid_is_drawn_without_what_it_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def render(source: str, config: Any) -> Any:
        asked.append((source, config))
        return SimpleNamespace(svg=lambda: "<svg/>")

    monkeypatch.setitem(sys.modules, "mermaidx", SimpleNamespace(render=render))
    assert mermaid.svg(b"flow\xff") == b"<svg/>"
    assert asked == [("flow\ufffd", {"securityLevel": "strict"})]


def test_what_mermaid_says_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(*_: Any, **__: Any) -> Any:
        raise RuntimeError("Mermaid rendering failed: Parse error on line 2")

    monkeypatch.setitem(sys.modules, "mermaidx", SimpleNamespace(render=render))
    with pytest.raises(ValueError, match="^Parse error on line 2$"):
        mermaid.svg(b"flow")


@pytest.mark.parametrize(
    ("kind", "filename", "language"),
    [
        ("text/x-python", "f.bin", "Python"),
        ("application/sql", "f.bin", "SQL"),
        ("application/geo+json", "f.bin", "JSON"),
        ("image/svg+xml", "f.bin", "XML"),
        ("text/plain", "main.rs", "Rust"),
        ("text/x-unheard-of", "main.rs", "Rust"),
        ("text/x-unheard-of", "f.bin", None),
        ("text/plain", "f.unheard", None),
    ],
)
def test_a_language_is_found(kind: str, filename: str, language: str | None) -> None:
    source = "let x = 1;\n\n"
    found, parts = colouring.coloured(source, kind, filename)
    assert found == language
    assert "".join(text for _, text in parts) == (source if language else "")


def file(kind: str) -> io.BytesIO:
    made = io.BytesIO()
    if kind == "parquet":
        parquet.write_table(TABLE, made, row_group_size=150)
    else:
        new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with new(made, TABLE.schema) as writer:
            writer.write_table(TABLE, max_chunksize=150)
    made.seek(0)
    return made


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_a_page_is_read_of_the_parts_that_it_is_in(kind: str) -> None:
    words = "parquet" if kind == "parquet" else "arrow"
    page = columnar.page(file(kind), words, 100, 0)
    assert [row[0].text for row in page["rows"]] == [str(n) for n in range(100, 200)]
    assert page["rows"][0][1] == ("null", True)
    assert page["rows"][1][1] == ("x", False)
    assert page["shape"] == (500, 2)
    assert [each.type for each in page["columns"]] == ["int64", "string"]
    beyond = columnar.page(file(kind), words, 480, 1)
    assert len(beyond["rows"]) == 20
    assert [each.name for each in beyond["columns"]] == ["s"]
    assert columnar.page(file(kind), words, 5000, 0)["rows"] == []


def test_the_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert columnar.page(io.BytesIO(), "parquet", 0, 0) == {"missing": "pyarrow"}

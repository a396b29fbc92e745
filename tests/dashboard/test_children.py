"""What runs in processes of its own, run in this one."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from beautyspot_dashboard.values import child, running

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

TABLE = pa.table({"n": range(500), "s": [None, "x"] * 250})


def test_mermaid_is_drawn_without_what_it_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def render(source: str, config: Any) -> Any:
        asked.append((source, config))
        return SimpleNamespace(svg=lambda: "<svg/>")

    monkeypatch.setitem(sys.modules, "mermaidx", SimpleNamespace(render=render))
    assert child.mermaid(b"flow\xff") == b"<svg/>"
    assert asked == [("flow\ufffd", {"securityLevel": "strict"})]


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
    found, lines = json.loads(child.coloured(b"let <x> = 1;\n\n", kind, filename))
    assert found == language
    texts = [re.sub("<[^>]*>", "", line) for line in lines]
    assert texts == (["let &lt;x&gt; = 1;", ""] if language else [])


def file(folder: Path, kind: str) -> str:
    made = folder / kind
    if kind == "parquet":
        parquet.write_table(TABLE, made, row_group_size=150)
    else:
        new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with new(made, TABLE.schema) as writer:
            writer.write_table(TABLE, max_chunksize=150)
    return str(made)


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_a_page_is_read_of_the_parts_that_it_is_in(tmp_path: Path, kind: str) -> None:
    words = "Parquet" if kind == "parquet" else "Arrow"
    path = file(tmp_path, kind)
    page = json.loads(child.table(b"", words, path, "100"))
    assert [row[0][0] for row in page["rows"]] == [str(n) for n in range(100, 200)]
    assert page["rows"][0][1] == ["null", True]
    assert page["rows"][1][1] == ["x", False]
    assert page["shape"] == [500, 2]
    assert page["columns"] == [["n", "int64", True], ["s", "string", False]]
    for start, size in ((400, 100), (450, 50), (500, 0), (5000, 0)):
        rows = json.loads(child.table(b"", words, path, str(start)))["rows"]
        assert [row[0][0] for row in rows] == [str(n) for n in range(start, start + size)]


def test_the_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match="install pyarrow"):
        child.table(b"", "Parquet", "", "0")


def test_only_the_row_groups_of_a_page_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    class Watched(parquet.ParquetFile):  # type: ignore[misc] # it ships no types
        def read_row_group(self, group: int, *columns: Any) -> Any:
            read.append(group)
            return super().read_row_group(group, *columns)

    monkeypatch.setattr(parquet, "ParquetFile", Watched)
    child.table(b"", "Parquet", file(tmp_path, "parquet"), "200")
    assert read == [1]


@pytest.mark.skipif(sys.platform == "win32", reason="it has neither limits nor these programs")
@pytest.mark.usefixtures("processes")
def test_a_program_has_its_limits_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    seen = running.run("program", ["/usr/bin/env"])
    assert b"PATH=" in seen.output
    assert b"secret" not in seen.output
    assert running.run("program", ["/bin/cat", "-"], b"given").output == b"given"
    failed = running.run("program", ["/bin/sh", "-c", "echo wrong >&2; exit 3"])
    assert (failed.output, failed.problem) == (b"", "wrong\n")
    assert "large" in running.run("program", ["/bin/sh", "-c", "yes"]).problem
    monkeypatch.setitem(child.LIMITS, "program", (0.5, 2000))
    assert "more than 0.5 seconds" in running.run("program", ["/bin/sleep", "30"]).problem

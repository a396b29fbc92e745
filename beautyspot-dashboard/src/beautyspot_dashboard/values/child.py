"""What parses hostile bytes, which may make it loop, grow or crash: in a process of its own.

``python -m beautyspot_dashboard.values.child JOB WORD...`` bounds itself, and writes what it makes
of its words and its input; where that fails, why.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.values.parts import COLUMNS, ROWS, cell, column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

OUTPUT: Final = 8 * 2**20
"""Bytes that a child may write."""

LIMITS: Final = {
    "coloured": (5, 1000),
    "markdown": (10, 1000),
    "mermaid": (10, 3000),
    "table": (30, 8000),
    "program": (10, 2000),
    "fields": (30, 2000),
}
"""Seconds and megabytes of each job."""


def markdown(source: bytes) -> bytes:
    """The HTML of a Markdown text, in which HTML is text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link)
    return str(parser.render(source.decode("utf-8", "replace"))).encode()


def _image(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A picture that the text brings with it; in the place of another one its description."""
    from markdown_it.common.utils import escapeHtml

    source = str(tokens[at].attrGet("src") or "")
    if source.startswith("data:"):
        return self.image(tokens, at, options, env)
    alt = self.renderInlineAsText(tokens[at].children or [], options, env) or "picture"
    title = escapeHtml(source)
    return f'<span class="off" title="{title}">{escapeHtml(alt)} (not loaded)</span>'


def _link(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A link, which leads away only where the page is not in a frame."""
    del env
    tokens[at].attrSet("rel", "noreferrer noopener")
    if not str(tokens[at].attrGet("href") or "").startswith("#"):
        tokens[at].attrSet("target", "_top")
    return self.renderToken(tokens, at, options, {})


def coloured(source: bytes, kind: str, filename: str) -> bytes:
    """The name of the language of a source, None where it is not known, and its lines as HTML."""
    from pygments import highlight  # type: ignore[import-untyped] # it ships no types
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import (  # type: ignore[import-untyped]
        get_lexer_for_filename,
        get_lexer_for_mimetype,
    )
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    for suffix in ("json", "xml"):
        kind = f"application/{suffix}" if kind.endswith(f"+{suffix}") else kind
    kind = {"application/sql": "text/x-sql"}.get(kind, kind)
    lexer = None
    for find, name in ((get_lexer_for_filename, filename), (get_lexer_for_mimetype, kind)):
        if name not in ("text/plain", "application/octet-stream"):
            with suppress(ClassNotFound):
                lexer = find(name, stripnl=False, ensurenl=False)
    if lexer is None:
        return b"[null, []]"
    html = highlight(
        source.decode("utf-8", "replace"), lexer, HtmlFormatter(nowrap=True, classprefix="tok-")
    )
    return json.dumps([lexer.name, html.removesuffix("\n").split("\n")]).encode()


def mermaid(source: bytes) -> bytes:
    """The SVG of a Mermaid diagram.

    Raises:
        Exception: it can't be drawn.
    """
    from mermaidx import render  # type: ignore[import-untyped] # it ships no types

    drawn = render(source.decode("utf-8", "replace"), config={"securityLevel": "strict"})
    return str(drawn.svg()).encode("utf-8", "replace")


def table(_: bytes, kind: str, path: str, first: str) -> bytes:
    """A page of a Parquet or Arrow file: columns, rows, and the shape of the whole.

    Raises:
        Exception: it is none, or can't be read here.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped] # it ships no types
    except ImportError as error:
        raise ValueError("install pyarrow where the dashboard runs") from error
    start = int(first)
    read = _parquet if kind == "Parquet" else _arrow
    fields, page, shape = read(pa, path, start)
    values = [page.column(place).to_pylist() for place in range(len(fields))]
    made = {
        "columns": [column(each.name, each.type) for each in fields],
        "rows": [[cell(value) for value in row] for row in zip(*values, strict=True)],
        "shape": shape,
    }
    return json.dumps(made).encode()


def _parquet(pa: Any, path: str, start: int) -> tuple[Any, Any, tuple[int, int]]:
    """The fields, the rows, of which only those row groups are read that have them; the shape."""
    from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped] # as above

    file = ParquetFile(path)
    fields = list(file.schema_arrow)[:COLUMNS]
    found, skipped = list[Any](), start
    for group in range(file.metadata.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if not found and skipped >= size:
            skipped -= size
        elif sum(map(len, found)) < skipped + ROWS:
            found.append(file.read_row_group(group, [each.name for each in fields]))
    page = pa.concat_tables(found) if found else pa.schema(fields).empty_table()
    shape = (file.metadata.num_rows, len(file.schema_arrow))
    return fields, page.slice(min(skipped, len(page)), ROWS), shape


def _arrow(pa: Any, path: str, start: int) -> tuple[Any, Any, tuple[int, int]]:
    source = pa.memory_map(path)
    try:
        whole = pa.ipc.open_file(source).read_all()
    except pa.ArrowInvalid:
        source.seek(0)
        whole = pa.ipc.open_stream(source).read_all()
    fields = list(whole.schema)[:COLUMNS]
    page = whole.select(list(range(len(fields)))).slice(min(start, whole.num_rows), ROWS)
    return fields, page, (whole.num_rows, whole.num_columns)


def fields(longest: str = "400") -> None:  # pragma: no cover - children are not measured
    """Decode rows, piece after piece as they come, and write the fields of each piece in a line."""
    import pickle

    from beautyspot import TaskRecord, open_store

    store = open_store("memory://", config=False)
    with suppress(EOFError):
        while True:
            rows = [TaskRecord(*each) for each in pickle.load(sys.stdin.buffer)]  # noqa: S301 - our parent's
            print(json.dumps(store.fields(rows, int(longest))), flush=True)  # noqa: T201


JOBS: Final[dict[str, Callable[..., bytes]]] = {
    "coloured": coloured,
    "markdown": markdown,
    "mermaid": mermaid,
    "table": table,
}


def bound(seconds: int, megabytes: int) -> None:  # pragma: no cover - children are not measured
    """Bound this process, as far as the system can: time of a processor, memory, output."""
    with suppress(ImportError):  # there is none on Windows
        import resource

        for kind, most in (
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_AS, megabytes * 2**20),
            (resource.RLIMIT_FSIZE, OUTPUT),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):  # a lower limit is in force, or none can be
                resource.setrlimit(kind, (most, most))


def main(job: str, *words: str) -> None:  # pragma: no cover - children are not measured
    """Do a job, or become a program, within limits."""
    bound(*LIMITS[job])
    if job == "program":
        os.execv(words[0], words)  # noqa: S606 - a program that this one chose, no shell
    status = 0
    try:
        if job == "fields":
            fields(*words)
        else:
            sys.stdout.buffer.write(JOBS[job](sys.stdin.buffer.read(), *words))
            sys.stdout.flush()
    except Exception as error:
        print(str(error) or type(error).__name__, file=sys.stderr, flush=True)  # noqa: T201
        status = 1
    os._exit(status)  # a library's threads that are just starting abort a process that ends


if __name__ == "__main__":  # pragma: no cover - children are not measured
    main(*sys.argv[1:])

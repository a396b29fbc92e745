"""`beautyspot show`: one result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from beautyspot_cli.command import Command
from beautyspot_cli.completing import key_or_store
from beautyspot_cli.formats import NOTHING, ago, duration, moment, money, size
from beautyspot_cli.listing import code_of, function_of, row_json
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.store_options import Place, store_options
from beautyspot_cli.texts import safe_lines
from beautyspot_cli.words import sorted_out

if TYPE_CHECKING:
    from beautyspot import Content, Store, TaskRecord

_LARGEST: Final = 10_000_000
"""Bytes: a larger value is not loaded to be shown."""

_ANY_BYTES: Final = "application/octet-stream"


@click.command(cls=Command)
@click.argument(
    "words", metavar="KEY [STORE]", nargs=-1, required=True, shell_complete=key_or_store
)
@click.option(
    "--value",
    "alone",
    is_flag=True,
    help="Write the value alone, and all of it; in a pipe a picture or file as its bytes.",
)
@click.option(
    "-o", "--out", metavar="FILE", help="Write the stored bytes into a file; '-' is stdout."
)
@click.option("--force", is_flag=True, help="With --out: replace the file.")
@store_options
@output_options
def command(
    output: Output, place: Place, words: tuple[str, ...], alone: bool, out: str | None, force: bool
) -> None:
    """Show one result: its call, its times, its value.

    KEY may be the beginning of a key. A picture is shown in terminals that show pictures (iTerm2,
    WezTerm, kitty, Ghostty). A long value is cut, and one above 10 MB not loaded: --out writes any.
    """
    place, key = sorted_out(words, place, "KEY")
    if key is None:
        raise click.UsageError("which result? give its KEY, or how it begins: see beautyspot ls")
    _check_options(output, alone, out, force)
    with place.open() as store:
        record = store.row(key)
        if out is not None:
            _write_out(output, store, record, out, force=force)
        elif output.as_json:
            _show_json(output, store, record, alone=alone)
        else:
            if not alone:
                output.pairs(_lines(record, store))
                output.line("")
            _show_value(output, store, record, whole=alone)


def _check_options(output: Output, alone: bool, out: str | None, force: bool) -> None:
    """Refuse options of which one would be ignored."""
    if force and out in (None, "-"):
        raise click.UsageError("--force is for --out FILE: leave it out, or give a FILE")
    if out is not None and (alone or output.as_json):
        other = "--value" if alone else "--json"
        raise click.UsageError(f"--out writes the stored bytes, without {other}: leave one out")


def _write_out(output: Output, store: Store, record: TaskRecord, out: str, *, force: bool) -> None:
    from beautyspot_cli.files_out import to_file

    content = store.content(record.cache_key)
    if out == "-":
        _write_raw(content)
        return
    path = Path(out)
    if path.is_dir():
        path /= content.filename
    count = to_file(path, content.chunks(), force=force)
    output.say(f"wrote {size(count)} ({content.content_type}) to {path}{_of_form(content, record)}")


def _of_form(content: Content, record: TaskRecord) -> str:
    """Say where what was written is no file that other programs read."""
    if content.is_media:
        return ""
    return (
        ": that is its stored form, from which beautyspot decodes the value; for the value as text "
        f"give beautyspot show {record.cache_key[:12]} --value"
    )


def _show_json(output: Output, store: Store, record: TaskRecord, *, alone: bool) -> None:
    from beautyspot_cli.value_json import as_json

    row = {} if alone else row_json(record)
    content = store.content(record.cache_key)
    if _is_small(content):
        output.json(**row, value=as_json(store.value(record.cache_key)))
    else:
        output.say(_too_large(content, record))
        output.json(**row)


def _lines(record: TaskRecord, store: Store) -> list[tuple[str, str]]:
    """What is known of the result, a line each; nothing of what is unknown."""
    lines = {
        "function": function_of(record),
        "key": record.cache_key,
        "version": record.version,
        "arguments": record.arguments,
        "tags": ", ".join(record.tags),
        "made": _when(record.made_at),
        "used": _when(record.used_at),
        "expires": _when(record.expires_at),
        "took": duration(record.took),
        "price": money(record.price, store.price_unit if record.price else ""),
        "size": size(record.size),
        "type": record.content_type,
        "stored by": record.serializer,
        "blob": record.result_value,
        "code": code_of(record),
    }
    return [(name, text) for name, text in lines.items() if text and text != NOTHING]


def _when(time: float | None) -> str:
    return NOTHING if time is None else f"{moment(time)} ({ago(time)})"


def _show_value(output: Output, store: Store, record: TaskRecord, *, whole: bool) -> None:
    content = store.content(record.cache_key)
    if content.is_media and not content.content_type.startswith(("text/", _ANY_BYTES)):
        if whole and not output.on_terminal:
            _write_raw(content)
        else:
            _show_media(output, content, record)
    elif not _is_small(content):
        output.say(_too_large(content, record))
    else:
        _show_text(output, store.value(record.cache_key), record, whole=whole)


def _write_raw(content: Content) -> None:
    from beautyspot_cli.files_out import to_stdout

    to_stdout(content.chunks())


def _show_media(output: Output, content: Content, record: TaskRecord) -> None:
    """A picture where the terminal shows pictures; of anything else what it is."""
    from beautyspot_cli.images import LARGEST, drawn, shows

    kind = content.content_type
    if output.on_terminal and shows(kind) and (content.size or LARGEST) <= LARGEST:
        sys.stdout.write(drawn(b"".join(content.chunks())))
        return
    what = "a picture" if kind.startswith("image/") else "a file"
    output.say(
        f"{what} ({kind}, {size(content.size)}), which is not shown here: "
        f"beautyspot show {record.cache_key[:12]} --out {content.filename} writes it into a file"
    )


def _show_text(output: Output, value: object, record: TaskRecord, *, whole: bool) -> None:
    from beautyspot import Content

    from beautyspot_cli.value_texts import as_text

    if isinstance(value, Content):  # of a `File`
        if whole and not output.on_terminal:
            _write_raw(value)
        else:
            _show_media(output, value, record)
        return
    text = as_text(value, whole=whole)
    click.echo(text if whole and not output.on_terminal else safe_lines(text))


def _is_small(content: Content) -> bool:
    return (content.size or 0) <= _LARGEST  # without compression


def _too_large(content: Content, record: TaskRecord) -> str:
    return (
        f"the value has {size(content.size)} and is not loaded: "
        f"beautyspot show {record.cache_key[:12]} --out FILE writes its bytes into a file"
    )

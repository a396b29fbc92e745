"""`beautyspot show`: one result, its value as text or as JSON, or its bytes."""

from __future__ import annotations

import json
import math
import shlex
import sys
from base64 import b64encode
from contextlib import ExitStack
from datetime import date, time
from pathlib import Path
from pprint import pformat
from typing import TYPE_CHECKING, Any, Final

import click
from beautyspot import Content, ErrorInstance, Instance, Store, TaskRecord, answer_of

from beautyspot_cli.formats import ago, duration, moment, money, safe_lines, size
from beautyspot_cli.listing import function_of, row_json
from beautyspot_cli.options import keys
from beautyspot_cli.output import output_options

if TYPE_CHECKING:
    from typing import TypeGuard

    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output

_LARGEST: Final = 10_000_000
"""Bytes: a larger value is not loaded to be shown."""

_LINES: Final = 60
"""So many lines of a value are shown beside the rest."""

_LONGEST: Final = 4000
"""So many characters of it."""

_MOST_BYTES: Final = 3000
"""Of more bytes than these a JSON document has the number alone."""

_MOST_BITS: Final = 10_000
"""Of a number with more Python writes no decimal digits."""


@click.command
@click.argument("key", shell_complete=keys)
@click.option(
    "--value",
    "alone",
    is_flag=True,
    help="Write the value alone, and all of it: a text as it is, anything else as JSON.",
)
@click.option(
    "-o", "--out", metavar="FILE", help="Write the stored bytes into a file; '-' is stdout."
)
@click.option("--force", is_flag=True, help="With --out: replace the file.")
@output_options
@click.pass_obj
def show(
    place: Place, output: Output, key: str, alone: bool, out: str | None, force: bool
) -> None:  # fmt: skip
    """Show one result: its call, its times, its value.

    KEY may be the beginning of a key. A long value is cut, and a picture, a file, and a value above
    10 MB are not shown: --out writes any.
    """
    if force and out in (None, "-"):
        raise click.UsageError("--force is for --out FILE: leave it out, or give a FILE")
    if out is not None and (alone or output.as_json):
        other = "--value" if alone else "--json"
        raise click.UsageError(f"--out writes the stored bytes, without {other}: leave one out")
    with place.open() as store:
        record = store.row(key)
        if out is not None:
            _write_bytes(output, store.content(record), out, force=force)
            return
        if output.as_json:
            row = {} if alone else row_json(record)
            output.json(**row, value=as_json(_value_of(store, record)))
            return
        if not alone:
            output.pairs(_lines(record, store.price_unit))
            click.echo()
        value = _value_of(store, record)
        if isinstance(value, Content):
            _tell_of(output, record, value, alone=alone)
        elif alone:
            text = value if isinstance(value, str) else json.dumps(as_json(value), indent=2)
            click.echo(safe_lines(text) if sys.stdout.isatty() else text)
        else:
            click.echo(safe_lines(_shortened(_read(output, value))))


def _tell_of(output: Output, record: TaskRecord, content: Content, *, alone: bool) -> None:
    """Say what is stored that is not shown, and how to get it."""
    told = f"{content.content_type}, {size(content.size)}"
    if alone:
        raise click.UsageError(f"--value does not write {told}: --out FILE does")
    output.say(
        f"{told}, which is not shown here: beautyspot show {record.cache_key[:12]} "
        f"--out {shlex.quote(content.filename)} writes it into a file"
    )


def _write_bytes(output: Output, content: Content, out: str, *, force: bool) -> None:
    """Write a result's bytes, a piece at a time; a file is whole, or there is none."""
    if out == "-":
        if sys.stdout.isatty():
            raise click.UsageError(
                "--out - writes bytes as they are, which may command a terminal: give --out FILE, "
                "or a pipe behind it"
            )
        with click.open_file("-", "wb") as stdout:
            stdout.writelines(content.chunks())
        return
    path = Path(out)
    if path.is_dir():
        path /= content.filename
    if path.exists() and not force:
        raise click.UsageError(f"{str(path)!r} exists: give --force to replace it")
    with path.open("wb" if force else "xb") as file, ExitStack() as undo:
        if path.is_file():  # and no device
            undo.callback(path.unlink)
        file.writelines(content.chunks())
        file.flush()
        undo.pop_all()
    note = "" if content.is_media else ": its stored form; --value writes the value as text"
    output.say(f"wrote {size(content.size)} ({content.content_type}) to {path}{note}")


def _value_of(store: Store, record: TaskRecord) -> object:
    """The value; the `Content` of a file, of a picture, and of what is too large to be shown."""
    content = store.content(record)
    is_text = content.content_type.startswith(("text/", "application/octet-stream"))
    is_shown = is_text or record.serializer == "raw:text" or not content.is_media
    return store.value(record) if is_shown and (content.size or 0) <= _LARGEST else content


def _lines(record: TaskRecord, unit: str) -> list[tuple[str, str | None]]:
    """What is known of the result, a line each."""
    return [
        ("function", function_of(record)),
        ("key", record.cache_key),
        ("version", record.version),
        ("arguments", record.arguments),
        ("tags", ", ".join(record.tags)),
        ("made", _when(record.made_at)),
        ("used", _when(record.used_at)),
        ("expires", _when(record.expires_at)),
        ("took", duration(record.took)),
        ("price", money(record.price, unit)),
        ("size", size(record.size)),
        ("type", record.content_type),
        ("stored by", record.serializer),
        ("blob", record.result_value),
        ("code", record.code),
    ]


def _read(output: Output, value: object) -> object:
    """The text of a language model's response, below what it says of itself; else the value."""
    answer, shape = answer_of(value), getattr(value, "shape", ())
    if answer is None and not shape:
        return value
    if answer is None:
        output.pairs([("shape", " × ".join(map(str, shape)))])  # noqa: RUF001 - as people write it
        click.echo()
        return value
    counts = (f"{answer.tokens_in} in", f"{answer.tokens_out} out")
    output.pairs([("model", answer.model), ("tokens", ", ".join(counts))])
    click.echo()
    calls = [f"calls {name}({given})" for name, given in answer.tool_calls]
    return "\n".join([answer.text, *calls])


def _when(at: float | None) -> str | None:
    return None if at is None else f"{moment(at)} ({ago(at)})"


def _shortened(value: object) -> str:
    """The value as text: a text as it is, anything else as Python writes it, over several lines."""
    try:
        text = value if isinstance(value, str) else pformat(
            value, width=100, depth=8, compact=True, sort_dicts=False
        )  # fmt: skip
    except ValueError:  # a number with more digits than Python writes
        text = json.dumps(as_json(value))
    shown = "\n".join(text[:_LONGEST].split("\n")[:_LINES])
    missing = len(text) - len(shown)
    return f"{shown}\n... {missing:,} more characters: --value shows all" if missing else shown


def as_json(value: object) -> Any:
    """The value for a JSON document.

    Tuples and sets are lists, dates and times ISO text, keys texts; where two keys would be the
    same text, as 1 and "1", the dictionary is ``{"$dict": pairs}``. Bytes are their number as
    ``"$bytes"``, and themselves as ``"$base64"`` where they are few; a file that is not shown is
    its number of bytes and its ``"$type"``. An instance is ``{"$class": name, ...fields}``, an
    error that the function raised has "$error" in the place of "$class", anything else has its repr
    as ``"$text"``.
    """
    if value is None or (type(value) in (bool, str, int) and not _is_long(value)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, bytes | bytearray | Content):
        return _bytes(value)
    if isinstance(value, Instance):
        kind = "$error" if isinstance(value, ErrorInstance) else "$class"
        return {kind: value.class_name, **_fields(dict(value.fields))}
    if isinstance(value, dict):
        found = _fields(value)
        pairs = ([as_json(key), as_json(one)] for key, one in value.items())
        return found if len(found) == len(value) else {"$dict": list(pairs)}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(one) for one in value]
    return _other(value)


def _is_long(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and value.bit_length() > _MOST_BITS


def _bytes(value: bytes | bytearray | Content) -> dict[str, Any]:
    if isinstance(value, Content):
        return {"$bytes": value.size, "$type": value.content_type}
    told = {"$bytes": len(value)}
    few = len(value) <= _MOST_BYTES
    return {**told, "$base64": b64encode(value).decode()} if few else told


def _fields(fields: dict[Any, Any]) -> dict[str, Any]:
    return {key if isinstance(key, str) else repr(key): as_json(one) for key, one in fields.items()}


def _other(value: object) -> Any:
    if isinstance(value, date | time):
        return value.isoformat()
    kind = type(value)
    text = hex(value) if _is_long(value) else repr(value)
    return {"$class": f"{kind.__module__}.{kind.__qualname__}", "$text": text}

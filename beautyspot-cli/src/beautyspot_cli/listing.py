"""Results and functions as lines of a table, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot_cli.formats import NOTHING, duration, iso, size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot import Store, TaskRecord

    from beautyspot_cli.formats import Format
    from beautyspot_cli.output import Output

ROW_HEADINGS: Final = (
    "KEY", "FUNCTION", "MADE", "USED", "SIZE", "TOOK", "PRICE", "VERSION", "CODE", "TAGS",
    "ARGUMENTS",
)  # fmt: skip


_DROPPED: Final = ("USED", "VERSION", "ARGUMENTS", "TAGS", "MADE", "PRICE", "TOOK", "SIZE")


def show_rows(
    output: Output, store: Store, records: Iterable[TaskRecord], *, of_one: bool = False
) -> int:
    """Write a table of results of a store; how many there were.

    Where they are `of_one` function that was named, a terminal has no column for its name.
    """
    output.price_in_unit_of(store)
    cells = (row_cells(record, output.format) for record in records)
    if of_one and output.on_terminal:
        cells = ([key, NOTHING, *others] for key, _, *others in cells)
    return output.table(ROW_HEADINGS, cells, right=(4, 5, 6), dropped=_DROPPED)


def row_cells(record: TaskRecord, form: Format) -> list[str]:
    """A result as cells below `ROW_HEADINGS`."""
    return [
        form.key(record.cache_key),
        function_of(record),
        form.when(record.made_at),
        form.when(record.used_at),
        size(record.size),
        duration(record.took),
        form.money(record.price),
        record.version or NOTHING,
        form.code(record.code),
        ",".join(record.tags) or NOTHING,
        record.arguments or NOTHING,
    ]


def row_json(record: TaskRecord) -> dict[str, Any]:
    """A result as names of a JSON document; none of its data."""
    return {
        "key": record.cache_key,
        "function": function_of(record),
        "version": record.version,
        "arguments": record.arguments,
        "tags": list(record.tags),
        "made": iso(record.made_at),
        "used": iso(record.used_at),
        "expires": iso(record.expires_at),
        "took": record.took,
        "price": record.price,
        "size": record.size,
        "content_type": record.content_type,
        "serializer": record.serializer,
        "code": record.code,
        "blob": record.result_value,
    }


def code_of(record: TaskRecord) -> str | None:
    """The digests of the code, and what each is of; None where they are not known."""
    source, _, file = (record.code or "").partition(":")
    if not source:
        return None
    return f"{source} (of the function)" + (f", {file} (of its file)" if file else "")


def function_of(record: TaskRecord) -> str:
    """The function's identifier; of rows of old releases its bare name."""
    return record.func_identifier or record.func_name

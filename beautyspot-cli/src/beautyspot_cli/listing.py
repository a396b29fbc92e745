"""`beautyspot ls`, the functions in a store or the results of one, and `why` one of them ran."""

from __future__ import annotations

import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.formats import NOTHING, ago, count, duration, iso, money, safe_lines, size
from beautyspot_cli.options import filter_options, functions, say_unstored, with_function
from beautyspot_cli.output import output_options
from beautyspot_cli.runs import show_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot import Runs, Store, StoredFunction, TaskRecord, Where, Why

    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output

_ON_TERMINAL: Final = 50
"""So many results a terminal shows without `--limit`."""

_ROW_ORDERS: Final = (
    "newest", "oldest", "largest", "smallest", "slowest", "dearest", "unused", "key",
)  # fmt: skip

_FUNCTION_ORDERS: Final[dict[str, Callable[[StoredFunction], Any]]] = {
    "largest": lambda one: -one.size,
    "smallest": lambda one: one.size,
    "newest": lambda one: -(one.newest or 0.0),
    "oldest": lambda one: (one.oldest is None, one.oldest),  # None: it has only counts
    "entries": lambda one: -one.entries,
    "hits": lambda one: -one.counts.hits,
    "saved": lambda one: (-one.counts.money_saved, -one.counts.seconds_saved),
    "name": lambda one: one.name,
}
_HEADINGS: Final = (
    "KEY", "FUNCTION", "MADE", "USED", "SIZE", "TOOK", "PRICE", "VERSION", "TAGS", "ARGUMENTS",
)  # fmt: skip


@click.command
@click.argument("called", metavar="[FUNCTION]", required=False, shell_complete=functions)
@click.option("--rows", is_flag=True, help="List results, not functions.")
@click.option("--sort", metavar="ORDER|[-]COLUMN", help="In this order, above, or by a column.")
@click.option("-n", "--limit", type=click.IntRange(min=0), help="Show at most N; 0: all.")
@click.option("--columns", metavar="NAMES", help="Show these, of one FUNCTION: c,gamma,score.")
@click.option(
    "--where",
    "conditions",
    metavar="CONDITION",
    multiple=True,
    help="Of one FUNCTION: 'c > 1', 'model = gpt-5', 'score >= 0.9'; all that are given.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Write the table of one FUNCTION as CSV.")
@filter_options
@output_options
@click.pass_obj
def ls(
    place: Place,
    output: Output,
    where: Where,
    called: str | None,
    rows: bool,
    sort: str | None,
    limit: int | None,
    columns: str | None,
    conditions: tuple[str, ...],
    as_csv: bool,
) -> None:
    """List the functions in a store, or the results of one.

    With FUNCTION (a name, or its end behind the colon) it is a table of its results, newest first:
    their arguments, and the fields of what came out. With --rows, a pattern ('app:*'), or filters
    alone it lists results of any function; otherwise functions, the one that takes most space
    first.

    \b
    --sort, functions: largest smallest newest oldest entries hits saved name
    --sort, results:   newest oldest largest smallest slowest dearest unused key
    --sort, a table:   these, or a column: score, -score
    """
    if called is not None:
        if "function" in where:
            raise click.UsageError(f"give one of {called!r} and --function, not both")
        where["function"] = called
    name = where.get("function") or ""
    is_table = bool(name) and not rows and not {*"*?"} & {*name}
    if not is_table and (columns or conditions or as_csv):
        raise click.UsageError(
            "--columns, --where and --csv are of the table of one function: give its name, as in "
            "beautyspot ls FUNCTION --csv, and neither --rows nor a pattern"
        )
    if as_csv and output.as_json:
        raise click.UsageError("give one of --csv and --json, not both")
    of_results = rows or bool(where)
    order = sort or ("newest" if of_results else "largest")
    known = _ROW_ORDERS if of_results else tuple(_FUNCTION_ORDERS)
    if order not in known and not is_table:
        raise click.UsageError(f"--sort {order} is no order here; there are: {', '.join(known)}")
    is_short = limit is None and not (output.as_json or as_csv) and sys.stdout.isatty()
    shown = _ON_TERMINAL if is_short else limit or None
    with place.open() as store:
        where = with_function(store, where)
        if is_table:
            chosen = [each.strip() for each in columns.split(",")] if columns else []
            table = store.runs(
                name, columns=chosen, sort=order, conditions=conditions, limit=shown, **where
            )
            _list_runs(output, store, table, where, as_csv=as_csv)
        elif of_results:
            _list_rows(output, store, order, shown, where)
        else:
            _list_functions(output, store, order, limit)


def _list_runs(output: Output, store: Store, table: Runs, where: Where, *, as_csv: bool) -> None:
    if as_csv:
        for line in table.csv():
            click.echo(safe_lines(line) if sys.stdout.isatty() else line, nl=False)
    elif output.as_json:
        for run in table.runs:
            cells = {name: run.cells[name] for name in table.columns if name in run.cells}
            output.json(**row_json(run.record), cells=cells)
    else:
        show_runs(output, table, store.price_unit)
        _say_of(output, store, where, len(table.runs), more=len(table.runs) < table.total)


def _list_rows(output: Output, store: Store, order: Any, shown: int | None, where: Where) -> None:
    asked = None if shown is None else shown + 1  # one more tells whether there is more
    records = store.rows(order, asked, **where)
    if output.as_json:
        for record in islice(records, shown):
            output.json(**row_json(record))
        return
    first = list(islice(records, shown))
    show_rows(output, store, first)
    _say_of(output, store, where, len(first), more=next(records, None) is not None)


def _say_of(output: Output, store: Store, where: Where, found: int, *, more: bool) -> None:
    """Say of a list that it is empty, or that there is more."""
    if not found:
        output.say(f"nothing in {store.place} matches")
        say_unstored(output, store, where)
    elif more:
        output.say(f"these are the first {found}: -n 0 shows all")


def show_rows(output: Output, store: Store, records: Iterable[TaskRecord]) -> None:
    """Write a table of results of a store."""
    unit = store.price_unit
    output.table(
        _HEADINGS,
        (
            [
                key_of(record),
                function_of(record),
                ago(record.made_at),
                ago(record.used_at),
                size(record.size),
                duration(record.took),
                money(record.price, unit),
                record.version or NOTHING,
                ",".join(record.tags) or NOTHING,
                record.arguments or NOTHING,
            ]
            for record in records
        ),
    )


def key_of(record: TaskRecord) -> str:
    """What tells a key from others; every command takes that for the key."""
    return record.cache_key[:12]


def function_of(record: TaskRecord) -> str:
    """The function's identifier; of rows of old releases its bare name."""
    return record.func_identifier or record.func_name


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


def _list_functions(output: Output, store: Store, order: str, limit: int | None) -> None:
    found = sorted(store.functions(), key=_FUNCTION_ORDERS[order])
    shown, unit = found[: limit or None], store.price_unit
    if output.as_json:
        listed = [_function_json(one) for one in shown]
        output.json(store=store.place, price_unit=unit or None, functions=listed)
        return
    output.table(
        ("FUNCTION", "ENTRIES", "SIZE", "NEWEST", "HITS", "RUNS", "TIME SAVED", "MONEY SAVED"),
        (
            [
                one.name,
                count(one.entries),
                size(one.size),
                ago(one.newest),
                count(one.counts.hits),
                count(one.counts.runs),
                duration(one.counts.seconds_saved or None),
                money(one.counts.money_saved, unit),
            ]
            for one in shown
        ),
    )
    entries, total = sum(one.entries for one in found), sum(one.size for one in found)
    output.say(f"{entries:,} results, {size(total)}, in {store.place}")
    if unstored := [one.name for one in found if one.unstored]:
        output.say(f"not stored: {', '.join(unstored)}; beautyspot why FUNCTION says why")


def _function_json(one: StoredFunction) -> dict[str, Any]:
    counts = one.counts._asdict()
    del counts["func_identifier"], counts["hour"]
    return {
        "function": one.name,
        "entries": one.entries,
        "size": one.size,
        "oldest": iso(one.oldest),
        "newest": iso(one.newest),
        "code": one.code,
        "unstored": one.unstored,
        **counts,
    }


@click.command
@click.argument("key", metavar="KEY|FUNCTION", shell_complete=functions)
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=10, show_default=True,
    help="Show at most N runs of a FUNCTION.",
)  # fmt: skip
@output_options
@click.pass_obj
def why(place: Place, output: Output, key: str, limit: int) -> None:
    """Show why a stored call ran, and was no hit.

    It is compared with the nearest earlier run of its function: which argument, version or code
    differs. With FUNCTION, the newest runs of it, a line each. 6 hex digits or more are a KEY.
    """
    is_key = re.fullmatch("[0-9a-fA-F]{6,}", key)
    with place.open() as store:
        found = [store.why(key)] if is_key else store.why_function(key, limit)
    if output.as_json:
        for one in found:
            output.json(**_why_json(one))
    elif is_key:
        output.text(str(found[0]))
    else:
        headings = ("KEY", "MADE", "DIFFERS IN", "NEAREST", "ARGUMENTS")
        output.table(headings, map(_why_cells, found))
        output.say("beautyspot why KEY says more of one")


def _why_cells(one: Why) -> list[str]:
    return [
        key_of(one.record),
        ago(one.record.made_at),
        ", ".join(one.differs) or NOTHING,
        NOTHING if one.nearest is None else key_of(one.nearest),
        one.record.arguments or NOTHING,
    ]


def _why_json(one: Why) -> dict[str, Any]:
    return {
        "reason": one.reason,
        "differs": list(one.differs),
        "code_differs": one.code_differs,
        "run": row_json(one.record),
        "nearest": None if one.nearest is None else row_json(one.nearest),
    }

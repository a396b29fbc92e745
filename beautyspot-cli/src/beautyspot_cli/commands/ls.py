"""`beautyspot ls`: the functions in a store, or the results of one."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.command import Command
from beautyspot_cli.completing import function_or_store
from beautyspot_cli.filter_options import filter_options, with_function
from beautyspot_cli.formats import NOTHING, duration, iso, size
from beautyspot_cli.listing import row_json, show_rows
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.store_options import Place, store_options
from beautyspot_cli.words import sorted_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Store, StoredFunction, Where

    from beautyspot_cli.formats import Format

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
_ALL_ORDERS: Final = tuple(dict.fromkeys((*_ROW_ORDERS, *_FUNCTION_ORDERS)))

_HEADINGS: Final = (
    "FUNCTION", "ENTRIES", "SIZE", "OLDEST", "NEWEST", "HITS", "RUNS", "TIME SAVED",
    "MONEY SAVED",
)  # fmt: skip
_DROPPED: Final = (
    "NEWEST", "RUNS", "OLDEST", "MONEY SAVED", "TIME SAVED", "HITS", "SIZE", "ENTRIES",
)  # fmt: skip


@click.command(cls=Command)
@click.argument("words", metavar="[STORE] [FUNCTION]", nargs=-1, shell_complete=function_or_store)
@click.option("--rows", is_flag=True, help="List results, not functions.")
@click.option(
    "--sort", type=click.Choice(_ALL_ORDERS), metavar="ORDER", help="In this order, see above."
)
@click.option("-n", "--limit", type=click.IntRange(min=0), help="Show at most N; 0: all.")
@filter_options
@store_options
@output_options
def command(
    output: Output,
    place: Place,
    where: Where,
    words: tuple[str, ...],
    rows: bool,
    sort: str | None,
    limit: int | None,
) -> None:
    """List the functions in a store, or the results of one.

    With FUNCTION (a name, its end behind the colon, or a pattern: 'app:*'), with --rows or with a
    filter it lists results, newest first; otherwise functions, the one that takes most space first.

    \b
    --sort, functions: largest smallest newest oldest entries hits saved name
    --sort, results:   newest oldest largest smallest slowest dearest unused key
    """
    place, function = sorted_out(words, place, "FUNCTION")
    if function is not None:
        where["function"] = _one(function, where)
    if rows or where:
        order = _order(sort, "newest", _ROW_ORDERS)
        with place.open() as store:
            _list_rows(output, store, order, limit, with_function(store, where))
    else:
        order = _order(sort, "largest", _FUNCTION_ORDERS)
        with place.open() as store:
            _list_functions(output, store, order, limit)


def _one(function: str, where: Where) -> str:
    if "function" in where:
        raise click.UsageError(f"give one of {function!r} and --function, not both")
    return function


def _order(sort: str | None, default: str, known: Any) -> str:
    if sort is not None and sort not in known:
        raise click.UsageError(f"--sort {sort} is no order here; there are: {', '.join(known)}")
    return sort or default


def _list_rows(output: Output, store: Store, order: str, limit: int | None, where: Where) -> None:
    shown = _ON_TERMINAL if limit is None and output.on_terminal else limit or None
    asked = None if shown is None else shown + 1  # one more tells whether there is more
    of_one = not set("*?").intersection(where.get("function") or "*")
    records = store.rows(order, asked, **where)  # type: ignore[arg-type]  # click checked it
    if output.as_json:
        for record in islice(records, shown):
            output.json(**row_json(record))
    elif not (number := show_rows(output, store, islice(records, shown), of_one=of_one)):
        output.say(f"nothing in {store.place} matches")
    elif output.on_terminal and next(records, None) is not None:
        output.say(f"these are the first {number}: -n 0 shows all")


def _list_functions(output: Output, store: Store, order: str, limit: int | None) -> None:
    functions = sorted(store.functions(), key=_FUNCTION_ORDERS[order])
    shown = list(islice(functions, limit or None))
    if output.as_json:
        listed = [_function_json(one) for one in shown]
        output.json(store=store.place, price_unit=store.price_unit or None, functions=listed)
        return
    if not functions:
        output.say(f"nothing is stored in {store.place}")
        return
    output.price_in_unit_of(store)
    oldest = order == "oldest" or not output.on_terminal  # whose width is little
    output.table(
        _HEADINGS,
        (_function_cells(one, output.format, oldest) for one in shown),
        right=(1, 2, 5, 6, 7, 8),
        dropped=_DROPPED,
    )
    entries, total = sum(one.entries for one in functions), sum(one.size for one in functions)
    output.say(f"{entries:,} results, {size(total)}, in {store.place}")


def _function_cells(one: StoredFunction, form: Format, oldest: bool) -> list[str]:
    counts = one.counts
    return [
        one.name,
        form.count(one.entries),
        size(one.size),
        form.when(one.oldest) if oldest else NOTHING,
        form.when(one.newest),
        form.count(counts.hits),
        form.count(counts.runs),
        duration(counts.seconds_saved) if counts.seconds_saved else NOTHING,
        form.money(counts.money_saved),
    ]


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

"""`beautyspot stats`: what the cache saved, by function, day or hour; or what limits did."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.formats import NOTHING, count, duration, iso, moment, money
from beautyspot_cli.options import functions
from beautyspot_cli.output import output_options

if TYPE_CHECKING:
    from beautyspot import Counts

    from beautyspot_cli.options import Place
    from beautyspot_cli.output import Output

_OF_CALLS: Final = {
    "HITS": "hits",
    "RUNS": "runs",
    "FAILURES": "failures",
    "TIME SAVED": "seconds_saved",
    "TIME SPENT": "seconds_spent",
    "MONEY SAVED": "money_saved",
    "MONEY SPENT": "money_spent",
}
_OF_LIMITS: Final = {
    "GRANTS": "grants",
    "WAITS": "waits",
    "REFUSALS": "refusals",
    "TIME WAITED": "seconds_waited",
}

_TOOK: Final = ("p50", "p95")


@click.command
@click.argument("function", required=False, shell_complete=functions)
@click.option(
    "--by", type=click.Choice(("function", "week", "day", "hour")), default="function",
    show_default=True, help="What a line is.",
)  # fmt: skip
@click.option("--since", metavar="AGE|TIME", help="From then on: 7d, 2026-11-01.")
@click.option("--limits", is_flag=True, help="What limits did instead: grants, waits, refusals.")
@output_options
@click.pass_obj
def stats(
    place: Place, output: Output, function: str | None, by: str, since: str | None, limits: bool
) -> None:
    """Show hits, runs, failures, and the time and money that hits saved.

    They are counted by the hour and over all processes, and outlive the results. Days and hours
    are local, in JSON hours are in UTC; a week is called by its Monday. TIME SPENT is that of runs,
    MONEY what mark(price=) says, in the unit of Spot(price_unit=). P50 and P95: so long take half
    of the stored results, and 95 %, at most. What limits did is counted of all functions together,
    as spot.limiter; JSON has it, too.
    """
    with place.open() as store:
        pattern = None if function is None else store.function_pattern(function)
        lines: defaultdict[str, Any] = defaultdict(Counter)
        total: Any = Counter(dict.fromkeys((*_OF_CALLS.values(), *_OF_LIMITS.values()), 0))
        for one in store.counts(pattern, since):
            numbers = {name: getattr(one, name) for name in total}
            lines[_line_of(one, by, in_utc=output.as_json)].update(numbers)
            total.update(numbers)
        unit, where, named = store.price_unit, store.place, sorted(lines.items())
        of_functions = by == "function" and not limits
        took = {name: store.typical(name) for name, _ in named if of_functions}
    if output.as_json:
        listed = [
            {by: name, **line, **dict(zip(_TOOK, took.get(name) or (), strict=False))}
            for name, line in named
        ]
        output.json(store=where, by=by, price_unit=unit or None, lines=listed, total=total)
        return
    columns = _OF_LIMITS if limits else _OF_CALLS
    rows = [
        [
            name,
            *(_cell(each, line[each], unit) for each in columns.values()),
            *map(duration, took.get(name) or (None, None)),
        ]
        for name, line in named
        if any(line[each] for each in columns.values())
    ]
    output.table((by.upper(), *columns, *map(str.upper, _TOOK)), rows)
    if not rows:
        output.say(
            f"nothing was counted in {where}: a running program writes its counts once a minute, "
            "and at its end"
        )
    elif limits:
        output.say(f"in all {total['waits']:,} of {total['grants']:,} permits had to wait")
    else:
        calls, saved = total["hits"] + total["runs"], duration(total["seconds_saved"])
        more = f" and {money(total['money_saved'], unit)}" if total["money_saved"] else ""
        output.say(
            f"in all {total['hits']:,} of {calls:,} calls were hits, which saved {saved}{more}"
        )


def _line_of(counts: Counts, by: str, *, in_utc: bool) -> str:
    """What the line is called that some counts belong to."""
    if by == "function":
        return counts.func_identifier
    hour = counts.hour * 3600
    if by == "hour" and in_utc:
        return iso(hour) or NOTHING
    told = moment(hour)[: len("2026-11-26 12:04")]
    if by == "hour" or told == NOTHING:
        return told
    day = date.fromisoformat(told[: len("2026-11-26")])
    return str(day - timedelta(days=day.weekday() if by == "week" else 0))


def _cell(name: str, number: Any, unit: str) -> str:
    if name.startswith("money"):
        return money(number, unit)
    return duration(number or None) if name.startswith("seconds") else count(number)

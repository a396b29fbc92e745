"""`beautyspot stats`: what the cache saved, or limits did, by function, day or hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.command import Command
from beautyspot_cli.completing import function_or_store
from beautyspot_cli.formats import NOTHING, duration, money
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.store_options import Place, store_options
from beautyspot_cli.words import sorted_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot import Counts

    from beautyspot_cli.formats import Format

_NUMBERS: Final = (
    "hits", "runs", "failures", "seconds_saved", "seconds_spent", "money_saved", "money_spent",
)  # fmt: skip
_HEADINGS: Final = (
    "HITS", "RUNS", "FAILURES", "TIME SAVED", "TIME SPENT", "MONEY SAVED", "MONEY SPENT",
    "REFUSALS",
)  # fmt: skip
_DROPPED: Final = (
    "TIME SPENT", "MONEY SPENT", "REFUSALS", "FAILURES", "TIME SAVED", "RUNS", "MONEY SAVED",
    "HITS",
)  # fmt: skip
_OF_LIMITS: Final = ("grants", "waits", "refusals", "seconds_waited")
_LIMIT_HEADINGS: Final = ("GRANTS", "WAITS", "REFUSALS", "TIME WAITED")


def _hour(counts: Counts) -> str:
    return f"{_local(counts):%Y-%m-%d %H:%M}"


def _day(counts: Counts) -> str:
    return f"{_local(counts):%Y-%m-%d}"


def _local(counts: Counts) -> datetime:
    return datetime.fromtimestamp(counts.hour * 3600).astimezone()


def _hour_in_utc(counts: Counts) -> str:
    return f"{datetime.fromtimestamp(counts.hour * 3600, UTC):%Y-%m-%dT%H:00:00Z}"


_GROUPS: Final[dict[str, Callable[[Counts], str]]] = {
    "function": lambda counts: counts.func_identifier,
    "day": _day,
    "hour": _hour,
}


@click.command(cls=Command)
@click.argument("words", metavar="[STORE] [FUNCTION]", nargs=-1, shell_complete=function_or_store)
@click.option(
    "--by",
    type=click.Choice(tuple(_GROUPS)),
    default="function",
    show_default=True,
    help="What a line is.",
)
@click.option("--since", metavar="AGE|TIME", help="From then on: 7d, 2026-11-01.")
@click.option("--limits", is_flag=True, help="What limits did instead: grants, waits, refusals.")
@store_options
@output_options
def command(
    output: Output, place: Place, words: tuple[str, ...], by: str, since: str | None, limits: bool
) -> None:
    """Show hits, runs, failures, and the time and money that hits saved.

    They are counted by the hour and over all processes, and outlive the results. Days and hours
    are local, in JSON hours are in UTC. TIME SPENT is that of runs, MONEY what mark(price=) says,
    in the unit of Spot(price_unit=). REFUSALS are calls that a limit let not in: they are no runs.
    JSON has the other numbers of limits, too.
    """
    place, function = sorted_out(words, place, "FUNCTION")
    with place.open() as store:
        pattern = None if function is None else store.function_pattern(function)
        counts = list(store.counts(pattern, since))
        exact = output.as_json and by == "hour"
        lines = _grouped(counts, _hour_in_utc if exact else _GROUPS[by])
        total = _sum(counts)
        if output.as_json:
            _show_json(output, store, by, lines, total)
            return
        output.price_in_unit_of(store)
        about, headings, dropped, cells, told = _LIMITS if limits else _CALLS
        shown = {name: line for name, line in lines.items() if _tells(line, about)}
        if not shown:
            output.say(f"nothing was counted in {store.place}{_why_nothing(store, limits=limits)}")
            return
        rows = ([name, *cells(line, output.format)] for name, line in shown.items())
        right = range(1, 1 + len(headings))
        output.table((by.upper(), *headings), rows, right=right, dropped=dropped)
        output.say(told(total, store.price_unit))


def _tells(line: dict[str, Any], about: tuple[str, ...]) -> bool:
    """Whether something is to be told; a function that is limited alone has no calls to tell of."""
    was_only_refused = line["refusals"] and not line["grants"]
    return was_only_refused or any(line[each] for each in about)


def _why_nothing(store: Any, *, limits: bool) -> str:
    told = ": a running program writes its counts once a minute, and at its end"
    of_limits = ", of functions under a spot.limiter" if limits else ""
    return told + of_limits if store.total().entries else ""


def _grouped(counts: Iterable[Counts], group: Callable[[Counts], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Counts]] = {}
    for one in counts:
        groups.setdefault(group(one), []).append(one)
    return {name: _sum(groups[name]) for name in sorted(groups)}


def _sum(counts: Iterable[Counts]) -> dict[str, Any]:
    counts = list(counts)
    names = (*_NUMBERS, *_OF_LIMITS)
    return {name: sum(getattr(one, name) for one in counts) for name in names}


def _cells(line: dict[str, Any], form: Format) -> list[str]:
    return [
        *(form.count(line[name]) for name in _NUMBERS[:2]),
        form.rare(line["failures"]),
        *(duration(line[name]) if line[name] else NOTHING for name in _NUMBERS[3:5]),
        *(form.money(line[name]) for name in _NUMBERS[5:]),
        form.rare(line["refusals"]),
    ]


def _in_all(total: dict[str, Any], unit: str) -> str:
    calls = total["hits"] + total["runs"]
    saved = [duration(total["seconds_saved"])]
    if total["money_saved"]:
        saved.append(money(total["money_saved"], unit))
    return (
        f"in all {total['hits']:,} of {calls:,} calls were hits, which saved {' and '.join(saved)}"
    )


def _limit_cells(line: dict[str, Any], form: Format) -> list[str]:
    waited = line["seconds_waited"]
    numbers = [form.count(line[name]) for name in _OF_LIMITS[:3]]
    return [*numbers, duration(waited) if waited else NOTHING]


def _limits_in_all(total: dict[str, Any], _: str) -> str:
    waited = f", {duration(total['seconds_waited'])} together" if total["waits"] else ""
    return (
        f"in all {total['waits']:,} of {total['grants']:,} permits had to wait{waited}; "
        f"{total['refusals']:,} were refused"
    )


_CALLS: Final = (_NUMBERS, _HEADINGS, _DROPPED, _cells, _in_all)
_LIMITS: Final = (
    *(_OF_LIMITS, _LIMIT_HEADINGS, ("TIME WAITED", "WAITS", "GRANTS")),
    *(_limit_cells, _limits_in_all),
)


def _show_json(
    output: Output, store: Any, by: str, lines: dict[str, dict[str, Any]], total: dict[str, Any]
) -> None:
    named = [{by: name, **line} for name, line in lines.items()]
    unit = store.price_unit or None
    output.json(store=store.place, by=by, price_unit=unit, lines=named, total=total)

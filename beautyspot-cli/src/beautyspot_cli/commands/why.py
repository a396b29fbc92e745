"""`beautyspot why`: why a stored call ran, and was no hit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.command import Command
from beautyspot_cli.completing import function_or_store
from beautyspot_cli.formats import NOTHING, ago, moment
from beautyspot_cli.listing import code_of, function_of, row_json
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.store_options import Place, store_options
from beautyspot_cli.words import sorted_out

if TYPE_CHECKING:
    from beautyspot import TaskRecord, Why

    from beautyspot_cli.formats import Format

_KEY: Final = r"[0-9a-fA-F]{6,}"
_HEADINGS: Final = ("KEY", "MADE", "DIFFERS IN", "NEAREST", "ARGUMENTS")


@click.command(cls=Command)
@click.argument(
    "words",
    metavar="KEY|FUNCTION [STORE]",
    nargs=-1,
    required=True,
    shell_complete=function_or_store,
)
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=10, show_default=True,
    help="Show at most N runs of a FUNCTION.",
)  # fmt: skip
@store_options
@output_options
def command(output: Output, place: Place, words: tuple[str, ...], limit: int) -> None:
    """Show why a stored call ran, and was no hit.

    It is compared with the nearest earlier run of its function: which argument, version or code
    differs. With FUNCTION, the newest runs of it, a line each. 6 hex digits or more are a KEY.
    """
    place, word = sorted_out(words, place, "KEY or FUNCTION")
    if word is None:
        raise click.UsageError("why what? give a KEY, or how it begins, or a FUNCTION")
    with place.open() as store:
        if re.fullmatch(_KEY, word):
            _show_one(output, store.why(word))
        else:
            _show_several(output, store.why_function(word, limit))


def _show_one(output: Output, why: Why) -> None:
    if output.as_json:
        output.json(**_as_json(why))
        return
    lines = [("why", why.reason), *_run_lines("run", why.record)]
    if why.nearest is not None:
        lines += _run_lines("nearest", why.nearest)
    output.pairs(lines)


def _run_lines(what: str, record: TaskRecord) -> list[tuple[str, str]]:
    lines = {
        what: f"{record.cache_key} of {function_of(record)}",
        "made": f"{moment(record.made_at)} ({ago(record.made_at)})",
        "version": record.version,
        "arguments": record.arguments,
        "code": code_of(record),
    }
    return [(name, text) for name, text in lines.items() if text]


def _show_several(output: Output, whys: list[Why]) -> None:
    if output.as_json:
        for why in whys:
            output.json(**_as_json(why))
        return
    cells = (_cells(why, output.format) for why in whys)
    output.table(_HEADINGS, cells, dropped=("NEAREST", "MADE", "ARGUMENTS"))
    output.say("beautyspot why KEY says more of one")


def _cells(why: Why, form: Format) -> list[str]:
    return [
        form.key(why.record.cache_key),
        form.when(why.record.made_at),
        ", ".join(why.differs) or NOTHING,
        NOTHING if why.nearest is None else form.key(why.nearest.cache_key),
        why.record.arguments or NOTHING,
    ]


def _as_json(why: Why) -> dict[str, Any]:
    return {
        "reason": why.reason,
        "differs": list(why.differs),
        "code_differs": why.code_differs,
        "run": row_json(why.record),
        "nearest": None if why.nearest is None else row_json(why.nearest),
    }

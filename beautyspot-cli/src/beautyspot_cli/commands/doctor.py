"""`beautyspot doctor`: what is wrong with plug-ins, settings and a store, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from beautyspot_cli.command import Command
from beautyspot_cli.ending import FOUND
from beautyspot_cli.output import Output, output_options
from beautyspot_cli.store_options import Place, store_options

if TYPE_CHECKING:
    from beautyspot import Finding


@click.command(cls=Command)
@click.argument("at", metavar="[STORE]", required=False)
@click.option("--write", is_flag=True, help="Try to save a small blob too, and remove it again.")
@store_options
@output_options
def command(output: Output, place: Place, at: str | None, write: bool) -> None:
    """Find out what is wrong, or soon will be, and what to do about it.

    It opens every backend that the STORE or the configuration names, tries the credentials and
    measures round trips; it reads the whole database, and lists the blobs. Without --write it
    changes nothing. The exit status is 1 where there is a problem.
    """
    from beautyspot import examine

    place = place.at(at)
    found = examine(
        place.where(),
        name=place.name,
        storage=place.storage,
        profile=place.profile,
        config=place.config,
        write=write,
    )
    counts = {"ok": 0, "warning": 0, "problem": 0}
    for one in found:
        counts[one.state] += 1
        _show(output, one)
    if counts["problem"]:
        output.status = FOUND
    output.say(f"problems: {counts['problem']}, warnings: {counts['warning']}, ok: {counts['ok']}")


def _show(output: Output, one: Finding) -> None:
    """At once: some looks take long, and what comes next may fail."""
    if output.as_json:
        output.json(**one._asdict())
    elif not output.quiet or one.state != "ok":
        output.line(f"{one.state:8} {one.subject}: {one.text}")

"""`beautyspot plugins`: what is installed, and what of it is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from beautyspot_cli.command import Command
from beautyspot_cli.ending import FOUND
from beautyspot_cli.output import Output, output_options

if TYPE_CHECKING:
    from beautyspot import PluginInfo


@click.command(cls=Command)
@output_options
def command(output: Output) -> None:
    """List the installed plug-ins, and why a broken one is.

    BEAUTYSPOT_PLUGINS says which of them are loaded. The exit status is 1 where one is broken.
    """
    from beautyspot import plugins

    found = plugins()
    if any(one.broken for one in found):
        output.status = FOUND
    if output.as_json:
        output.json(plugins=[_as_json(one) for one in found])
        return
    output.table(("PLUG-IN", "DISTRIBUTION", "OFFERS"), map(_cells, found))
    for one in found:
        if one.broken:
            output.say(f"{one.name}: BROKEN: {one.broken}")


def _cells(one: PluginInfo) -> tuple[str, str, str]:
    offers = [f"{point}: {', '.join(names)}" for point, names in sorted(one.offers.items())]
    return one.name, f"{one.distribution} {one.version}", "; ".join(offers) or "nothing"


def _as_json(one: PluginInfo) -> dict[str, object]:
    return {
        "name": one.name,
        "distribution": one.distribution,
        "version": one.version,
        "module": one.module,
        "location": one.location,
        "offers": dict(one.offers),
        "broken": one.broken,
    }

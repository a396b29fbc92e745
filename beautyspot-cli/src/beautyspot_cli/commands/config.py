"""`beautyspot config`: the settings, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from beautyspot_cli.command import Command
from beautyspot_cli.output import Output, output_options

if TYPE_CHECKING:
    from beautyspot import Config


@click.command(cls=Command)
@click.option("--profile", help="The profile of the configuration file.")
@click.option("--config", metavar="FILE", help="The configuration file.")
@click.option("--changed", is_flag=True, help="Only those that are not at their defaults.")
@output_options
def command(output: Output, profile: str | None, config: str | None, changed: bool) -> None:
    """Show every setting, its value, and where it comes from.

    It is what a Spot gets that is made here without arguments. Secrets are not shown.
    """
    from beautyspot import Config

    found = Config.read(profile=profile, config=config)
    rows = [row for row in found.table() if not changed or row.source != "default"]
    if output.as_json:
        output.json(
            settings=[
                {"setting": row.setting, "value": _value(found, *row[:2]), "source": row.source}
                for row in rows
            ]
        )
    else:
        output.table(("SETTING", "VALUE", "FROM"), rows)


def _value(found: Config, setting: str, shown: str) -> object:
    """A plain value as JSON has it; as a text what is masked, or no JSON."""
    value = found[setting]
    is_plain = value is None or isinstance(value, str | int | float)
    return value if is_plain and repr(value) == shown else shown

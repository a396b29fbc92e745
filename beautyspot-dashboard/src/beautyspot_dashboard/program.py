"""The command line of the dashboard: `beautyspot ui`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from beautyspot_cli.options import Place, store_options
from beautyspot_cli.output import plain_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = "beautyspot ui"


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"{_NAME} {version('beautyspot-dashboard')}")
        ctx.exit()


@click.command(_NAME, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("stores", metavar="[STORE]...", nargs=-1)
@store_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where it listens; 0: at any free port.  [default: 8765, or the next that is free]",
)
@click.option("--no-browser", is_flag=True, help="Open no browser, only print the URL.")
@click.option(
    "--read-only/--no-read-only",
    default=None,
    help="Remove nothing.  [default: only where the store is not on this machine]",
)
@click.option(
    "--behind-proxy",
    metavar="URL",
    help="The URL that people open, of a proxy on this machine that authenticates them.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def command(
    stores: tuple[str, ...],
    place: Place,
    port: int | None,
    no_browser: bool,
    read_only: bool | None,
    behind_proxy: str | None,
) -> None:
    """Show in a browser what stores hold and what they saved, until Ctrl-C.

    A STORE, in place of --store, is a folder .beautyspot, a folder that holds one, a database, or a
    URL; a folder without a store yet is watched. Without one it is the .beautyspot of the working
    directory, or what a configuration file says.

    Only programs on this machine can reach it. The link that it prints opens once, in one browser;
    then it prints a new one for another. With --behind-proxy there is no link: whoever passes the
    proxy, or is on this machine, sees all results.

    Exit status: 0 when Ctrl-C or SIGTERM ended it, 2 for bad input or a taken port.
    """
    from beautyspot_dashboard.starting import start

    places = [place._replace(store=store) for store in stores] or [place]
    with plain_errors():
        start(places, port=port, opens=not no_browser, read_only=read_only, proxy=behind_proxy)


def main(arguments: Sequence[str]) -> int:
    """Run the dashboard until it is interrupted; the exit status.

    Args:
        arguments: the words behind ``beautyspot ui``.
    """
    try:
        command.main(list(arguments), prog_name=_NAME)
    except SystemExit as end:
        return int(end.code or 0)

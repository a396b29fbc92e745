"""The command line of the dashboard: `beautyspot ui`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from beautyspot import BeautyspotError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("beautyspot ui")
@click.argument("stores", metavar="[STORE]...", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, help="The port; 0: any.")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
def command(stores: tuple[str, ...], port: int, no_browser: bool) -> None:
    """Show what stores hold in a browser, at this machine alone."""
    from beautyspot_dashboard.access.rules import own_rules
    from beautyspot_dashboard.app import make_app
    from beautyspot_dashboard.opening import shelf_of
    from beautyspot_dashboard.serving import serve

    board = shelf_of(stores or (".beautyspot",), (), read_only=False)
    rules = own_rules(port)
    serve(make_app(board, rules), port, rules, opens=not no_browser)


def main(arguments: Sequence[str]) -> int:
    """Run the dashboard until it is interrupted; the exit status.

    Args:
        arguments: the words behind ``beautyspot ui``.
    """
    try:
        command.main(list(arguments), prog_name="beautyspot ui", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BeautyspotError as error:
        print(f"beautyspot: {error}", file=sys.stderr)  # noqa: T201 - it is a command line
        return 2
    return 0

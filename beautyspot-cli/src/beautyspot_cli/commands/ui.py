"""`beautyspot ui`: start the dashboard, where it is installed.

The contract: a module `beautyspot_dashboard` with a function `main(arguments)`. It gets the words
of the command line behind `ui` as a list of texts, and returns the exit status; None is 0.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from beautyspot_cli.output import Output

_MODULE: Final = "beautyspot_dashboard"


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", metavar="[STORE] [OPTIONS]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(output: Output, words: tuple[str, ...]) -> None:
    """Start the dashboard in a browser, where it is installed.

    All that follows goes to the dashboard, which says by --help what it takes.
    """
    if find_spec(_MODULE) is None:
        raise click.UsageError(
            "the dashboard is not installed: it is the distribution beautyspot-dashboard (from a "
            "clone: python -m pip install ./beautyspot-dashboard)"
        )
    output.status = import_module(_MODULE).main(list(words)) or 0

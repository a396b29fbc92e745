"""The command `beautyspot` as a whole: which commands there are, and its options."""

from __future__ import annotations

from typing import Final

import click

from beautyspot_cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "ls": "List the functions in a store, or the results of one.",
    "show": "Show one result: its call, its times, its value.",
    "stats": "Show hits, runs, failures, and the time and money that hits saved.",
    "why": "Show why a stored call ran, and was no hit.",
    "rm": "Remove results: those with the KEYs, or those that match all filters.",
    "prune": "Remove results that have expired, are old or unused, or take too much room.",
    "collect": "Remove blobs that belong to no result, and what interrupted saves have left.",
    "verify": "Read every result to its end, and say which are not what was stored.",
    "copy": "Copy results from one store into another one, which is made where there is none.",
    "doctor": "Find out what is wrong, or soon will be, and what to do about it.",
    "plugins": "List the installed plug-ins, and why a broken one is.",
    "config": "Show every setting, its value, and where it comes from.",
    "ui": "Start the dashboard in a browser, where it is installed.",
    "completion": "Print the completion script for a shell.",
}
"""Name -> its line in the help. The command is `command` in `beautyspot_cli.commands.<name>`."""


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"beautyspot {version('beautyspot-cli')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    summaries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def beautyspot() -> None:
    """See what a beautyspot cache holds and what it saved, and remove the right part of it.

    Every command takes a STORE: a folder .beautyspot, a database in it, or a URL. Without one it
    takes the .beautyspot of the working directory or of the nearest folder above, or what a
    configuration file says. Looking never changes a store, and your code is never imported.

    \b
    Exit status:
      0    good
      1    found what should not be, or not what should be
      2    bad input, or a store that can't be opened
      130  interrupted (Ctrl-C)
    """

"""The command `beautyspot` as a whole: which commands there are, and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from beautyspot_cli import counts, listing, moving, removing, runs, setup, showing
from beautyspot_cli.options import store_options
from beautyspot_cli.output import plain_errors

if TYPE_CHECKING:
    from beautyspot_cli.options import Place


class Program(click.Group):
    """A group whose commands return their exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        del ctx
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options of all commands; say of one of a command's where it belongs."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            option = error.option_name
            those = [name for name, one in self.commands.items() if option in _options_of(one)]
            if not those:
                raise
            named = next((word for word in words if word in those), "COMMAND")
            raise click.UsageError(
                f"{option} stands behind the command: beautyspot {named} {option}"
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and end the process with its status."""
        try:
            with plain_errors():
                status = super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name in _options_of(self):
                raise click.UsageError(
                    f"{error.option_name} stands before the command: "
                    f"beautyspot {error.option_name} ... {ctx.invoked_subcommand}"
                ) from None
            raise
        ctx.exit(status or 0)


def _options_of(command: click.Command) -> set[str]:
    return {name for each in command.params for name in each.opts}


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@store_options
@click.version_option(package_name="beautyspot-cli", message="beautyspot %(version)s")
@click.pass_context
def beautyspot(ctx: click.Context, place: Place) -> None:
    """See what a beautyspot cache holds and what it saved, and remove the right part of it.

    STORE is a folder .beautyspot, a database in it, or a URL. Without one it is the .beautyspot of
    the working directory or of the nearest folder above, or what a configuration file says. Looking
    never changes a store, and your code is never imported.

    \b
    Exit status:
      0    good
      1    found what should not be, or not what should be
      2    bad input, or a store that can't be opened
      130  interrupted (Ctrl-C)
    """
    ctx.obj = place


for _command in (
    *(listing.ls, showing.show, runs.compare, counts.stats, listing.why),
    *(removing.rm, removing.prune, removing.collect, moving.verify, moving.copy),
    *(setup.doctor, setup.plugins, setup.config, setup.ui, setup.completion),
):
    beautyspot.add_command(_command)

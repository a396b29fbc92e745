"""A group of commands that loads a command when it is named, and has its help without that."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from beautyspot_cli.ending import settled
from beautyspot_cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMPLETION: Final = "_BEAUTYSPOT_COMPLETE"
"""The variable by which a shell asks for completions."""


ALIASES: Final = {"cp": "copy"}
"""Other names of commands, which the help does not list."""

_MEANT: Final = {"explain": "why"}
"""The commands that do what other words say, such as the names of a Spot's methods."""


class LazyGroup(click.Group):
    """The group `beautyspot`.

    Args:
        summaries: each command's line in the help, by its name.
        options: what `click.Group` takes.
    """

    def __init__(self, *, summaries: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.summaries = summaries

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Run a command line, and end the process with its status."""
        words = sys.argv[1:] if args is None else list(args)
        name = extra.pop("prog_name", None) or "beautyspot"
        wanted = os.environ.get(COMPLETION)
        if wanted:
            from click.shell_completion import add_completion_class, shell_complete

            from beautyspot_cli.bash_completion import Bash

            add_completion_class(Bash)
            raise SystemExit(shell_complete(self, {"obj": Output()}, name, COMPLETION, wanted))
        output = Output()
        raise SystemExit(settled(lambda: self._run(name, words, output), output))

    def _run(self, name: str, words: list[str], output: Output) -> None:
        """Not by click's own `main`: it ends with status 1 where a pipe closes."""
        with self.make_context(name, words, obj=output) as ctx:
            self.invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help."""
        del ctx
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded now; None if there is none."""
        del ctx
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in self.summaries:
            return None
        module = importlib.import_module(f"beautyspot_cli.commands.{name}")
        command: click.Command = module.command
        command.name = name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; an error says which there are."""
        if ALIASES.get(args[0], args[0]) not in self.summaries and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}.{self._close_to(args[0])}")
        return super().resolve_command(ctx, args)

    def _close_to(self, word: str) -> str:
        from difflib import get_close_matches

        close = (
            [_MEANT[word]]
            if word in _MEANT
            else get_close_matches(word.lower(), self.summaries, n=1)
        )
        return (
            f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(self.summaries)}"
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, none of them loaded."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

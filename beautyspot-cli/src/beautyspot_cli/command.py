"""The class of all commands: an option that takes one value is refused when it is repeated."""

from __future__ import annotations

from collections import Counter
from typing import Final

import click

_ADVICE: Final = {
    "function": "give a pattern that matches all of them, such as 'app:*', or run the command once "
    "for each"
}
"""What to do about an option, where it is not to run the command once for each."""


class Command(click.Command):
    """A command that never takes the last of several values silently, as click does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of a command line.

        Raises:
            UsageError: they don't fit, or an option that takes one value is repeated.
        """
        words = list(args)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:  # where a shell completes, the line is not whole
            self._refuse_repeated(ctx, words)
        return rest

    def _refuse_repeated(self, ctx: click.Context, words: list[str]) -> None:
        given = Counter(self.make_parser(ctx).parse_args(words)[2])
        for parameter, times in given.items():
            takes_one = isinstance(parameter, click.Option) and not (
                parameter.is_flag or parameter.multiple or parameter.count
            )
            if takes_one and times > 1:
                advice = _ADVICE.get(parameter.name or "", "run the command once for each")
                ctx.fail(
                    f"{parameter.opts[-1]} is given {times} times, and takes one value: {advice}"
                )

"""`beautyspot completion`: the script by which a shell completes command lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from beautyspot_cli.command import Command
from beautyspot_cli.lazy_group import COMPLETION

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

SHELLS: Final = ("bash", "zsh", "fish")


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  beautyspot completion bash >> ~/.bashrc
    zsh:   beautyspot completion zsh >> ~/.zshrc
    fish:  beautyspot completion fish > ~/.config/fish/completions/beautyspot.fish

    Functions and keys complete from the store that the command line names.
    """
    made = _class_of(shell)(click.Group(), {}, "beautyspot", COMPLETION)
    # Not by its `source`, which runs bash to ask for its version.
    click.echo((made.source_template % made.source_vars()).strip())


def _class_of(shell: str) -> type[ShellComplete]:
    from click.shell_completion import FishComplete, ZshComplete

    from beautyspot_cli.bash_completion import Bash

    return {"bash": Bash, "zsh": ZshComplete, "fish": FishComplete}[shell]

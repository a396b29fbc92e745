"""How a command line ends: what else may happen to it."""

from __future__ import annotations

import errno

import beautyspot as bs
import click
import pytest
from beautyspot_cli.program import Program
from click.testing import CliRunner, Result


def ended(error: BaseException) -> Result:
    program = Program()

    @program.command
    def run() -> None:
        raise error

    return CliRunner().invoke(program, ["run"])


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "beautyspot: interrupted\n"),
        (click.Abort(), 130, "beautyspot: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "Error: No space left"),
        (PermissionError(errno.EACCES, "denied", "/x/\x1by"), 2, r"Error: /x/\x1by: denied"),
        (bs.MetadataError("the store failed"), 2, "Error: the store failed\n"),
        (bs.ConfigError("older='x': no; mark(version=1)"), 2, "--older 'x': no; mark(version=1)"),
        (bs.RecordNotFound("nothing has it"), 1, "Error: nothing has it\n"),
        (bs.RecordNotFound("several", candidates=("a", "b")), 2, "Error: several\n"),
    ],
)
def test_what_happens_to_a_command_is_one_line_and_a_status(
    error: BaseException, status: int, said: str
) -> None:
    done = ended(error)
    assert done.exit_code == status
    assert said in done.stderr


def test_a_fault_of_the_command_itself_shows_where_it_is() -> None:
    assert type(ended(ZeroDivisionError()).exception) is ZeroDivisionError

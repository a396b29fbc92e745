"""How a command line ends: what else may happen to it."""

from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

import beautyspot as bs
import click
import pytest
from beautyspot_cli.ending import settled
from beautyspot_cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Run = Callable[..., Result]


def ended(error: BaseException) -> int:
    def run() -> None:
        raise error

    return settled(run, Output())


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "beautyspot: interrupted\n"),
        (click.Abort(), 130, "beautyspot: interrupted\n"),
        (BrokenPipeError(), 0, ""),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "beautyspot: No space left"),
        (PermissionError(errno.EACCES, "denied", "/x/\x1by"), 2, r"beautyspot: /x/\x1by: denied"),
        (bs.MetadataError("the store failed"), 2, "beautyspot: the store failed\n"),
        (bs.ConfigError("older='x': no; mark(version=1)"), 2, "--older 'x': no; mark(version=1)"),
        (bs.RecordNotFound("nothing has it"), 1, "beautyspot: nothing has it\n"),
        (bs.RecordNotFound("several", candidates=("a", "b")), 2, "beautyspot: several\n"),
    ],
)
def test_what_happens_to_a_command_is_one_line_and_a_status(
    capfd: pytest.CaptureFixture[str], error: BaseException, status: int, said: str
) -> None:
    assert ended(error) == status
    assert said in capfd.readouterr().err


def test_a_fault_of_the_command_itself_shows_where_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())


def test_streams_that_a_shell_has_closed_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    assert settled(lambda: print("read by nobody"), Output()) == 0
    sys.stdout.close()
    sys.stderr.close()

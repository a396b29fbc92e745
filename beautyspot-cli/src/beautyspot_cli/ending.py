"""How a command line ends: its exit status, and the one line that says what went wrong."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from beautyspot_cli.filter_options import FILTERS
from beautyspot_cli.output import write_nowhere
from beautyspot_cli.store_options import Place
from beautyspot_cli.texts import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_cli.output import Output

FOUND: Final = 1
"""Something was found that should not be, or nothing where something should be."""

BAD: Final = 2
"""Bad input, or a store that can't be opened."""

INTERRUPTED: Final = 130
"""As a shell says it of a program that Ctrl-C ended."""

_ARGUMENTS: Final = (*Place._fields, *FILTERS, "since", "max_size", "max_entries", "grace")


def settled(run: Callable[[], object], output: Output) -> int:
    """Run a command line; its exit status."""
    _have_streams()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # some lack "é"
    try:
        status = _status(run, output)
        if status == 0 and output.lost is not None:
            raise output.lost
        sys.stdout.flush()
    except BrokenPipeError:
        status = output.status
    except OSError as exc:
        status = _failed(_described(exc))
    except Exception as exc:
        if not _is_ours(exc):
            raise
        status = _failed(_in_options(str(exc)), _status_of(exc))
    _flush_or_forget()
    return status


def _have_streams() -> None:
    """Let stdout and stderr go nowhere where the shell has closed them, as by ``>&-``."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  # until the end


def _status(run: Callable[[], object], output: Output) -> int:
    """How it ends if nothing fails that others do: the disk, the store."""
    try:
        run()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        return _failed(exc.format_message(), exc.exit_code, _help_of(exc))
    except (click.Abort, KeyboardInterrupt):
        click.echo("beautyspot: interrupted", err=True)
        return INTERRUPTED
    return output.status


def _is_ours(exc: Exception) -> bool:
    from beautyspot import BeautyspotError

    return isinstance(exc, BeautyspotError)


def _status_of(exc: Exception) -> int:
    from beautyspot import RecordNotFound

    return FOUND if isinstance(exc, RecordNotFound) and not exc.candidates else BAD


def _in_options(message: str) -> str:
    """What the library says of an argument, said of the option: ``older=`` is ``--older ``."""
    found = rf"(?<![\w(.=])({'|'.join(_ARGUMENTS)})="
    return re.sub(found, lambda name: f"--{name[1].replace('_', '-')} ", message)


def _described(exc: OSError) -> str:
    where = "" if exc.filename is None else f"{exc.filename}: "
    return f"{where}{exc.strerror or exc}"


def _failed(message: str, status: int = BAD, more: str = "") -> int:
    click.echo(f"beautyspot: {safe(message)}{more}", err=True)
    return status


def _help_of(exc: click.ClickException) -> str:
    """The line that says where the options are listed, of a mistake in a command line."""
    context = getattr(exc, "ctx", None)
    return "" if context is None else f"\nsee {context.command_path} --help"


def _flush_or_forget() -> None:
    """Have the interpreter, which flushes at its end, write nowhere if it can't write here."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError:
            write_nowhere(number)

"""Run a program of ours, or one that is installed, on hostile input: a while, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from beautyspot_dashboard.values.children.limits import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ERRORS: Final = 2000
_KEPT: Final = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
"""All that a child learns of this process's environment, which may hold keys."""


@dataclass(frozen=True)
class Ran:
    """What a child has done.

    Attributes:
        output: what it wrote; empty unless it succeeded.
        problem: what is wrong; "" if it succeeded.
    """

    output: bytes
    problem: str


def run_module(name: str, words: Sequence[str], source: Iterable[bytes], seconds: float) -> Ran:
    """Run a module of this folder, isolated from the environment and the working directory."""
    module = f"beautyspot_dashboard.values.children.{name}"
    return run([sys.executable, "-I", "-X", "utf8", "-m", module, *words], source, seconds)


def run_program(
    program: str, words: Sequence[str], source: Iterable[bytes], seconds: int, megabytes: int
) -> Ran:
    """Run an installed program within limits."""
    command = [program, *words]
    if sys.platform == "win32":
        return run(command, source, seconds)
    return run_module("limits", [str(seconds), str(megabytes), *command], source, seconds)


def run(command: Sequence[str], source: Iterable[bytes], seconds: float) -> Ran:
    """Run a command with an input, and wait for its end, but no longer than some seconds."""
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        given.writelines(source)
        given.seek(0)
        try:
            status = _status(command, given, output, errors, seconds)
        except subprocess.TimeoutExpired:
            return Ran(b"", f"it took more than {seconds:.0f} seconds")
        except OSError as error:
            return Ran(b"", f"it could not be started: {error}")
        if status != 0:
            return Ran(b"", _read(errors, _ERRORS).decode("utf-8", "replace") or _ended(status))
        made = _read(output, OUTPUT + 1)
        return Ran(made, "") if len(made) < OUTPUT else Ran(b"", "it is too large")


def _status(
    command: Sequence[str], given: IO[bytes], output: IO[bytes], errors: IO[bytes], seconds: float
) -> int:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # A name of a server: by it Graphviz knows that it may read no file which a diagram names.
    environment["SERVER_NAME"] = "beautyspot"
    process = subprocess.Popen(  # noqa: S603 - a program that this one chose, no shell
        command,
        stdin=given,
        stdout=output,
        stderr=errors,
        env=environment,
        cwd=tempfile.gettempdir(),
    )
    try:
        return process.wait(seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _read(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _ended(status: int) -> str:
    return "it used too much time or memory" if status < 0 else f"it ended with status {status}"

"""Have hostile bytes worked on by a process of its own, a while, and not for ever."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer
from typing import IO, TYPE_CHECKING, Any, Final, cast

from beautyspot_dashboard.values.child import LIMITS, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beautyspot import TaskRecord

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


def run(job: str, words: Sequence[str], source: bytes = b"") -> Ran:
    """Have a job of `child` done, isolated from the environment and the working directory.

    Args:
        job: its name; "program" runs one that is installed.
        words: what it is told.
        source: its input.
    """
    command, environment = _started(job)
    if job == "program" and sys.platform == "win32":  # where there are no limits, and no execv
        command = []
    seconds, _ = LIMITS[job]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            status = subprocess.run(  # noqa: S603 - a program that this one chose, no shell
                [*command, *words],
                input=source,
                stdout=output,
                stderr=errors,
                env=environment,
                cwd=tempfile.gettempdir(),
                timeout=seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return Ran(b"", f"it took more than {seconds} seconds")
        except OSError as error:
            return Ran(b"", f"it could not be started: {error}")
        output.seek(0)
        errors.seek(0)
        if status != 0:
            ended = f"it ended with status {status}: too much time or memory?"
            return Ran(b"", errors.read(2000).decode("utf-8", "replace") or ended)
        made = output.read(OUTPUT)
        return Ran(made, "") if len(made) < OUTPUT else Ran(b"", "it is too large")


def _started(job: str) -> tuple[list[str], dict[str, str]]:
    """The command line that starts a child, and its environment."""
    command = [sys.executable, "-I", "-X", "utf8", "-m", "beautyspot_dashboard.values.child", job]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # A name of a server: by it Graphviz knows that it may read no file which a diagram names.
    return command, environment | {"SERVER_NAME": "beautyspot"}


@contextmanager
def decoding(longest: int = 400) -> Iterator[Callable[[Sequence[TaskRecord]], list[Any]]]:
    """Gives what decodes rows in a child: the fields of each, as `Store.fields` tells them.

    The child is started for the first rows, and ends with the block. What takes it too long, or
    ends it, has no fields, nor has what comes behind that.

    Args:
        longest: characters of a text; what is longer is cut.
    """
    children: list[subprocess.Popen[bytes]] = []

    def fields(records: Sequence[TaskRecord]) -> list[Any]:
        if not children:
            command, environment = _started("fields")
            children.append(
                subprocess.Popen(  # noqa: S603 - this interpreter, no shell
                    [*command, str(longest)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    cwd=tempfile.gettempdir(),
                )
            )
        child = children[0]
        given, told = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        timer = Timer(LIMITS["fields"][0], child.kill)
        timer.start()
        try:
            given.write(pickle.dumps([tuple(each) for each in records]))
            given.flush()
            made: list[Any] = json.loads(told.readline(4 * OUTPUT))
            return made
        except (OSError, ValueError, RecursionError):
            child.kill()
            return [{} for _ in records]
        finally:
            timer.cancel()

    try:
        yield fields
    finally:
        for child in children:
            child.kill()
            child.communicate()

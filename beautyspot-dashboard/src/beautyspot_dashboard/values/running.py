"""Have hostile bytes worked on by a process of its own, a while, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values.child import LIMITS, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    command = [sys.executable, "-I", "-X", "utf8", "-m", "beautyspot_dashboard.values.child", job]
    if job == "program" and sys.platform == "win32":  # where there are no limits, and no execv
        command = []
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    # A name of a server: by it Graphviz knows that it may read no file which a diagram names.
    environment["SERVER_NAME"] = "beautyspot"
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

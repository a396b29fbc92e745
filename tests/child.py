"""`Child`: another Python process of a test, which prints lines and waits to be told to go on."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import IO, Final, Self, cast

_LONGEST: Final = 60.0
"""Seconds that another process may take."""

_PREAMBLE = """
import sys
from beautyspot.contracts import TaskRecord
def say(word): print(word, flush=True)
def wait(): sys.stdin.readline()
"""


class Child:
    """Another Python process, which prints lines; killed after a minute, so that no test hangs."""

    def __init__(self, code: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and the suite's own code
            [sys.executable, "-c", _PREAMBLE + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watchdog = threading.Timer(_LONGEST, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def heard(self) -> str:
        """Its next line."""
        return cast("IO[str]", self._process.stdout).readline().strip()

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def go_on(self) -> None:
        """End its `wait`."""
        stdin = cast("IO[str]", self._process.stdin)
        stdin.write("\n")
        stdin.flush()

    def expect_success(self) -> None:
        """Wait for its end."""
        self._process.communicate()
        self._watchdog.cancel()
        assert self._process.returncode == 0, "the other process failed: see its output"

    def kill(self) -> None:
        """Kill the process, without a chance for its Python code to react."""
        self._process.kill()
        self._process.communicate()
        self._watchdog.cancel()

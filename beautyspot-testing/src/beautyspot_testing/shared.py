"""What the suites share: their switches, other processes, and a class with its type support."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, Self, cast

import pytest
from beautyspot.contracts import TypeSupport

if TYPE_CHECKING:
    from collections.abc import Callable


class Switches:
    """The base of the suites: class attributes say what a backend need not promise."""

    def _needs(self, *abilities: str) -> None:
        """Skip the test unless all of these switches are on."""
        for ability in abilities:
            if not getattr(self, ability):
                pytest.skip(f"the suite's switch says so: {ability} = False")


class Plain:
    """An object with a state."""

    def __init__(self, state: object) -> None:
        self.state = state


class PlainTypes(TypeSupport):
    """Says what counts of a `Plain` and how to store it, as a plug-in would."""

    name = "plain"
    classes = (f"{__name__}:Plain",)

    def key(self, value: Plain) -> object:
        """See `TypeSupport.key`."""
        return value.state

    def encode(self, value: Plain) -> object:
        """See `TypeSupport.encode`."""
        return value.state

    def decode(self, value: object) -> Plain:
        """See `TypeSupport.decode`."""
        return Plain(value)


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


def json_of_another_process(code: str) -> Any:
    """What another Python process prints as JSON; its hashes of texts are others than here."""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(  # noqa: S603 - our own interpreter and the suite's own code
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "4294967295", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the other process failed:\n{done.stderr}"
    return json.loads(done.stdout)


def in_forked_child(work: Callable[[], str]) -> str:
    """What `work` returns in a child made by `os.fork`; fails with its traceback.

    Skips the test where there is no fork. A child that hangs is killed after a minute.
    """
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: it is what is tested
        child = os.fork()
    if not child:
        _be_the_child(work, writer)  # pragma: no cover - in the child, which measures nothing
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        said, _, rest = pipe.read().partition("\n")
    os.waitpid(child, 0)
    assert said, "the forked child ended without an answer: it crashed, or hung for a minute"
    assert said == "done", f"in the forked child: {rest}"
    return rest


def _be_the_child(work: Callable[[], str], writer: int) -> None:  # pragma: no cover - not measured
    """Never returns: pytest goes on in the parent alone."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(round(_LONGEST))
        try:
            said = f"done\n{work()}"
        except BaseException:  # the parent reports any error
            said = f"failed\n{traceback.format_exc()}"
        with suppress(OSError):
            os.write(writer, said.encode())
    finally:
        os._exit(0)

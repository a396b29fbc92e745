"""What the suites share: their switches, other processes, and a class with its type support."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

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


def in_forked_child(work: Callable[[], object]) -> None:
    """Call `work` in a forked child; fails where it does, or after a minute.

    Skips the test where there is no fork.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork on this system")
    child = multiprocessing.get_context("fork").Process(target=work)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: it is what is tested
        child.start()
    child.join(60)
    code = child.exitcode
    child.kill()
    child.join()
    assert code == 0, f"the forked child hung for a minute, or ended by {code}: see its error above"

"""What the suites share: their switches, other processes, and a class with its type support."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from beautyspot.contracts import TypeSupport


class Switches:
    """The base of the suites: class attributes say what a backend need not promise."""

    def _needs(self, *abilities: str) -> None:
        """Skip the test unless all of these switches are on."""
        for ability in abilities:
            if not getattr(self, ability):
                pytest.skip(f"the suite's switch says so: {ability} = False")


def source_of(cls: type, name: str) -> str | None:
    """Python source that makes an instance and calls it `name`; None where no name leads to it."""
    if cls.__module__ == "__main__" or "." in cls.__qualname__:
        return None
    return f"from {cls.__module__} import {cls.__qualname__} as made\n{name} = made()"


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

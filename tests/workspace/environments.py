"""Builds the wheels, and makes environments that hold nothing but what is installed from them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_LIST = """
import importlib.metadata, json
print(json.dumps({one.name: one.version for one in importlib.metadata.distributions()}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a program that must end well."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def build(folder: Path, source: Path) -> None:
    """Put the source archive of a distribution into a folder, and the wheel made *from that*."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source, cwd=folder)


class Environment:
    """An environment with nothing in it, not even pip: this one's pip installs into it."""

    def __init__(self, folder: Path, dist: Path) -> None:
        self.folder = folder
        self._dist = dist
        run(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
        bin_ = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        self.python = bin_ / ("python.exe" if os.name == "nt" else "python")

    def install(self, *what: str) -> None:
        """Install from the built wheels, and what they require from wherever pip finds it."""
        pip = (sys.executable, "-m", "pip", "--python", self.python)
        run(*pip, "install", "--quiet", "--find-links", self._dist, *what, cwd=self.folder)

    def installed(self) -> dict[str, str]:
        """Distribution -> version."""
        listed: dict[str, str] = json.loads(self.run(_LIST))
        return listed

    def run(self, program: str) -> str:
        """The output of a program, run in the environment and in a folder of its own."""
        return run(self.python, "-I", "-W", "error", "-c", program, cwd=self.folder)

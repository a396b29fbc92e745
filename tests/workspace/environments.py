"""Builds the wheels, and makes environments that hold nothing but what is installed from them.

`Environment.install` takes what ours require from the environment that the tests run in: as pip
would choose, but nothing is fetched or compiled, which takes a tenth of a second where pip takes
several. All environments share the files of a wheel, and so its bytecode.
`Environment.pip_install` is the real thing, for tests that are marked slow.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

_LIST = """
import importlib.metadata, json
print(json.dumps({one.name: one.version for one in importlib.metadata.distributions()}))
"""

_BUILD = """
import os, sys
from hatchling.build import build_wheel
folder, *sources = sys.argv[1:]
for source in sources:
    os.chdir(source)
    build_wheel(folder)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a program that must end well."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def build_wheels(folder: Path, *sources: Path) -> None:
    """Put the wheel of each distribution into a folder."""
    run(sys.executable, "-c", _BUILD, folder, *sources, cwd=folder)


def build_archives(folder: Path, *sources: Path) -> list[Path]:
    """Put the source archive of each distribution into a folder."""
    run(sys.executable, "-c", _BUILD.replace("wheel", "sdist"), folder, *sources, cwd=folder)
    return sorted(folder.glob("*.tar.gz"))


def build_from_archives(folder: Path, *sources: Path) -> None:
    """Put the source archive of each distribution into a folder, and the wheel made *from that*."""
    for source in sources:
        command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source)
        run(*command, cwd=folder)


class Environment:
    """An environment with nothing in it, not even pip.

    Args:
        folder: an empty one, for the environment and for what runs in it.
        dist: a folder with the wheels of ours.
    """

    def __init__(self, folder: Path, dist: Path) -> None:
        self.folder = folder
        self._wheels = {path.name.partition("-")[0]: path for path in dist.glob("*.whl")}
        self._dist = dist
        venv.create(folder / "env", symlinks=os.name != "nt")
        bin_ = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        self.python = bin_ / ("python.exe" if os.name == "nt" else "python")
        bases = {"base": str(folder / "env"), "platbase": str(folder / "env")}
        self._packages = Path(sysconfig.get_path("purelib", vars=bases))
        self._installed: set[tuple[str, frozenset[str]]] = set()

    def install(self, *what: str) -> None:
        """Install our wheels, and what they require out of the environment of the tests."""
        for requirement in map(Requirement, what):
            self._install(requirement)

    def _install(self, requirement: Requirement) -> None:
        name = requirement.name.replace("-", "_").lower()
        if (name, frozenset(requirement.extras)) in self._installed:
            return
        self._installed.add((name, frozenset(requirement.extras)))
        if name in self._wheels:
            self._link(*_unpacked(self._wheels[name].resolve()).iterdir())
        else:
            self._link(*_tops(importlib.metadata.distribution(requirement.name)))
        found = importlib.metadata.distributions(name=requirement.name, path=[str(self._packages)])
        [distribution] = found
        assert requirement.specifier.contains(distribution.version, prereleases=True)
        for needed in map(Requirement, distribution.requires or ()):
            if _applies(needed, requirement.extras):
                self._install(needed)

    def _link(self, *tops: Path) -> None:
        for top in tops:
            if not (self._packages / top.name).exists():
                (self._packages / top.name).symlink_to(top)

    def pip_install(self, *what: str) -> None:
        """Install from the built wheels, and what they require from wherever pip finds it."""
        pip = (sys.executable, "-m", "pip", "--python", self.python)
        options = ("install", "--quiet", "--no-compile", "--find-links", self._dist)
        run(*pip, *options, *what, cwd=self.folder)

    def installed(self) -> dict[str, str]:
        """Distribution -> version."""
        listed: dict[str, str] = json.loads(self.run(_LIST))
        return listed

    def run(self, program: str) -> str:
        """The output of a program, run in the environment and in a folder of its own."""
        return run(self.python, "-I", "-W", "error", "-c", program, cwd=self.folder)


def _unpacked(wheel: Path) -> Path:
    """A folder beside a wheel, with what the wheel holds."""
    folder = wheel.with_suffix("")
    if not folder.exists():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return folder


def _tops(distribution: importlib.metadata.Distribution) -> list[Path]:
    """Its packages and its metadata, and nothing that lies beside `site-packages`."""
    names = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
    return [Path(str(distribution.locate_file(name))) for name in names]


def _applies(needed: Requirement, extras: Iterable[str]) -> bool:
    if needed.marker is None:
        return True
    return any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))

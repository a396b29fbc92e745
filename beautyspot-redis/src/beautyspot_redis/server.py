"""The connection to a Redis or Valkey server: made when first needed, once a process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import BeautyspotError, MetadataBusyError, MetadataError

from beautyspot_redis.address import Address, parsed
from beautyspot_redis.clients import client_of
from beautyspot_redis.failures import Translated

if TYPE_CHECKING:
    from collections.abc import Sequence

OLDEST: Final = (6, 2)
"""The version of Redis that a server has to have at least; every Valkey is newer."""

_NEWER: Final = "take Redis 6.2, Valkey 7.2 or newer"

_OTHER_MODE: Final = {
    b"cluster": ("it is a node of a cluster", "write redis+cluster://host:port"),
    b"sentinel": (
        "it is a Sentinel and holds no data",
        "write redis+sentinel://host:26379/service, or the port of the server itself (6379)",
    ),
    b"standalone": ("it is no node of a cluster", "write redis://host:port"),
}


class Server:
    """A server, a service behind Sentinels, or a cluster, and the one client of this process.

    It is asked inside a block that turns what goes wrong into errors of beautyspot::

        with server.translated:
            return server.client.get(name)

    All threads share the client. A forked child makes one of its own: on a socket shared with its
    parent, each would read the other's answers. A command whose connection breaks is sent once
    more, over a new one, so each must be right when it is run twice. One that gets no answer within
    the time-out is not: its caller has waited long enough.

    Args:
        url: see `beautyspot_redis.address`; None is the environment's `REDIS_URL`.
        failed: the class of what is raised.
        busy: the class of that after which the same call may succeed in a moment.
        options: the fields of `Options` there.

    Attributes:
        address: where it is.
        is_cluster: whether keys have to lie in one slot to be asked for together.
        translated: the block, for any number of threads at once.

    Raises:
        ConfigError: the URL or an option is wrong, or they contradict each other.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        failed: type[BeautyspotError] = MetadataError,
        busy: type[BeautyspotError] = MetadataBusyError,
        **options: Any,
    ) -> None:
        self.address: Final[Address] = parsed(url, options)
        self.is_cluster: Final = self.address.mode == "cluster"
        self.translated: Final = Translated(self.address, failed, busy)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._client: Any = None
        self._failed: BeautyspotError | None = None  # the last failure to connect

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        return str(self.address)

    @property
    def client(self) -> Any:
        """The client of redis-py, which answers bytes.

        Raises:
            BeautyspotError: the server can't be reached, or is none that can be used; the next
                call tries again.
        """
        if self._pid != os.getpid():
            # The parent's lock may have been held at the fork, and would be for ever.
            self._lock, self._client, self._pid = threading.RLock(), None, os.getpid()
        client = self._client
        return self._made() if client is None else client

    def _made(self) -> Any:
        """Connect; threads that wait for that fail with it, or each would wait a time-out more."""
        tried = self._failed
        with self._lock:
            failed = self._failed
            if self._client is None and failed is not None and failed is not tried:
                raise _like(failed)
            try:
                made = self._client or self._connected()
            except BeautyspotError as error:
                self._failed = _like(error)
                raise
            self._client = self._client or made  # a handler may have made one
            return self._client

    def _connected(self) -> Any:
        with self.translated:
            client = client_of(self.address)
            try:
                self._greet(client)
            except BaseException:
                client.close()
                raise
            self.translated.reached = True
            return client

    def _greet(self, client: Any) -> None:
        """Refuse a server that is too old, or is of another mode than the address says.

        Raises:
            BeautyspotError: it is; says what to write, or to install.
        """
        from redis.exceptions import NoPermissionError, ResponseError

        target = {"target_nodes": client.get_random_node()} if self.is_cluster else {}
        try:
            answer = client.execute_command("HELLO", **target)
        except NoPermissionError:
            return  # what it is shows when it is used
        except ResponseError as error:
            if "HELLO" not in str(error).upper():
                raise
            raise self.translated.refused("it does not know HELLO", _NEWER) from None
        told = dict(zip(answer[::2], answer[1::2], strict=False))
        mode, wanted = told.get(b"mode", b""), b"cluster" if self.is_cluster else b"standalone"
        if mode != wanted and mode in _OTHER_MODE:
            raise self.translated.refused(*_OTHER_MODE[mode])
        version = told.get(b"version", b"").decode()
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
        if told.get(b"server") == b"redis" and len(numbers) == 2 and numbers < OLDEST:
            raise self.translated.refused(f"it is Redis {version}", _NEWER)

    def masters(self) -> Sequence[Any]:
        """A client for each server that holds keys: for SCAN, and what else is asked of each."""
        if not self.is_cluster:
            return [self.client]
        client = self.client
        return [client.get_redis_connection(node) for node in client.get_primaries()]

    def close(self) -> None:
        """Close its connections, unless they are a parent's."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    def __repr__(self) -> str:
        """Where it is, without credentials."""
        return f"<Server {self.url}>"


def _like(error: BeautyspotError) -> BeautyspotError:
    """The same error once more, for another thread, without what its traceback keeps alive."""
    return type(error)(*error.args)

"""A Redis or Valkey server, and how it is asked: by redis-py's connections, in one round trip each.

There are two kinds of questions: a command, and a script, which the server runs in one step.
"""

from __future__ import annotations

import hashlib
import os
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Lock
from beautyspot.contracts.failures import Failures
from beautyspot.errors import BeautyspotError, MetadataBusyError, MetadataError
from beautyspot_local.remote.places import Places

from beautyspot_redis.address import Address, parsed
from beautyspot_redis.failures import ADVICE, BUSY, OTHERWISE, code

if TYPE_CHECKING:
    from collections.abc import Sequence

IDLE: Final = 30.0
"""Seconds after which a connection is tried by a PING before it is used again: firewalls forget
those that idle, without a word to either side."""


class Script:
    """A script, by its digest; the server is sent the text where it does not know it.

    It forgets scripts by SCRIPT FLUSH, by a restart, and at a failover; and it may drop those that
    came by EVAL when they are many (Redis 7.4: 500).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Server:
    """A server, a service behind Sentinels, or a cluster, and the one client of this process.

    It is asked inside a block that turns what goes wrong into errors of beautyspot::

        with server.failures:
            return server.ask("GET", name)

    All threads share the client, whose connections are as many as there are threads that ask at the
    same moment, and no more than `connections`. A forked child makes a client of its own: on a
    socket shared with its parent, each would read the other's answers. A command whose connection
    breaks is sent once more, over a new one, so each must be right when it is run twice, but for
    those that are sent `once`. One that gets no answer within the time-out is not sent again: its
    caller has waited long enough.

    Args:
        url: see `beautyspot_redis.address`; None is the environment's `REDIS_URL`.
        failed: the class of what is raised.
        busy: the class of that after which the same call may succeed in a moment.
        options: those of `RedisMetadataStore` that are not about its content.

    Attributes:
        address: where it is.
        url: the same for messages, without credentials.
        failures: the block, for any number of threads at once.

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
        self.url: Final = self.address.url
        self.failures: Final = Failures(
            self.url,
            code,
            ADVICE,
            OTHERWISE,
            busy=BUSY,
            secrets=self.address.secrets,
            failed=failed,
            busy_error=busy,
        )
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._client: Any = None
        self._making = Lock()
        self._places = Places(self.address.options["connections"])

    def ask(self, *command: Any, once: bool = False) -> Any:
        """The answer to one command; texts in it are bytes.

        Args:
            command: its name and its arguments.
            once: whether it is never sent again, since it must not be run twice.

        Raises:
            RedisError: it failed.
            BeautyspotError: all connections were in use until the time-out.
        """
        if self._pid != os.getpid():
            self._begin()  # another thread of the parent may have held what is not free
        options = self.address.options
        with self._places.one(monotonic() + options["timeout"]) as is_free:
            if not is_free:
                why = "all of its connections are in use"
                raise self.failures.refused(why, "raise connections=")
            for left in range(0 if once else options["retries"], -1, -1):
                try:
                    return self._answer(command)
                except Exception as error:
                    from redis.exceptions import ConnectionError as Broken

                    if not left or not isinstance(error, Broken):
                        raise
        raise AssertionError("the last try returns or raises")

    def run(
        self, script: Script, keys: Sequence[str | bytes], *values: Any, once: bool = False
    ) -> Any:
        """What a script returns, in one round trip, or two where the server does not know it.

        The arguments are those of `ask`.
        """
        try:
            return self.ask("EVALSHA", script.digest, len(keys), *keys, *values, once=once)
        except Exception as error:
            if type(error).__name__ != "NoScriptError":
                raise
        return self.ask("EVAL", script.text, len(keys), *keys, *values, once=once)

    def _answer(self, command: tuple[Any, ...]) -> Any:
        """What the client's `execute_command` does with a connection, without what it does besides.

        That takes a third as long again: callbacks, counting, retries.
        """
        client = self._client
        if client is None:
            with self._making:  # else threads that come first together make one each
                client = self._client = self._client or client_of(self.address)
        if self.address.kind == "cluster":
            return client.execute_command(*command)
        pool = client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_command(*command)
            return connection.read_response()
        except BaseException as error:  # a Ctrl-C too: the next command must not read this answer
            from redis.exceptions import ResponseError

            if not isinstance(error, ResponseError):
                connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def close(self) -> None:
        """Close its connections, unless they are a parent's; they are made again when asked for."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()
            if self.address.kind == "sentinel":  # it leaves open what it asked them over
                for each in client.connection_pool.sentinel_manager.sentinels:
                    each.close()


def prefix_of(namespace: str) -> str:
    """How all names of a namespace begin: with a hash tag, so that they lie in one slot."""
    return f"{{beautyspot:{namespace}}}:"


def client_of(address: Address) -> Any:
    """A client of redis-py, which tries nothing twice; that of a cluster connects at once.

    `Server.ask` bounds its connections: a bound of its own would count what a Ctrl-C has kept.
    """
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    given = address.options
    encrypting = {name: value for name, value in given.items() if name.startswith("ssl_")}
    common: dict[str, Any] = {
        "username": given.get("username"),
        "password": given.get("password"),
        **({"ssl": True, **encrypting} if address.tls else {}),
        "socket_timeout": given["timeout"],
        "socket_connect_timeout": given["timeout"],
        "health_check_interval": IDLE,
        "protocol": 2,  # every version speaks it, and every answer has one form
        "retry": Retry(NoBackoff(), 0),
    }
    if address.path:
        return redis.Redis(unix_socket_path=address.path, db=given["db"], **common)
    common["socket_keepalive"] = True
    if address.kind == "cluster":
        from redis import cluster

        node: Any = cluster.ClusterNode  # redis-py leaves it without types
        nodes = [node(host, port) for host, port in address.hosts]
        try:
            return cluster.RedisCluster(startup_nodes=nodes, **common)
        except BaseException:  # nobody else gets hold of what it has opened
            for each in nodes:
                if each.redis_connection is not None:
                    each.redis_connection.close()
            raise
    if address.kind == "sentinel":
        from redis import sentinel

        # They are asked one after the other, and again at each try, as long in all as a server.
        each = max(0.05, given["timeout"] / len(address.hosts) / (1 + given["retries"]))
        asking = {
            **common,
            "username": given.get("sentinel_username"),
            "password": given.get("sentinel_password"),
            "socket_timeout": each,
            "socket_connect_timeout": each,
        }
        make: Any = sentinel.Sentinel  # as above
        watched = make(address.hosts, sentinel_kwargs=asking)
        return watched.master_for(address.service, db=given["db"], **common)
    [(host, port)] = address.hosts
    return redis.Redis(host, port, db=given["db"], **common)

"""What went wrong at a server, as errors of beautyspot that say what to do.

Messages hold the server's error code or the exception's class, never its text, in which a server
may repeat what it was sent. The text is in the chained cause, unless a password is in it.

The codes: https://redis.io/docs/latest/develop/reference/protocol-spec/ and the sources of Valkey.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from beautyspot.errors import BeautyspotError

if TYPE_CHECKING:
    from types import TracebackType

    from beautyspot_redis.address import Address

_REACH: Final = "start the server, or correct the address, the firewall or the network"
_CREDENTIALS: Final = (
    "correct user and password, in the URL, as username= and password=, or in the environment "
    "variables REDIS_USERNAME and REDIS_PASSWORD"
)
_GRANT: Final = (
    "grant the user by ACL SETUSER the commands and keys that the README of beautyspot-redis lists "
    "(in a cluster also +cluster|slots)"
)
_CLUSTER: Final = "the server is a node of a cluster: write redis+cluster://host:port"
_FAILOVER: Final = (
    "it is a replica, as the former master after a failover: name the master, or have it found by "
    "redis+sentinel:// or redis+cluster://"
)
_MEMORY: Final = (
    "the server is full: raise its maxmemory, set its maxmemory-policy to allkeys-lru, or remove "
    "results by `beautyspot prune`"
)
_INSTALL: Final = "redis-py, or what it needs, is not installed here: pip install 'redis>=6.4'"
_LOADING: Final = "the server is just reading its data: try again in a moment"
_PART: Final = "part of the cluster is down or failing over: see `redis-cli cluster info`"

_ADVICE: Final = {
    "ConnectionError": _REACH,
    "ImportError": _INSTALL,
    "ModuleNotFoundError": _INSTALL,
    "TimeoutError": (
        "no answer within the time-out: see why server or network are slow, or raise timeout="
    ),
    "MaxConnectionsError": "too many connections at once: use fewer threads",
    "AuthenticationError": _CREDENTIALS,
    "AuthenticationWrongNumberOfArgsError": _CREDENTIALS,
    "AuthorizationError": _CREDENTIALS,
    "NoPermissionError": _GRANT,
    "BusyLoadingError": _LOADING,
    "TryAgainError": "the cluster is just moving slots: try again in a moment",
    "ClusterDownError": _PART,
    "MasterDownError": _PART,
    "SlotNotCoveredError": _PART,
    "ClusterError": _PART,
    "RedisClusterException": "start the cluster's nodes, or correct their addresses",
    "ClusterCrossSlotError": _CLUSTER,
    "MovedError": _CLUSTER,
    "AskError": _CLUSTER,
    "ReadOnlyError": _FAILOVER,
    "OutOfMemoryError": _MEMORY,
    "MasterNotFoundError": (
        "no Sentinel knows a master of this service: correct the service's name, or start "
        "Sentinels and master"
    ),
    "Sentinels' credentials": (
        "the Sentinels have a password of their own: give sentinel_password=, and "
        "sentinel_username= where they know users; or it is the server's port, and not theirs"
    ),
    "no TLS": "the server hung up at once: if it speaks TLS, write rediss://, else see its log",
    "DENIED": "the server takes no connections of other machines: set a password and its bind",
    "maxclients": "the server has as many connections as it takes: raise its maxclients",
    "UNKILLABLE": "a script that has written runs on the server: wait, or restart it",
    "BUSY": "a script runs on the server: wait, or end it by SCRIPT KILL",
    "MISCONF": "the server can't save its data to disk: see its log, or free its disk",
    "NOREPLICAS": "the server has fewer replicas than its min-replicas-to-write: start them",
    "ACL": _GRANT,  # of a command in a script
    "WRONGTYPE": "another program uses the same names: choose another namespace= or database",
    "no such database": (
        "the server has fewer databases than this number, 16 where its setting `databases` says "
        "nothing else: write a smaller one, or leave it out"
    ),
    "ERR": "see the server's log, and that it is Redis 6.2, Valkey 7.2 or newer",
    "InvalidResponse": "what answers there is no Redis: correct the address",
    "certificate": (
        "the server's certificate is not trusted here, or is another host's: name its authority "
        "by ssl_ca_certs=, and the host as in the certificate"
    ),
    "TLS": (
        "there was no connection with TLS: see that the server runs, that this port speaks TLS "
        "(else write redis://), and whether it wants a certificate (ssl_certfile and ssl_keyfile)"
    ),
    "not a cluster": "the server is no node of a cluster: write redis:// in place of redis+cluster://",
    "not a Sentinel": "what answers there is a server and no Sentinel: write redis://host:port",
}

_BUSY: Final = frozenset({"BusyLoadingError", "TryAgainError", "BUSY"})
"""After these the same call may succeed in a moment."""

_OTHERWISE: Final = (
    "it gave an answer that is not understood: see whether another program uses the same names "
    "(namespace= or another database keeps them apart)"
)


class Translated:
    """A block around what asks the server: its errors leave as errors of beautyspot.

    Args:
        address: for messages.
        failed: the class of these errors.
        busy: the class of those after which the same call may succeed in a moment.

    Attributes:
        reached: whether there was an answer once, so that the address is good.
    """

    __slots__ = ("_address", "_busy", "_failed", "reached")

    def __init__(
        self, address: Address, failed: type[BeautyspotError], busy: type[BeautyspotError]
    ) -> None:
        self._address = address
        self._failed = failed
        self._busy = busy
        self.reached = False

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise what the error means."""
        if isinstance(error, Exception):
            self.leave(error)

    def leave(self, error: Exception) -> NoReturn:
        """Raise what the error means, as the end of the block does."""
        if isinstance(error, BeautyspotError):
            raise error
        raise self.failure(error) from self._cause(error)

    def failure(self, error: BaseException) -> BeautyspotError:
        """What an error of redis-py means, to be raised."""
        found = code(error)
        if not self.reached:
            found = _code_at_first(found, str(error).lower(), tls=self._address.tls)
        made = self._busy if found in _BUSY else self._failed
        advice = _ADVICE.get(found, _OTHERWISE)
        if found == "AuthenticationError" and self._address.are_from_environment:
            advice = f"the credentials are those of the environment: {advice}"
        return made(f"{self._address} failed ({found}): {advice}")

    def refused(self, why: str, advice: str) -> BeautyspotError:
        """The error about a server that answers, and can't be used, to be raised."""
        return self._failed(f"{self._address} can't be used, since {why}: {advice}")

    def _cause(self, error: BaseException) -> BaseException | None:
        """The error, if its texts, and those of its own causes, repeat no password."""
        passwords = (
            self._address.credentials.get("password"),
            self._address.options.sentinel_password,
        )
        secrets = [password for password in passwords if password]
        each: BaseException | None = error
        while each is not None:
            if any(secret in str(each) for secret in secrets):
                return None
            each = each.__cause__ or each.__context__
        return error


def code(error: BaseException) -> str:
    """The server's error code where redis-py has no class for it, else the name of the class.

    A certificate that is not trusted has a code of its own: redis-py says that there is no
    connection.
    """
    name, text = type(error).__name__, str(error)
    if name == "ResponseError":
        return _code_of_response(text)
    if name == "RedisClusterException":
        return _code_of_cluster(error, text)
    if name == "MasterNotFoundError" and "AuthenticationError" in text:
        return "Sentinels' credentials"
    if name == "ConnectionError":
        return _code_of_connection(text)
    return name


def _code_of_connection(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "certificate"
    return "maxclients" if "max number of clients" in text else "ConnectionError"


def _code_of_response(text: str) -> str:
    if "unknown command" in text and "SENTINEL" in text.upper():
        return "not a Sentinel"
    if "DB index is out of range" in text:
        return "no such database"
    if "@user_script" in text:
        return _code_in_script(text)
    match = re.match(r"[A-Z]{3,20}(?= |$)", text)
    return match[0] if match else "ERR"


def _code_in_script(text: str) -> str:
    """Of an error in a script, for which there is no class: Redis 6 tells it as the script's."""
    if "ACL failure" in text or "user executing the script" in text:
        return "NoPermissionError"
    classes = {"OOM": "OutOfMemoryError", "READONLY": "ReadOnlyError"}
    match = re.search(r"^([A-Z]{3,20}) |@user_script: ?\d+: -?([A-Z]{3,20}) ", text)
    found = (match[1] or match[2]) if match else "ERR"
    return classes.get(found, found)


def _code_of_cluster(error: BaseException, text: str) -> str:
    """What lies behind an error about all nodes: redis-py has it as the cause, or in the text.

    It says of a node that it is none of a cluster, too, where the user may not ask.
    """
    cause = error.__cause__ or error.__context__
    found = type(error).__name__ if cause is None else code(cause)
    if "mode is not enabled" in text and found != "NoPermissionError":
        return "not a cluster"
    return found


def _code_at_first(found: str, text: str, *, tls: bool) -> str:
    """The code, or that it looks as if one of both sides speaks TLS, and the other does not."""
    broke = found == "ConnectionError" and any(word in text for word in _BROKE)
    if tls:
        return "TLS" if broke or (found == "TimeoutError" and "connecting" in text) else found
    return "no TLS" if broke else found


_BROKE: Final = ("reset", "closed", "broken pipe", "ssl")
"""What redis-py says of a connection that the other side ended."""

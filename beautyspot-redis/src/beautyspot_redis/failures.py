"""What goes wrong at a server: by its code, what to do.

The codes: https://redis.io/docs/latest/develop/reference/protocol-spec/ and the sources of Valkey.
"""

from __future__ import annotations

import re
from typing import Final

_CREDENTIALS: Final = (
    "correct user and password, in the URL, as username= and password=, or in the environment "
    "variables REDIS_USERNAME and REDIS_PASSWORD"
)
_GRANT: Final = (
    "grant the user by ACL SETUSER the commands and keys that the README of beautyspot-redis lists "
    "(in a cluster also +cluster|slots)"
)
_CLUSTER: Final = "the server is a node of a cluster: write redis+cluster://host:port"
_ERR: Final = "see that it is a server, no Sentinel, of Redis 6.2, Valkey 7.2 or newer, and its log"
_INSTALL: Final = "redis-py, or what it needs, is not installed here: pip install 'redis>=6.4'"
_PART: Final = "part of the cluster is down or failing over: see `redis-cli cluster info`"

ADVICE: Final = {
    "ConnectionError": (
        "start the server, or correct the address, the firewall or the network; if the server "
        "speaks TLS, write rediss:// in place of redis://, and give ssl_certfile= and ssl_keyfile= "
        "where it wants a certificate"
    ),
    "ImportError": _INSTALL,
    "ModuleNotFoundError": _INSTALL,
    "TimeoutError": (
        "no answer within the time-out: see why server or network are slow, or raise timeout=; if "
        "the server speaks no TLS, write redis:// in place of rediss://"
    ),
    "Authentication": _CREDENTIALS,
    "AuthorizationError": _CREDENTIALS,
    "NoPermissionError": _GRANT,
    "BusyLoadingError": "the server is just reading its data: try again in a moment",
    "TryAgainError": "the cluster is just moving slots: try again in a moment",
    "ClusterDownError": _PART,
    "MasterDownError": _PART,
    "SlotNotCoveredError": _PART,
    "ClusterError": _PART,
    "RedisClusterException": "start the cluster's nodes, or correct their addresses",
    "ClusterCrossSlotError": _CLUSTER,
    "MovedError": _CLUSTER,
    "AskError": _CLUSTER,
    "ReadOnlyError": (
        "it is a replica, as the former master after a failover: name the master, or have it found "
        "by redis+sentinel:// or redis+cluster://"
    ),
    "OutOfMemoryError": (
        "the server is full: raise its maxmemory, set its maxmemory-policy to allkeys-lru, or "
        "remove results by `beautyspot prune`"
    ),
    "MasterNotFoundError": (
        "no Sentinel knows a master of this service: correct the service's name, or start "
        "Sentinels and master"
    ),
    "Sentinels' credentials": (
        "the Sentinels have a password of their own: give sentinel_password=, and "
        "sentinel_username= where they know users; or it is the server's port, and not theirs"
    ),
    "DENIED": "the server takes no connections of other machines: set a password and its bind",
    "maxclients": (
        "the server has as many connections as it takes: raise its maxclients, or lower "
        "connections= of each process"
    ),
    "ERR": _ERR,
    "UNKILLABLE": "a script that has written runs on the server: wait, or restart it",
    "BUSY": "a script runs on the server: wait, or end it by SCRIPT KILL",
    "MISCONF": "the server can't save its data to disk: see its log, or free its disk",
    "NOREPLICAS": "the server has fewer replicas than its min-replicas-to-write: start them",
    "WRONGTYPE": "another program uses the same names: choose another namespace= or database",
    "no such database": (
        "the server has fewer databases than this number, 16 where its setting `databases` says "
        "nothing else: write a smaller one, or leave it out"
    ),
    "ResponseError": _ERR,
    "InvalidResponse": "what answers there is no Redis: correct the address",
    "certificate": (
        "the server's certificate is not trusted here, or is another host's: name its authority "
        "by ssl_ca_certs=, and the host as in the certificate"
    ),
    "TLS": (
        "there was no connection with TLS: see that this port speaks TLS (else write redis://), "
        "and whether it wants a certificate (ssl_certfile= and ssl_keyfile=)"
    ),
    "not a cluster": "the server is no node of a cluster: write redis:// in place of redis+cluster://",
    "not a Sentinel": "what answers there is a server and no Sentinel: write redis://host:port",
}

OTHERWISE: Final = (
    "it gave an answer that is not understood: see whether another program uses the same names "
    "(namespace= or another database keeps them apart)"
)

BUSY: Final = frozenset({"BusyLoadingError", "TryAgainError", "BUSY"})
"""After these the same call may succeed in a moment."""

_TOLD: Final = {
    "CERTIFICATE_VERIFY_FAILED": "certificate",
    "SSL": "TLS",
    "max number of clients": "maxclients",
    "DB index is out of range": "no such database",
    "mode is not enabled": "not a cluster",
    "SENTINEL": "not a Sentinel",
    "ACL failure": "NoPermissionError",
    "user executing the script": "NoPermissionError",  # as Redis 6 says it
    "-OOM ": "OutOfMemoryError",
    "-READONLY ": "ReadOnlyError",
}
"""Words of errors for which redis-py has no class."""


def code(error: BaseException) -> str:
    """The server's error code where redis-py has no class for it, else the name of the class."""
    name, text = type(error).__name__, str(error)
    cause = error.__cause__ or error.__context__
    may_not = type(cause).__name__ == "NoPermissionError"
    if name == "RedisClusterException" and cause and (may_not or "mode is not" not in text):
        return code(cause)  # it says of all nodes that they can't be used, whyever
    if name == "MasterNotFoundError" and "AuthenticationError" in text:
        return "Sentinels' credentials"
    if name not in ("ConnectionError", "ResponseError", "RedisClusterException"):
        return name
    coded = re.search(r"(?:^|: -?)([A-Z]{3,20})(?= |$)", text)  # Redis 6 has it inside
    found = coded[1] if coded and name == "ResponseError" else name
    return next((told for words, told in _TOLD.items() if words in text), found)

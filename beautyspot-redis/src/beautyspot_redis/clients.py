"""The client of redis-py for an address: how long it waits, how often it tries, what it checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from beautyspot_redis.address import Address

IDLE: Final = 30.0
"""Seconds after which a connection is tried by a PING before it is used again: firewalls forget
those that idle, without a word to either side."""

_CONNECTIONS: Final = 2**31
"""As many as there are threads that ask at once; by itself redis-py fails at the hundred and first.
"""

_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def client_of(address: Address) -> Any:
    """A client, which answers bytes; that of a cluster connects at once.

    A command whose connection breaks is sent once more, over a new one. One that gets no answer
    within the time-out is not: its caller has waited long enough.
    """
    makes = {"server": _of_server, "sentinel": _behind_sentinels, "cluster": _of_cluster}
    return makes[address.mode](address)


def _of_server(address: Address) -> Any:
    import redis

    options = {"db": address.db, "retry": _retry(address.options.retries), **_common(address)}
    if address.path is not None:
        return redis.Redis(unix_socket_path=address.path, **options)
    [(host, port)] = address.hosts
    return redis.Redis(host, port, socket_keepalive=True, **options)


def _behind_sentinels(address: Address) -> Any:
    from redis import sentinel

    options = address.options
    # They are asked one after the other, and again at each try, for as long in all as a server.
    timeout = max(0.05, options.timeout / len(address.hosts) / (1 + options.retries))
    asking = {
        "username": options.sentinel_username,
        "password": options.sentinel_password,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": _retry(0),
        "protocol": 2,
        **_tls(address),
    }
    make: Any = sentinel.Sentinel  # redis-py leaves it without types
    return make(address.hosts, sentinel_kwargs=asking).master_for(
        address.service,
        db=address.db,
        retry=_retry(options.retries),
        socket_keepalive=True,
        **_common(address),
    )


def _of_cluster(address: Address) -> Any:
    from redis import cluster

    node: Any = cluster.ClusterNode  # as above
    return cluster.RedisCluster(
        startup_nodes=[node(host, port) for host, port in address.hosts],
        retry=_retry(address.options.retries),
        socket_keepalive=True,
        **_common(address),
    )


def _common(address: Address) -> dict[str, Any]:
    return {
        **address.credentials,
        **_tls(address),
        "socket_timeout": address.options.timeout,
        "socket_connect_timeout": address.options.timeout,
        "health_check_interval": IDLE,
        "max_connections": _CONNECTIONS,
        "protocol": 2,  # every version speaks it, and every answer has one form
    }


def _tls(address: Address) -> dict[str, Any]:
    if not address.tls:
        return {}
    given = {name: getattr(address.options, name) for name in _FILES}
    return {
        "ssl": True,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": address.options.ssl_check_hostname,
        **{name: str(path) for name, path in given.items() if path is not None},
    }


def _retry(times: int) -> Any:
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as Broken
    from redis.retry import Retry

    return Retry(NoBackoff(), times, supported_errors=(Broken,))

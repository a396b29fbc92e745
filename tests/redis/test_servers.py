"""The servers that tests start: each of them is what its name says, and comes and goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
from servers import tls, valkey

if TYPE_CHECKING:
    from pathlib import Path


def test_a_server_keeps_its_port_and_password_over_a_restart(
    redis_server: valkey.Valkey, tmp_path: Path
) -> None:
    """`redis_server` is asked for, so that the test is skipped where there is no program."""
    with valkey.running(tmp_path / "own", password="pass") as server:
        assert server.port != redis_server.port
        server.ask("SET", "a", 1)
        server.restart()
        assert server.ask("GET", "a") is None
        with server.client(password=None) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_a_frozen_server_takes_connections_and_answers_nothing(
    redis_server: valkey.Valkey, tmp_path: Path
) -> None:
    with valkey.running(tmp_path / "own") as server, server.client(socket_timeout=0.1) as client:
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.thaw()
        client.ping()


def test_users_a_socket_and_options(redis_server: valkey.Valkey, tmp_path: Path) -> None:
    users = {"bob": "on >hi ~* +@all"}
    own = valkey.running(tmp_path / "own", unix=True, users=users, maxmemory="9mb")
    with own as server, server.client(username="bob", password="hi") as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(9 * 2**20)}
        with redis.Redis(unix_socket_path=server.socket) as near:
            assert near.ping()


def test_tls_before_a_server(redis_server: valkey.Valkey, certificates: tls.Certificates) -> None:
    with tls.before(redis_server.port, certificates) as port:
        trusting = {"ssl": True, "ssl_ca_certs": str(certificates.authority)}
        with redis.Redis("127.0.0.1", port, **trusting) as client:
            assert client.ping()
        suspicious = redis.Redis("127.0.0.1", port, ssl=True, retry=None)
        with suspicious, pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            suspicious.ping()


def test_a_cluster_serves_all_slots(redis_cluster: valkey.Cluster) -> None:
    with redis.RedisCluster("127.0.0.1", redis_cluster.nodes[1].port) as client:
        client.mset_nonatomic({f"key{number}": number for number in range(20)})
        assert len(client.get_primaries()) == 3


@pytest.mark.slow
def test_a_failover_makes_the_replica_the_master(redis_sentinel: valkey.Watched) -> None:
    before = redis_sentinel.master
    before.ask("SET", "a", 1)
    redis_sentinel.fail_over()
    assert redis_sentinel.master is not before
    redis_sentinel.master.ask("SET", "a", 2)

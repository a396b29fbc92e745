"""How a server is reached, by each kind of address, also while it comes and goes."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.contracts import Grant
from beautyspot.errors import BeautyspotError, MetadataError
from beautyspot_redis import RedisLimiter
from beautyspot_redis.server import Script, Server
from redis.connection import ConnectionPool
from servers import proxy, tls, valkey
from servers.ports import free_port

ADD = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@contextlib.contextmanager
def reached(url: str, **options: Any) -> Iterator[Server]:
    server = Server(url, **options)
    try:
        yield server
    finally:
        server.close()


def ask(server: Server, *command: Any) -> Any:
    with server.failures:
        return server.ask(*command)


def add(server: Server, name: str, number: int = 1) -> Any:
    with server.failures:
        return server.run(ADD, [name], number)


def ping(server: Server) -> Any:
    return ask(server, "PING")


# ------------------------------------------------------------------------------------ connections


def test_what_interrupts_keep_does_not_run_out(
    redis_server: valkey.Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come where a connection was just taken, and nobody gives it back."""
    real = ConnectionPool.get_connection

    def interrupted(*args: Any, **options: Any) -> Any:
        real(*args, **options)
        raise KeyboardInterrupt

    with reached(redis_server.url, connections=2, timeout=0.2) as server:
        with monkeypatch.context() as patched:
            patched.setattr(ConnectionPool, "get_connection", interrupted)
            for _ in range(3):
                with pytest.raises(KeyboardInterrupt):
                    ping(server)
        assert ping(server) == b"PONG"


def test_threads_share_connections_and_open_no_more_than_they_may(
    redis_server: valkey.Valkey, namespace: str
) -> None:
    with (
        proxy.Link(redis_server.port) as link,
        reached(f"redis://127.0.0.1:{link.port}", connections=3) as server,
    ):
        for number in range(5):
            add(server, namespace, number)
        assert link.connections == 1, "one after the other needs one"
        link.delay = 0.01
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda _: add(server, namespace), range(36)))
        assert link.connections == 3
        assert add(server, namespace) == 47
        ask(server, "DEL", namespace)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["redis_url", "redis_cluster"])
def test_a_forked_child_makes_connections_of_its_own(
    request: pytest.FixtureRequest, kind: str, namespace: str
) -> None:
    found = request.getfixturevalue(kind)
    with reached(getattr(found, "url", found), connections=1) as server:
        add(server, namespace, 5)
        child = os.fork()
        if child == 0:
            try:
                good = add(server, namespace, 7) == 12
                server.close()
            except BaseException:
                good = False
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert [add(server, namespace, 0) for _ in range(3)] == [12] * 3
        ask(server, "DEL", namespace)


# ------------------------------------------------------------------------------- coming and going


def test_a_connection_that_the_server_closed_is_made_anew(redis_server: valkey.Valkey) -> None:
    with reached(redis_server.url, retries=0) as server:
        number = ask(server, "CLIENT", "ID")
        redis_server.ask("CLIENT", "KILL", "ID", number)
        assert ask(server, "CLIENT", "ID") != number


def test_a_restart_costs_an_error_at_most_while_it_lasts(own: valkey.Valkey) -> None:
    with reached(own.url) as server:
        assert add(server, "n") == 1
        own.kill()
        for _ in range(2):
            with pytest.raises(MetadataError, match="start the server"):
                ping(server)
        own.start()
        assert add(server, "n") == 1, "it has forgotten the script as well"
        own.restart()
        assert add(server, "n") == 1


def test_what_gets_no_answer_in_time_is_not_sent_again(redis_server: valkey.Valkey) -> None:
    release = threading.Event()
    with proxy.Proxy(redis_server.port) as between:
        between.plan += [proxy.hold(release)] * 9
        impatient = reached(between.url.replace("http", "redis"), timeout=0.5)
        with impatient as server, pytest.raises(MetadataError, match="raise timeout="):
            ping(server)
        release.set()
        assert between.connections == 1


@contextlib.contextmanager
def answering(answers: Callable[[bytes], bytes]) -> Iterator[str]:
    """The address of something that gives these answers to commands; an empty one hangs up."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            answer = b"begin"
            while answer and (head := self.rfile.readline()):
                parts = [self._part() for _ in range(int(head[1:]))]
                answer = answers(parts[0].upper())
                self.wfile.write(answer)

        def _part(self) -> bytes:
            size = int(self.rfile.readline()[1:])
            return self.rfile.read(size + 2)[:size]

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_command_whose_connection_breaks_is_sent_once_more(retries: int) -> None:
    """But not what a limiter corrects, which must not be done twice."""
    sent: list[bytes] = []

    def hang_up(command: bytes) -> bytes:
        sent.append(command)
        return b"" if command in (b"GET", b"EVALSHA") else b"+PONG\r\n"

    with answering(hang_up) as url, reached(url, retries=retries) as server:
        with pytest.raises(MetadataError, match="start the server"):
            ask(server, "GET", "a")
        assert sent.count(b"GET") == 1 + retries
        limiter = RedisLimiter(url, rate=1, retries=retries)
        with pytest.raises(BeautyspotError, match="start the server"):
            limiter.settle(Grant(0.0, {"rate": 5.0}, stamp=(0.0, 0.0)), 0)
        assert sent.count(b"EVALSHA") == 1
        limiter.close()


# ------------------------------------------------------------------------------- kinds of address


def test_a_socket_and_a_database(redis_server: valkey.Valkey, tmp_path: Path) -> None:
    own = valkey.running(tmp_path / "own", unix=True, password="p w@")
    with own as server, reached(f"unix://:p%20w%40@{server.socket}", db=3) as near:
        ask(near, "SET", "a", 1)
        with reached(server.url.replace("p w@", "p%20w%40"), db=3) as far:
            assert ask(far, "GET", "a") == b"1"
        with reached(f"{server.url.replace('p w@', 'p%20w%40')}/0") as other:
            assert ask(other, "GET", "a") is None


def test_tls(redis_server: valkey.Valkey, certificates: tls.Certificates) -> None:
    trust = {"ssl_ca_certs": certificates.authority}
    with tls.before(redis_server.port, certificates) as port:
        with reached(f"rediss://127.0.0.1:{port}", **trust) as server:
            assert ping(server)
        with reached(f"rediss://localhost:{port}", **trust, ssl_check_hostname=False) as server:
            assert ping(server)
        for url, options, says in (
            (f"valkeys://127.0.0.1:{port}", {}, "ssl_ca_certs="),
            (f"rediss://localhost:{port}", trust, "host as in the certificate"),
            (f"redis://127.0.0.1:{port}", {}, "write rediss://"),
            (redis_server.url.replace("redis", "rediss"), {"timeout": 0.1}, "write redis://"),
        ):
            with reached(url, **options) as server, pytest.raises(MetadataError, match=says):
                ping(server)


def test_tls_that_asks_for_a_certificate(
    redis_server: valkey.Valkey, certificates: tls.Certificates
) -> None:
    with tls.before(redis_server.port, certificates, asks_client=True) as port:
        url, trust = f"rediss://127.0.0.1:{port}", {"ssl_ca_certs": certificates.authority}
        pair = {"ssl_certfile": certificates.client, "ssl_keyfile": str(certificates.client_key)}
        with reached(url, **trust, **pair) as server:
            assert ping(server)
        with (
            reached(url, **trust) as server,
            pytest.raises(MetadataError, match="ssl_certfile= and ssl_keyfile="),
        ):
            ping(server)


def test_a_cluster_by_any_of_its_nodes(redis_cluster: valkey.Cluster, namespace: str) -> None:
    gone = free_port()
    last = redis_cluster.nodes[-1].host_and_port
    names = [f"{namespace}{number}" for number in range(9)]
    with reached(f"valkey+cluster://127.0.0.1:{gone},{last}") as server:
        for _ in range(2):
            counts = [add(server, name, number) for number, name in enumerate(names)]
            for node in redis_cluster.nodes:
                node.ask("SCRIPT", "FLUSH")
        assert counts == [2 * number for number in range(9)]
        for name in names:
            ask(server, "DEL", name)
    with (
        reached(f"redis+cluster://127.0.0.1:{gone}") as server,
        pytest.raises(MetadataError, match="start the server"),
    ):
        ask(server, "GET", namespace)


def test_a_service_behind_sentinels(redis_sentinel: valkey.Watched) -> None:
    down = f"redis+sentinel://127.0.0.1:{free_port()},{redis_sentinel.hosts}"
    with reached(f"{down}/{redis_sentinel.service}/1") as server:
        assert b" db=1 " in ask(server, "CLIENT", "INFO")
        assert ask(server, "ROLE")[0] == b"master"
    with (
        reached(f"{redis_sentinel.url}x") as server,
        pytest.raises(MetadataError, match="correct the service's name"),
    ):
        ping(server)


# ------------------------------------------------------------------ servers that can't be used


def test_a_server_of_another_mode(
    redis_server: valkey.Valkey,
    redis_cluster: valkey.Cluster,
    redis_sentinel: valkey.Watched,
    namespace: str,
) -> None:
    for url, says in (
        (redis_cluster.nodes[0].url, "write redis+cluster://"),
        (redis_server.url.replace("redis:", "redis+cluster:"), "write redis://"),
        (redis_server.url.replace("redis:", "redis+sentinel:") + "/main", "no Sentinel"),
        (redis_sentinel.sentinels[0].url, "a server, no Sentinel"),
    ):
        with reached(url) as server, pytest.raises(MetadataError, match=re.escape(says)):
            add_to_many(server, namespace)


def test_no_connection_is_left_to_the_garbage_collector(
    redis_server: valkey.Valkey, redis_sentinel: valkey.Watched
) -> None:
    """Of what can't be used, and of Sentinels after one that is down."""
    down = f"redis+sentinel://127.0.0.1:{free_port()},{redis_sentinel.hosts}"
    for asked, url in (
        (redis_server, redis_server.url.replace("redis:", "redis+cluster:")),
        (redis_sentinel.sentinels[0], f"{down}/{redis_sentinel.service}"),
    ):
        before = asked.ask("CLIENT", "LIST").count(b"cmd=")
        gc.disable()
        try:
            with reached(url) as server, contextlib.suppress(MetadataError):
                ping(server)
            assert valkey.until(lambda: asked.ask("CLIENT", "LIST").count(b"cmd=") == before)
        finally:
            gc.enable()


def add_to_many(server: Server, namespace: str) -> None:
    """To names of which some are another node's, in a cluster."""
    for number in range(20):
        add(server, f"{namespace}{number}")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"-ERR unknown command\r\n", "Redis 6.2, Valkey 7.2 or newer"),
        (b"-DENIED Redis is running in protected mode\r\n", "set a password"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Redis"),
    ],
)
def test_a_server_that_is_too_old_or_something_else(answer: bytes, says: str) -> None:
    with answering(lambda _: answer) as url, reached(url) as server:
        for _ in range(2):
            with pytest.raises(MetadataError, match=re.escape(says)):
                ping(server)

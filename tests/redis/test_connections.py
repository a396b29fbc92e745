"""How a server is reached, by each kind of address, also while it comes and goes."""

from __future__ import annotations

import contextlib
import os
import re
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot_redis.asking import Script, each
from beautyspot_redis.clients import IDLE
from beautyspot_redis.server import Server
from servers import proxy, tls, valkey
from servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def reached(url: str, **options: Any) -> Iterator[Server]:
    server = Server(url, **options)
    try:
        yield server
    finally:
        server.close()


def ping(server: Server) -> Any:
    with server.translated:
        return server.client.ping()


# ------------------------------------------------------------------------------------- one client


def test_all_threads_have_one_client_which_is_made_when_first_needed(redis_url: str) -> None:
    with reached(redis_url) as server:
        ready, found = threading.Barrier(8), set()

        def ask() -> None:
            ready.wait(60)
            found.add(id(server.client))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 1


def test_more_threads_than_redis_py_has_connections_for(redis_server: valkey.Valkey) -> None:
    """By itself it fails at the hundred and first that waits for an answer."""
    with reached(redis_server.url) as server:
        answers: list[Any] = []

        def wait(number: int) -> None:
            with server.translated:
                answers.append(server.client.blpop([f"wait{number}"], timeout=4))

        threads = [threading.Thread(target=wait, args=(number,)) for number in range(110)]
        for thread in threads:
            thread.start()
        assert valkey.until(lambda: server.client.info("clients")["blocked_clients"] == 110)
        for number in range(110):
            server.client.rpush(f"wait{number}", 1)
        for thread in threads:
            thread.join()
        assert len(answers) == 110
        assert all(answers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["redis_url", "redis_cluster"])
def test_a_forked_child_makes_a_client_of_its_own(
    request: pytest.FixtureRequest, kind: str, namespace: str
) -> None:
    found = request.getfixturevalue(kind)
    with reached(getattr(found, "url", found)) as server:
        client = server.client
        client.set(namespace, "parent")
        child = os.fork()
        if child == 0:
            try:
                own = server.client
                own.set(namespace, "child")
                good = own is not client and own.get(namespace) == b"child"
                server.close()
            except BaseException:
                good = False
            os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert server.client is client
        assert [client.get(namespace) for _ in range(3)] == [b"child"] * 3
        client.delete(namespace)


# ------------------------------------------------------------------------------- coming and going


def test_a_connection_that_the_server_closed_is_made_anew(redis_server: valkey.Valkey) -> None:
    with reached(redis_server.url) as server:
        number = server.client.client_id()
        redis_server.ask("CLIENT", "KILL", "ID", number)
        assert ping(server)
        assert server.client.client_id() != number


def test_a_restart_costs_an_error_at_most_while_it_lasts(
    redis_server: valkey.Valkey, tmp_path: Path
) -> None:
    script = Script("return redis.call('INCR', KEYS[1])")
    with valkey.running(tmp_path / "own") as own, reached(own.url) as server:
        assert script.run(server.client, ["n"]) == 1
        own.kill()
        for _ in range(2):
            with pytest.raises(MetadataError, match="start the server"):
                ping(server)
        own.start()
        with server.translated:
            assert script.run(server.client, ["n"]) == 1  # it has forgotten the script as well
            own.restart()
            assert script.run(server.client, ["n"]) == 1


def test_what_gets_no_answer_in_time_is_not_sent_again(redis_server: valkey.Valkey) -> None:
    release = threading.Event()
    with proxy.Proxy(redis_server.port) as between:
        between.plan += [proxy.hold(release)] * 9
        impatient = reached(between.url.replace("http", "redis"), timeout=0.05)
        with impatient as server, pytest.raises(MetadataError, match="raise timeout="):
            ping(server)
        release.set()
        assert between.connections == 1


# ------------------------------------------------------------------------------- kinds of address


def test_a_socket_and_a_database(redis_server: valkey.Valkey, tmp_path: Path) -> None:
    own = valkey.running(tmp_path / "own", unix=True, password="p w@")
    with own as server, reached(f"unix://:p%20w%40@{server.socket}?db=3") as near:
        near.client.set("a", 1)
        with reached(server.url.replace("p w@", "p%20w%40"), db=3) as far:
            assert far.client.get("a") == b"1"
        with reached(f"{server.url.replace('p w@', 'p%20w%40')}/0") as other:
            assert other.client.get("a") is None


def test_tls(redis_server: valkey.Valkey, certificates: tls.Certificates) -> None:
    trust = {"ssl_ca_certs": certificates.authority}
    with tls.before(redis_server.port, certificates) as port:
        with reached(f"rediss://127.0.0.1:{port}", **trust) as server:
            assert ping(server)
        with (
            reached(f"valkeys://127.0.0.1:{port}") as server,
            pytest.raises(MetadataError, match="ssl_ca_certs="),
        ):
            ping(server)
        with (
            reached(f"rediss://localhost:{port}", **trust) as server,
            pytest.raises(MetadataError, match="host as in the certificate"),
        ):
            ping(server)
        with reached(f"rediss://localhost:{port}", **trust, ssl_check_hostname=False) as server:
            assert ping(server)
        with (
            reached(f"redis://127.0.0.1:{port}") as server,
            pytest.raises(MetadataError, match="write rediss://"),
        ):
            ping(server)
    with (
        reached(redis_server.url.replace("redis", "rediss"), timeout=0.1) as server,
        pytest.raises(MetadataError, match="else write redis://"),
    ):
        ping(server)


def test_tls_that_asks_for_a_certificate(
    redis_server: valkey.Valkey, certificates: tls.Certificates
) -> None:
    with tls.before(redis_server.port, certificates, asks_client=True) as port:
        url = f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificates.authority}"
        pair = {"ssl_certfile": certificates.client, "ssl_keyfile": str(certificates.client_key)}
        with reached(url, **pair) as server:
            assert ping(server)
        with (
            reached(url) as server,
            pytest.raises(MetadataError, match="ssl_certfile and ssl_keyfile"),
        ):
            ping(server)


def test_a_cluster(redis_cluster: valkey.Cluster, namespace: str) -> None:
    add = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    with reached(redis_cluster.url) as server:
        assert server.is_cluster
        keys = [f"{namespace}{number}" for number in range(9)]
        for _ in range(2):
            counts = [add.run(server.client, [key], number) for number, key in enumerate(keys)]
            for master in server.masters():
                master.script_flush()
        assert counts == [2 * number for number in range(9)]
        held = [len(list(each.scan_iter(f"{namespace}*"))) for each in server.masters()]
        assert (sum(held), len(held)) == (9, 3)
        server.client.delete(*keys)


def test_a_cluster_by_any_of_its_nodes(redis_cluster: valkey.Cluster) -> None:
    gone = free_port()
    last = redis_cluster.nodes[-1].host_and_port
    with reached(f"valkey+cluster://127.0.0.1:{gone},{last}") as server:
        assert len(server.masters()) == 3
    with (
        reached(f"redis+cluster://127.0.0.1:{gone}") as server,
        pytest.raises(MetadataError, match="start the server"),
    ):
        ping(server)


@pytest.mark.slow
def test_a_cluster_that_loses_a_master_fails_over(
    redis_server: valkey.Valkey, tmp_path: Path
) -> None:
    keys = [f"key{number}" for number in range(20)]
    own = valkey.cluster(tmp_path / "cluster", replicas=True)
    with own as cluster, reached(cluster.url, timeout=1.0) as server:
        for key in keys:
            server.client.set(key, 1)
            server.client.wait(1, 1000)
        cluster.nodes[0].kill()

        def all_are_back() -> bool:
            try:
                with server.translated:
                    return [server.client.get(key) for key in keys] == [b"1"] * 20
            except MetadataError:
                return False

        assert valkey.until(all_are_back)


def test_a_service_behind_sentinels(redis_sentinel: valkey.Watched) -> None:
    down = f"redis+sentinel://127.0.0.1:{free_port()},{redis_sentinel.hosts}"
    with reached(f"{down}/{redis_sentinel.service}/1") as server:
        assert ping(server)
        assert server.client.client_info()["db"] == 1
        assert server.client.role()[0] == b"master"
        asked = server.client.connection_pool.sentinel_manager.sentinels
        waits = [one.connection_pool.connection_kwargs["socket_timeout"] for one in asked]
        assert (
            2 * sum(waits) == server.address.options.timeout
        )  # at two tries, as long as a server may take
    with (
        reached(f"{redis_sentinel.url}x") as server,
        pytest.raises(MetadataError, match="correct the service's name"),
    ):
        ping(server)
    with (
        reached(redis_sentinel.sentinels[0].url) as server,
        pytest.raises(MetadataError, match=re.escape("redis+sentinel://host:26379/service")),
    ):
        ping(server)


@pytest.mark.slow
def test_after_a_failover_the_new_master_is_found(
    redis_sentinel: valkey.Watched, namespace: str
) -> None:
    with reached(redis_sentinel.url, timeout=2.0) as server:
        server.client.set(namespace, 1)
        server.client.wait(1, 1000)
        redis_sentinel.fail_over()

        def is_there() -> bool:
            try:
                with server.translated:
                    server.client.set(f"{namespace}2", 1)  # never a replica
                    return bool(server.client.get(namespace) == b"1")
            except MetadataError:
                return False

        assert valkey.until(is_there)


# ------------------------------------------------------------------ servers that can't be used


def test_a_server_of_another_mode(
    redis_server: valkey.Valkey, redis_cluster: valkey.Cluster
) -> None:
    for url, says in (
        (redis_cluster.nodes[0].url, "write redis+cluster://"),
        (redis_server.url.replace("redis:", "redis+cluster:"), "write redis://"),
        (redis_server.url.replace("redis:", "redis+sentinel:") + "/main", "no Sentinel"),
    ):
        with reached(url) as server, pytest.raises(MetadataError, match=re.escape(says)):
            ping(server)


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


def hello(server: str, version: str) -> Callable[[bytes], bytes]:
    fields = ["server", server, "version", version, "mode", "standalone"]
    told = f"*{len(fields)}\r\n" + "".join(f"${len(each)}\r\n{each}\r\n" for each in fields)
    return lambda command: told.encode() if command == b"HELLO" else b"+PONG\r\n"


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (hello("redis", "6.0.16"), "it is Redis 6.0.16: take Redis 6.2"),
        (lambda command: b"-ERR unknown command '%s'\r\n" % command, "does not know HELLO"),
        (lambda command: b"-DENIED Redis is running in protected mode\r\n", "set a password"),
        (lambda command: b"HTTP/1.1 400 Bad Request\r\n\r\n", "no Redis"),
    ],
)
def test_a_server_that_is_too_old_or_something_else(
    answers: Callable[[bytes], bytes], says: str
) -> None:
    with answering(answers) as url, reached(url) as server:
        for _ in range(2):
            with pytest.raises(MetadataError, match=re.escape(says)):
                ping(server)


@pytest.mark.parametrize(
    "answers",
    [
        hello("redis", "6.2.0"),
        hello("redis", "255.255.255"),
        hello("redis", "unstable"),
        hello("valkey", "1.0"),
        lambda command: b"-NOPERM no\r\n" if command == b"HELLO" else b"+PONG\r\n",
    ],
)
def test_a_server_that_may_be_good_is_used(answers: Callable[[bytes], bytes]) -> None:
    with answering(answers) as url, reached(url) as server:
        assert ping(server)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_command_whose_connection_breaks_is_sent_once_more(retries: int) -> None:
    sent: list[bytes] = []

    def hang_up(command: bytes) -> bytes:
        sent.append(command)
        return b"" if command == b"GET" else hello("redis", "8.0.0")(command)

    with answering(hang_up) as url, reached(url, retries=retries) as server:
        with pytest.raises(MetadataError, match="start the server"), server.translated:
            server.client.get("a")
        assert sent.count(b"GET") == 1 + retries


def test_a_command_that_gets_through_the_second_time(redis_server: valkey.Valkey) -> None:
    with proxy.Proxy(redis_server.port) as between:
        between.plan += [proxy.reset]
        with reached(between.url.replace("http", "redis")) as server:
            assert ping(server)
        assert between.connections == 2


@pytest.mark.parametrize("kind", ["redis_server", "redis_cluster"])
def test_scripts_that_are_run_together_survive_a_flush(
    request: pytest.FixtureRequest, kind: str, namespace: str
) -> None:
    """As after a restart, or where a replica has taken over."""
    add = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    names = [f"{namespace}{number}".encode() for number in range(9)]
    with reached(request.getfixturevalue(kind).url) as server:
        runs = [([name], [number]) for number, name in enumerate(names)]
        for rounds in (1, 2, 3):
            assert each(server, add, runs) == [rounds * number for number in range(9)]
            if rounds == 1:
                for master in server.masters():
                    master.script_flush()
        server.client.set(names[1], "no number")
        with pytest.raises(MetadataError), server.translated:
            each(server, add, runs)
        for name in names:
            server.client.delete(name)


def test_a_connection_that_idled_is_tried_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[bytes] = []

    def answer(command: bytes) -> bytes:
        sent.append(command)
        return hello("redis", "8.0.0")(command)

    now = time.monotonic()
    monkeypatch.setattr("redis.connection.time.monotonic", lambda: now)
    with answering(answer) as url, reached(url) as server:
        server.client.get("a")
        del sent[:]
        now += IDLE - 1
        server.client.get("a")
        assert sent == [b"GET"]
        now += IDLE + 1
        server.client.get("a")
        assert sent == [b"GET", b"PING", b"GET"]

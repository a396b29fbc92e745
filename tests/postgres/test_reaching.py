"""How a server is reached: sockets, TLS, several hosts, and what libpq reads by itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.spot import Spot
from beautyspot_postgres.server import Server
from servers import postgres, tls
from servers.ports import free_port
from servers.postgres import Postgres
from servers.proxy import Link
from servers.valkey import until


@contextlib.contextmanager
def reached(url: str | None = None, **options: Any) -> Iterator[Server]:
    server = Server(url, **options)
    try:
        yield server
    finally:
        server.close()


def asked(
    url: str | None = None, *, query: str = "SELECT current_user::text", **options: Any
) -> Any:
    with reached(url, **options) as server:
        return server.run(query)[0][0]


def answers(server: Server) -> bool:
    with contextlib.suppress(MetadataError):
        return server.run("SELECT 1") == [(1,)]
    return False


@pytest.fixture(scope="module")
def secured(_programs: None) -> Iterator[Postgres]:
    """A server with a password for `app`, over loopback."""
    with postgres.running() as server:
        server.require_passwords(app="hunter2")
        yield server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tls.Certificates:
    return tls.made(tmp_path_factory.mktemp("tls") / "certificates")


# --------------------------------------------------------------------------- what libpq reads


def test_a_socket(secured: Postgres) -> None:
    assert asked(secured.socket_url) == "postgres"
    assert asked("postgres:///postgres", host=secured.directory, port=secured.port, user="postgres")


def test_a_password_of_the_url_and_of_the_environment(
    secured: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = f"postgres://app@127.0.0.1:{secured.port}/postgres"
    assert asked(bare.replace("app@", "app:hunter2@")) == "app"
    assert asked(bare, password="hunter2") == "app"
    for given in ({}, {"password": "wrong"}):
        with pytest.raises(MetadataError, match="correct user and password") as caught:
            asked(bare, **given)
        assert "wrong" not in f"{caught.value} {caught.value.__cause__}"
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    assert asked(bare) == "app"
    monkeypatch.setenv("DATABASE_URL", bare)
    assert asked() == "app"


def test_a_password_that_was_changed_is_read_anew(
    secured: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "old")
    with reached(f"postgres://app@127.0.0.1:{secured.port}/postgres") as server:
        with pytest.raises(MetadataError):
            server.run("SELECT 1")
        monkeypatch.setenv("PGPASSWORD", "hunter2")
        assert server.run("SELECT 1")


def test_what_is_not_named_anywhere_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", str(free_port()))
    with pytest.raises(MetadataError, match="of the URL, of DATABASE_URL, or of libpq's PGHOST"):
        asked()


# ------------------------------------------------------------------------------------------ TLS


def test_tls(postgres_server: Postgres, certificates: tls.Certificates) -> None:
    trust = {"sslrootcert": certificates.authority, "sslmode": "verify-full"}
    with tls.before(postgres_server.port, certificates, greet=tls.of_postgres) as port:
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        assert asked(url, **trust)
        assert asked(url, sslmode="require")
        assert asked(url.replace("127.0.0.1", "localhost"), **trust | {"sslmode": "verify-ca"})
        with pytest.raises(MetadataError, match="the name in its certificate"):
            asked(url.replace("127.0.0.1", "localhost"), **trust)
        other = {"sslrootcert": certificates.client, "sslmode": "verify-full"}
        with pytest.raises(MetadataError, match="the authority of the server's certificate"):
            asked(url, **other)


def test_tls_with_a_certificate_of_one_s_own(
    postgres_server: Postgres, certificates: tls.Certificates
) -> None:
    certificates.client_key.chmod(0o600)
    own = {"sslcert": certificates.client, "sslkey": certificates.client_key}
    with tls.before(
        postgres_server.port, certificates, asks_client=True, greet=tls.of_postgres
    ) as port:
        url = f"postgres://postgres@127.0.0.1:{port}/postgres?sslmode=require"
        assert asked(url, **own)
        with pytest.raises(MetadataError, match="sslcert and sslkey"):
            asked(url)


def test_a_server_without_tls(postgres_server: Postgres) -> None:
    with pytest.raises(MetadataError, match="the server speaks no TLS"):
        asked(postgres_server.url, sslmode="require")


# --------------------------------------------------------------------------------- several hosts


@pytest.fixture
def pair(own: Postgres) -> Iterator[tuple[Postgres, Postgres]]:
    """A server and its standby."""
    other = own.standby()
    try:
        yield own, other.start()
    finally:
        other.remove()


def test_the_first_host_that_answers(postgres_server: Postgres) -> None:
    url = f"postgres://postgres@127.0.0.1:{free_port()},127.0.0.1:{postgres_server.port}/postgres"
    assert asked(url) == "postgres"


@pytest.mark.usefixtures("hasty")
def test_a_standby_gives_hits_and_takes_results_when_it_is_promoted(
    pair: tuple[Postgres, Postgres], make_spot: Callable[..., Spot], namespace: str
) -> None:
    one, other = pair
    place = {"use": one.url, "namespace": namespace}
    first = make_spot(metadata=place, strict=True)
    assert first.mark(abs, version="1")(-1) == 1
    made = "SELECT to_regclass('beautyspot.results') IS NOT NULL"
    assert until(lambda: other.ask(made) == [(True,)])
    assert until(lambda: other.ask("SELECT count(*) FROM beautyspot.results") == [(1,)])
    reader = make_spot(metadata={**place, "use": other.url}, mode="readonly", strict=True)
    assert reader.stats()["entries"] == 1
    assert reader.mark(abs, version="1")(-1) == 1
    spot = make_spot(metadata={**place, "use": other.url})
    assert spot.mark(abs, version="1")(-2) == 2
    assert reader.stats()["entries"] == 1
    one.stop()
    other.promote()
    assert spot.flush()
    assert reader.stats()["entries"] == 2


# ------------------------------------------------------------------------------ coming and going


@pytest.mark.parametrize("hangs", ["server", "network", "first connection"])
def test_what_hangs_is_given_up_in_time(own: Postgres, hangs: str) -> None:
    with (
        Link(own.port) as link,
        reached(f"postgres://postgres@127.0.0.1:{link.port}/postgres", timeout=0.3) as server,
    ):
        assert hangs == "first connection" or until(lambda: answers(server))
        if hangs == "server":
            own.freeze()
        else:
            link.part()
        with pytest.raises(MetadataError, match="raise timeout="):
            server.run("SELECT 1")
        own.thaw()
        link.mend()
        assert until(lambda: answers(server))


def test_a_server_that_recovers_after_a_crash(own: Postgres) -> None:
    """A backend that is killed makes the server start anew, and end all connections."""
    with reached(own.url) as server, reached(own.url) as other:
        [[pid]] = server.run("SELECT pg_backend_pid()")
        other.run("SELECT 1")
        os.kill(pid, 9)
        assert until(lambda: answers(server) and answers(other))

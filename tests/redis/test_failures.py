"""What goes wrong at a server is an error of beautyspot that says what to do, and no secret."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from beautyspot.contracts.failures import Failures
from beautyspot.errors import BeautyspotError, MetadataBusyError, MetadataError
from beautyspot_redis.server import Server
from redis import exceptions
from redis.sentinel import MasterNotFoundError
from servers import valkey


def translated(url: str = "redis://h:1") -> Failures:
    return Server(url).failures


IN_SCRIPT = "Error running script (call to f_a219): @user_script:1: @user_script: 1: "
"""How Redis 6 begins the error of a command in a script."""

IN_NEWER = "script: a219, on @user_script:1."

BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (exceptions.ConnectionError("Error 111 connecting to h:1. Connection refused."), "start"),
        (exceptions.ConnectionError("Error 1: [SSL: CERTIFICATE_VERIFY_FAILED]"), "ssl_ca_certs="),
        (exceptions.ConnectionError("Error 1: [SSL: WRONG_VERSION_NUMBER]"), "else write redis://"),
        (exceptions.ConnectionError("max number of clients reached"), "lower connections="),
        (exceptions.TimeoutError("Timeout reading from socket"), "timeout="),
        (exceptions.AuthenticationError("x"), "REDIS_PASSWORD"),
        (exceptions.NoPermissionError("x"), "ACL SETUSER"),
        (
            exceptions.ResponseError(f"{IN_SCRIPT}The user executing the script can't"),
            "ACL SETUSER",
        ),
        (exceptions.ResponseError(f"WRONGTYPE Operation {IN_NEWER}"), "another namespace="),
        (exceptions.ResponseError(f"{IN_SCRIPT}-OOM command not allowed when"), "maxmemory"),
        (exceptions.ResponseError(f"{IN_SCRIPT}-READONLY You can't write"), "it is a replica"),
        (exceptions.ResponseError(f"{IN_SCRIPT}-MISCONF Redis is configured"), "disk"),
        (exceptions.ResponseError(f"{IN_SCRIPT}attempt to index a nil value"), "log"),
        (exceptions.ClusterDownError("x"), "cluster info"),
        (exceptions.ClusterCrossSlotError("x"), "redis+cluster://"),
        (exceptions.MovedError("1 h:2"), "redis+cluster://"),
        (exceptions.RedisClusterException("Cluster mode is not enabled on this node"), "redis://"),
        (exceptions.RedisClusterException("no node"), "start"),
        (exceptions.InvalidResponse("Protocol Error: b'HTTP'"), "no Redis"),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas"), "min-replicas"),
        (exceptions.ResponseError("DENIED Redis is running in protected mode"), "bind"),
        (exceptions.ResponseError("unknown command 'EVALSHA'"), "log"),
        (MasterNotFoundError("No master found for 'main'"), "correct the service's name"),
        (MasterNotFoundError("No master ... AuthenticationError('x')"), "sentinel_password="),
        (KeyError("x"), "namespace="),
        (ModuleNotFoundError("No module named 'redis'"), "pip install"),
        (exceptions.ResponseError("DB index is out of range"), "fewer databases"),
    ],
)
def test_what_an_error_says(error: Exception, says: str) -> None:
    with pytest.raises(MetadataError, match=re.escape(says)) as caught, translated():
        raise error
    assert caught.type is MetadataError
    assert str(caught.value).startswith("redis://h:1 failed (")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        exceptions.BusyLoadingError("Redis is loading the dataset in memory"),
        exceptions.TryAgainError("Multiple keys request during rehashing of slot"),
        exceptions.ResponseError(BUSY),
    ],
)
def test_what_passes_in_a_moment_is_busy(error: Exception) -> None:
    with pytest.raises(MetadataBusyError), translated():
        raise error


@pytest.mark.parametrize("error", [MetadataBusyError("ours"), KeyboardInterrupt()])
def test_what_is_ours_or_an_interrupt_stays(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, translated():
        raise error
    assert caught.value is error


def test_a_cause_that_repeats_the_password_is_not_shown() -> None:
    error = exceptions.ResponseError("unknown command 'AUTH', with args beginning with: 'hunter2'")
    with pytest.raises(MetadataError) as caught, translated("redis://:hunter2@h"):
        raise error
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "cause", "says"),
    [
        ("cannot be connected", exceptions.AuthenticationError("x"), "REDIS_PASSWORD"),
        ("Cluster mode is not enabled", exceptions.NoPermissionError("x"), "cluster|slots"),
        ("Cluster mode is not enabled", exceptions.ResponseError("x"), "write redis://"),
    ],
)
def test_what_lies_behind_an_error_about_all_nodes(text: str, cause: Exception, says: str) -> None:
    outer = exceptions.RedisClusterException(text)
    outer.__cause__ = cause
    with pytest.raises(MetadataError, match=re.escape(says)), translated():
        raise outer


# ------------------------------------------------------------------------------- a real server


@pytest.fixture(scope="module")
def secured(_program: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[valkey.Valkey]:
    """A server with a password, and with the user `weak`, who may read only."""
    users = {"weak": "on >weakpass ~* -@all +get +hello"}
    folder = tmp_path_factory.mktemp("secured")
    with valkey.running(folder, password="hunter2", users=users) as server:
        yield server


def asked(url: str, *command: Any, **options: Any) -> Any:
    server = Server(url, **options)
    try:
        with server.failures:
            return server.ask(*command)
    finally:
        server.close()


def test_credentials(secured: valkey.Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = f"redis://{secured.host_and_port}"
    assert asked(secured.url, "PING")
    assert asked(bare, "PING", password="hunter2")
    for url in (
        bare,
        f"redis://:wrong@{secured.host_and_port}",
        f"redis://nobody:x@{secured.host_and_port}",
    ):
        with pytest.raises(MetadataError, match="AuthenticationError"):
            asked(url, "PING")
    monkeypatch.setenv("REDIS_PASSWORD", "hunter2")
    assert asked(bare, "PING")
    monkeypatch.setenv("REDIS_PASSWORD", "changed")
    with pytest.raises(MetadataError, match="REDIS_PASSWORD"):
        asked(bare, "PING")


def test_a_server_that_runs_a_script(secured: valkey.Valkey) -> None:
    secured.ask("CONFIG", "SET", "lua-time-limit", 1)

    def run() -> None:
        with pytest.raises(exceptions.ResponseError, match="kill"):
            secured.ask("EVAL", "while true do end", 0)

    thread = threading.Thread(target=run)
    thread.start()

    def is_busy() -> bool:
        try:
            asked(secured.url, "GET", "a")
        except MetadataBusyError:
            return True
        return False

    assert valkey.until(is_busy)
    secured.ask("SCRIPT", "KILL")
    thread.join()
    assert asked(secured.url, "GET", "a") is None


def test_a_limiter_has_an_error_that_speaks_of_no_store(secured: valkey.Valkey) -> None:
    from beautyspot_redis import RedisLimiter

    limiter = RedisLimiter(f"redis://:wrong@{secured.host_and_port}", rate="600/min")
    with pytest.raises(BeautyspotError, match="AuthenticationError") as caught:
        limiter.consume()
    limiter.close()
    assert not isinstance(caught.value, MetadataError)

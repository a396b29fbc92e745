"""What URLs and the options beside them mean, and what is refused; no server is asked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot_redis.address import SCHEMES, Address, parsed
from beautyspot_redis.server import Server
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://", [("localhost", 6379)]),
        ("REDIS://h:1/2", [("h", 1)]),
        ("valkeys://[::1]:7/0", [("::1", 7)]),
        ("redis://[fe80::1%25eth0]", [("fe80::1%eth0", 6379)]),
        ("redis+cluster://a:1,b,[::2]:3", [("a", 1), ("b", 6379), ("::2", 3)]),
        ("rediss+sentinel://a,b:2/main", [("a", 26379), ("b", 2)]),
        ("valkey+sentinel://a/main/3", [("a", 26379)]),
    ],
)
def test_where_a_url_leads(url: str, hosts: list[tuple[str, int]]) -> None:
    address = parsed(url, {})
    assert address.hosts == tuple(hosts)
    assert address.url == url
    assert parsed(url.replace("//", "//user:hunter2@"), {}).url == url, "without a secret"


def test_a_socket_and_a_service() -> None:
    assert parsed("unix:///run/r%20s.sock", {"db": 2}).path == "/run/r s.sock"
    address = parsed("valkey+sentinel://a/my%20main/3", {})
    assert (address.service, address.options["db"]) == ("my main", 3)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_scheme_means(scheme: str) -> None:
    rest = "/run/x" if scheme == "unix" else "a/main" if scheme.endswith("sentinel") else "a"
    address = parsed(f"{scheme}://{rest}", {})
    name, _, suffix = scheme.partition("+")
    assert address.kind == suffix
    assert address.tls == (name in ("rediss", "valkeys"))


def credentials(address: Address) -> dict[str, str]:
    names = ("username", "password")
    return {name: address.options[name] for name in names if name in address.options}


@pytest.mark.parametrize("url", ["redis://user:p%40:%2Fw@h", "unix://user:p%40:%2Fw@/run/x"])
def test_user_and_password_of_a_url(url: str) -> None:
    assert credentials(parsed(url, {})) == {"username": "user", "password": "p@:/w"}


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_any_password_is_read_as_it_was_quoted(password: str) -> None:
    from urllib.parse import quote

    address = parsed(f"redis://:{quote(password, safe='')}@h:1/0", {})
    assert credentials(address) == {"password": password}
    assert address.hosts == (("h", 1),)
    assert address.secrets == [password]


def test_options_beside_a_url() -> None:
    given = {"timeout": "500ms", "retries": 0, "connections": 1, "db": 1, "username": "u"}
    options = parsed("rediss://h", {**given, "ssl_check_hostname": False}).options
    assert options == {**given, "timeout": 0.5, "ssl_check_hostname": False}
    assert parsed("redis://h", {"ssl_check_hostname": True}).options["connections"] == 10
    assert parsed("redis://h/1", {"db": 1}).options["db"] == 1


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("h:6379", {}, "malformed"),
        ("http://h", {}, "redis+cluster://"),
        ("redis://h:0", {}, "malformed"),
        ("redis://h:x", {}, "redis://user:password@host:6379/0"),
        ("redis://[::1", {}, "in brackets"),
        ("redis://a,b", {}, "redis+cluster://host1:7000,host2:7001"),
        ("redis://h/x", {}, "malformed"),
        ("redis://:pass/word@h", {}, "%2F"),
        ("redis://h?timeout=1", {}, "with options beside it"),
        ("redis://h/1", {"db": 2}, "db is given twice"),
        ("redis://u:a@h", {"password": "b"}, "password is given twice"),
        ("redis+cluster://h/1", {}, "db has no meaning"),
        ("redis+sentinel://h", {}, "/service"),
        ("redis://h", {"sentinel_password": "x"}, "leave it out"),
        ("unix://h/run/x", {}, "unix:///run"),
        ("redis://h", {"ssl_ca_certs": __file__}, "encrypt by rediss://"),
        ("redis+cluster://h", {"ssl_check_hostname": False}, "ssl_check_hostname has no meaning"),
        ("rediss://h", {"ssl_ca_certs": "/no/such"}, "no file"),
        ("rediss://h", {"ssl_keyfile": __file__}, "give both"),
        ("redis://h", {"timeout": 0}, "0.001 s or more"),
        ("redis://h", {"timeout": "2h"}, "3600 s or less"),
        ("redis://h", {"retries": -1}, "0 or more"),
        (7, {}, "url="),
    ],
)
def test_what_is_refused(url: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        parsed(url, options)


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:hunter2@h:x",
        "redis://user:hunter2/z@h",
        "redis://user:hunter2#z@h",
        "redis://user:hunter2@a,b",
        "redis://user:hunter2@h?db=x",
        "redis://user:hunter2@h?password=hunter3",
        "redis://user:hunter2@[h",
        "redsi://user:hunter2@h",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(url, {})
    assert "hunter" not in str(caught.value)


def test_no_text_shows_a_password() -> None:
    address = parsed("redis+sentinel://user:hunter2@h/main", {"sentinel_password": "hunter3"})
    assert "hunter" not in address.url
    assert sorted(address.secrets) == ["hunter2", "hunter3"]
    assert address.holds_secret
    assert "hunter" not in repr(Server("redis://user:hunter2@h/2"))


# --------------------------------------------------------------------------------- environment


def test_the_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://u:p@h:1/2")
    address = parsed(None, {})
    assert (address.url, address.options["db"]) == ("redis://h:1/2", 2)
    assert credentials(address) == {"username": "u", "password": "p"}
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(ConfigError, match="REDIS_URL"):
        parsed(None, {})


@pytest.mark.parametrize(
    ("set_here", "url", "expected"),
    [
        ({"REDISCLI_AUTH": "a", "REDIS_PASSWORD": "b"}, "redis://h", {"password": "b"}),
        (
            {"REDIS_USERNAME": "u", "REDISCLI_AUTH": "a"},
            "redis://h",
            {"username": "u", "password": "a"},
        ),
        ({"REDIS_USERNAME": "u"}, "redis://h", {}),
        ({"REDIS_PASSWORD": "b"}, "redis://:c@h", {"password": "c"}),
        ({"REDIS_PASSWORD": "b"}, "redis://u@h", {"username": "u"}),
    ],
)
def test_credentials_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    set_here: dict[str, str],
    url: str,
    expected: dict[str, str],
) -> None:
    for name, value in set_here.items():
        monkeypatch.setenv(name, value)
    address = parsed(url, {})
    assert credentials(address) == expected
    assert not address.holds_secret or ":c@" in url

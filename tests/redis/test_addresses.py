"""What URLs and the options beside them mean, and what is refused; no server is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from beautyspot.errors import ConfigError
from beautyspot_redis.address import SCHEMES, Address, parsed
from beautyspot_redis.server import Server
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("url", "hosts", "shown"),
    [
        ("redis://h", [("h", 6379)], "redis://h:6379"),
        ("redis://", [("localhost", 6379)], "redis://localhost:6379"),
        ("REDIS://h:1/2", [("h", 1)], "redis://h:1/2"),
        ("valkeys://[::1]:7/0", [("::1", 7)], "valkeys://[::1]:7"),
        ("redis://[fe80::1%25eth0]", [("fe80::1%eth0", 6379)], "redis://[fe80::1%eth0]:6379"),
        ("redis+cluster://a:1,b,[::2]:3", [("a", 1), ("b", 6379), ("::2", 3)], None),
        ("redis+cluster://a/0", [("a", 6379)], "redis+cluster://a:6379"),
        ("rediss+sentinel://a,b:2/main", [("a", 26379), ("b", 2)], None),
        ("valkey+sentinel://a/main/3", [("a", 26379)], "valkey+sentinel://a:26379/main/3"),
        ("unix:///run/r%20s.sock", [], "unix:///run/r s.sock"),
    ],
)
def test_where_a_url_leads(url: str, hosts: list[tuple[str, int]], shown: str | None) -> None:
    address = parsed(url, {})
    assert address.hosts == tuple(hosts)
    assert shown is None or str(address) == shown


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_scheme_means(scheme: str) -> None:
    rest = "/run/x" if scheme == "unix" else "a/main" if scheme.endswith("sentinel") else "a"
    address = parsed(f"{scheme}://{rest}", {})
    name, _, suffix = scheme.partition("+")
    assert address.mode == (suffix or "server")
    assert address.tls == (name in ("rediss", "valkeys"))


@pytest.mark.parametrize("url", ["redis://%s%s", "unix://%s/run/x%s"])
def test_user_and_password_of_a_url(url: str) -> None:
    address = parsed(url % ("user:p%40:%2Fw@", "?db=4" if "unix" in url else "h/4"), {})
    assert address.credentials == {"username": "user", "password": "p@:/w"}
    assert address.db == 4


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_any_password_is_read_as_it_was_quoted(password: str) -> None:
    from urllib.parse import quote

    address = parsed(f"redis://:{quote(password, safe='')}@h:1/0", {})
    assert address.credentials == {"password": password}
    assert (address.hosts, address.db) == ((("h", 1),), 0)


def test_options_in_the_query_and_beside_it() -> None:
    address = parsed("rediss://h?timeout=2.5&retries=0&ssl_check_hostname=false", {"db": 3})
    options = address.options
    assert (options.timeout, options.retries, options.ssl_check_hostname) == (2.5, 0, False)
    assert address.db == 3
    assert parsed("redis://h?timeout=2", {"timeout": 1.0}).options.timeout == 1.0
    assert parsed("redis://h?timeout=500ms", {}).options.timeout == 0.5


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("h:6379", {}, "begin it with one"),
        ("http://h", {}, "redis+cluster://"),
        ("redis://h:0", {}, "port from 1 to 65535"),
        ("redis://h:70000", {}, "port from 1 to 65535"),
        ("redis://h:x", {}, "write host:port"),
        ("redis://[::1", {}, "in brackets"),
        ("redis://::1", {}, "in brackets"),
        ("redis://a,b", {}, "redis+cluster://host1:port,host2:port"),
        ("redis://h/x", {}, "as in .../0"),
        ("redis://h/1/2", {}, "as in .../0"),
        ("redis://:pass/word@h", {}, "%2F"),
        ("redis://:pass#word@h", {}, "%23"),
        ("redis://h/1", {"db": 2}, "db is given twice"),
        ("redis://h", {"db": -1}, "0 or more"),
        ("redis://u:a@h", {"password": "b"}, "the password is given twice"),
        ("redis://u@h", {"username": "v"}, "the user is given twice"),
        ("redis+cluster://h/1", {}, "database 0 alone"),
        ("redis+cluster://h", {"db": 1}, "database 0 alone"),
        ("redis+sentinel://h", {}, "/service"),
        ("redis+sentinel://h/main/x", {}, "as in .../0"),
        ("redis://h", {"sentinel_password": "x"}, "leave it out"),
        ("unix://h/run/x", {}, "unix:///run"),
        ("unix://", {}, "unix:///run"),
        ("redis://h", {"ssl_ca_certs": __file__}, "write rediss://"),
        ("redis+cluster://h", {"ssl_check_hostname": False}, "write rediss+cluster://"),
        ("unix:///run/x", {"ssl_certfile": __file__}, "no TLS"),
        ("rediss://h", {"ssl_keyfile": __file__}, "give both"),
        ("rediss://h", {"ssl_ca_certs": "/no/such"}, "no file"),
        ("redis://h", {"timeout": 0}, "0.001 s or more"),
        ("redis://h", {"timeout": float("inf")}, '"10 minutes"'),
        ("redis://h", {"timeout": "2h"}, "an hour or less"),
        ("redis://h", {"password": 123}, "write it in quotes"),
        ("redis://h", {"retries": -1}, "0 or more"),
        ("redis://h?tiemout=1", {}, "timeout, username"),
        ("redis://h?timeout=soon", {}, "a number of seconds, "),
        ("redis://h?db=x", {}, "a whole number"),
        ("redis://h?ssl_check_hostname=1", {}, "true or false"),
        ("redis://h?db=1&db=1", {}, "twice"),
        (7, {}, "takes a text"),
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
        "redis://user:hunter2@h/x",
        "redis://user:hunter2@h?db=x",
        "redis://user:hunter2@h?password=hunter3",
        "redis://user:hunter2@[h",
        "redsi://user:hunter2@h",
        "redis+sentinel://user:hunter2@h",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(url, {})
    assert "hunter" not in str(caught.value)


def test_no_repr_shows_a_password() -> None:
    address = parsed("redis+sentinel://user:hunter2@h/main", {"sentinel_password": "hunter3"})
    assert "hunter" not in repr(address) + str(address)
    assert address.holds_secret
    assert repr(Server("redis://user:hunter2@h/2")) == "<Server redis://h:6379/2>"


# --------------------------------------------------------------------------------- environment


def test_the_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://u:p@h:1/2?timeout=3")
    address = parsed(None, {})
    assert (str(address), address.options.timeout) == ("redis://h:1/2", 3.0)
    assert address.credentials == {"username": "u", "password": "p"}
    monkeypatch.delenv("REDIS_URL")
    with pytest.raises(ConfigError, match="REDIS_URL"):
        parsed(None, {})


@pytest.mark.parametrize(
    ("set_here", "url", "credentials"),
    [
        ({"REDISCLI_AUTH": "a"}, "redis://h", {"password": "a"}),
        ({"REDISCLI_AUTH": "a", "REDIS_PASSWORD": "b"}, "redis://h", {"password": "b"}),
        (
            {"REDIS_USERNAME": "u", "REDISCLI_AUTH": "a"},
            "redis://h",
            {"username": "u", "password": "a"},
        ),
        ({"REDIS_USERNAME": "u"}, "redis://h", {}),
        ({"REDIS_PASSWORD": ""}, "redis://h", {}),
        ({"REDIS_PASSWORD": "b"}, "redis://:c@h", {"password": "c"}),
        ({"REDIS_PASSWORD": "b"}, "redis://u@h", {"username": "u"}),
    ],
)
def test_credentials_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    set_here: dict[str, str],
    url: str,
    credentials: dict[str, str],
) -> None:
    for name, value in set_here.items():
        monkeypatch.setenv(name, value)
    address: Address = parsed(url, {})
    assert address.credentials == credentials
    assert not address.holds_secret or ":c@" in url


def test_a_file_may_be_a_path() -> None:
    assert parsed("rediss://h", {"ssl_ca_certs": Path(__file__)}).options.ssl_ca_certs is not None

"""What URLs and the parameters beside them mean, and what is refused; no server is asked."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from beautyspot.errors import ConfigError
from beautyspot_postgres.address import Address
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def no_settings_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("PG") or name == "DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("url", "parameters", "shown"),
    [
        ("postgres://h", {"host": "h"}, "postgres://h:5432"),
        ("postgresql://h:1/d", {"host": "h", "port": "1", "dbname": "d"}, "postgres://h:1/d"),
        ("postgres://", {}, "postgres:///"),
        (
            "postgres://[::1]:7/d",
            {"host": "::1", "port": "7", "dbname": "d"},
            "postgres://[::1]:7/d",
        ),
        (
            "postgres:///d?host=/run/postgresql",
            {"host": "/run/postgresql", "dbname": "d"},
            "postgres:///d?host=/run/postgresql",
        ),
        ("postgres://%2Frun%2Fpg/d", {"host": "/run/pg", "dbname": "d"}, None),
        (
            "postgres://a,b:2/d?target_session_attrs=read-write",
            {
                "host": "a,b",
                "port": ",2",
                "dbname": "d",
                "target_session_attrs": "read-write",
            },
            "postgres://a:5432,b:2/d",
        ),
        ("postgres://?service=team", {"service": "team"}, "postgres://?service=team"),
        ("postgres://?hostaddr=10.0.0.1", {"hostaddr": "10.0.0.1"}, "postgres://10.0.0.1:5432"),
        ("postgres://h?sslmode=require", {"host": "h", "sslmode": "require"}, "postgres://h:5432"),
    ],
)
def test_where_a_url_leads(url: str, parameters: dict[str, str], shown: str | None) -> None:
    address = Address(url, {})
    assert address.parameters == parameters
    assert shown is None or str(address) == shown


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1))
@example(",,")
def test_any_password_is_read_as_it_was_quoted(password: str) -> None:
    address = Address(f"postgres://user:{quote(password, safe='')}@h:1/d", {})
    assert address.parameters["password"] == password
    assert str(address) == "postgres://h:1/d"


def test_parameters_beside_the_url() -> None:
    address = Address("postgres://h/d", {"port": 1, "sslmode": "require", "user": None})
    assert address.parameters == {"host": "h", "dbname": "d", "port": "1", "sslmode": "require"}
    assert Address("postgres://h/d", {"host": "h"}).parameters == {"host": "h", "dbname": "d"}
    assert Address("postgres://h", {"sslrootcert": Path(__file__)}).parameters["sslrootcert"]
    assert Address("postgres://h", {"sslrootcert": "system"}).parameters["sslrootcert"] == "system"


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("h:5432", {}, "write postgres://"),
        ("postgresql+psycopg://h", {}, '(without "+psycopg")'),
        ("postgres://h:0", {}, "port from 1 to 65535"),
        ("postgres://h:x", {}, "write host:port"),
        ("postgres://[::1", {}, "in brackets"),
        ("postgres://u:pass/word@h", {}, '"/" as %2F'),
        ("postgres://u:pass?word@h", {}, '"?" as %3F'),
        ("postgres://u:100%@h", {}, '"%" as %25'),
        ("postgres://h?sslmod=require", {}, "no parameter of libpq 'sslmod'"),
        ("postgres://h?sslmode=on", {}, "verify-full"),
        ("postgres://h?sslmode", {}, "malformed"),
        ("postgres://h?namespace=app", {}, "options of ours stand beside the URL"),
        ("postgres://h?connect_timeout=3", {}, "give timeout="),
        ("postgres://h", {"tiemout": 3}, "no parameter of libpq 'tiemout'"),
        ("postgres://u:pass", {"word@h": ""}, '"?" as %3F'),
        ("postgres://u:a@h", {"password": "b"}, "password is given twice"),
        ("postgres://h", {"sslrootcert": "/no/such"}, "no file"),
        (7, {}, "takes a text"),
    ],
)
def test_what_is_refused(url: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Address(url, options)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://user:hunter2@h:x",
        "postgres://user:hunter2/z@h",
        "postgres://user:z@hunter2@h",
        "postgres://user:z?hunter2@h",
        "postgres://h/d?hunter2=x",
        "postgres://user:hunter2%@h",
        "postgres://user:hunter2@[h",
        "postgres://user:hunter2@h?password=hunter3&password",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Address(url, {})
    assert "hunter" not in str(caught.value)


# --------------------------------------------------------------------------------- environment


def test_the_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@h:1/d?sslmode=require")
    address = Address(None, {"application_name": "app"})
    assert str(address) == "postgres://h:1/d"
    assert address.parameters["password"] == "p"
    assert not address.holds_secret, "it is read again where it arrives"
    monkeypatch.setenv("DATABASE_URL", "mysql://u:hunter2@h/d")
    with pytest.raises(ConfigError, match="DATABASE_URL does not begin with") as caught:
        Address(None, {})
    assert "hunter" not in str(caught.value)


def test_a_server_that_is_named_beside_needs_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://other")
    assert str(Address(None, {"host": "h", "dbname": "d"})) == "postgres://h:5432/d"
    assert str(Address(None, {"service": "team"})) == "postgres://?service=team"


@pytest.mark.parametrize(
    ("variables", "url", "shown"),
    [
        ({"PGHOST": "h", "PGPORT": "7", "PGDATABASE": "d"}, None, "postgres://h:7/d"),
        ({"PGHOST": "/run/pg"}, "postgres:///d", "postgres:///d?host=/run/pg"),
        ({"PGSERVICE": "team"}, None, "postgres://?service=team"),
        ({"PGHOST": "a,b"}, None, "postgres://a:5432,b:5432"),
        ({}, None, "postgres:///"),
    ],
)
def test_what_the_url_leaves_out_is_libpq_s(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None, shown: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    address = Address(url, {})
    assert str(address) == shown
    assert not {"host", "port"} & address.parameters.keys() or url is not None


def test_a_password_of_the_environment_is_kept_out_of_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setenv("PGUSER", "app")
    address = Address("postgres://h", {})
    assert address.known()["user"] == "app"
    assert not address.holds_secret
    assert "hunter" not in repr(address)

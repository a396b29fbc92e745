"""A backend from an instance, a class, a name, a URL or a table; and what is wrong in these."""

from __future__ import annotations

from pathlib import Path
from traceback import TracebackException

import pytest
from beautyspot.backends import registry as plugin_registry
from beautyspot.backends.selection import select
from beautyspot.contracts import Context
from beautyspot.errors import (
    BeautyspotError,
    ConfigError,
)
from fake_plugins import S3, backend, install, offering, point

CONTEXT = Context("app", Path("/spot"), Path("/spot/app.db"))


def _disk_init(self, base_dir: str = "none") -> None:
    self.base_dir = base_dir


DISK = backend(
    "disk",
    init=_disk_init,
    defaults=classmethod(lambda cls, context: {"base_dir": str(context.directory / "blobs")}),
)
GCRA = backend("gcra", "limiter", init=lambda self, rate: setattr(self, "rate", rate))


@pytest.fixture
def registry(monkeypatch):
    install(
        monkeypatch,
        point(offering(S3, DISK)),
        point(offering(GCRA, point="limiter"), "limits"),
    )
    yield plugin_registry.load_plugins()
    plugin_registry.forget()


@pytest.fixture
def chosen(registry):
    def choose(spec, point="storage", **kwargs):
        return select(point, spec, registry=registry, context=CONTEXT, **kwargs)

    return choose


# ------------------------------------------------------------------------- all mean the same


@pytest.mark.parametrize(
    "spec",
    [
        "s3://bucket/cache?region_name=eu-west-1&retries=5",
        " S3://bucket/cache?region_name=eu-west-1&retries=5 ",
        {
            "use": "s3",
            "bucket_name": "bucket",
            "prefix": "cache",
            "region_name": "eu-west-1",
            "retries": 5,
        },
        {"use": "s3://bucket/cache", "region_name": "eu-west-1", "retries": 5},
        {"use": "s3://bucket/cache?retries=7&region_name=eu-west-1", "retries": 5},
        {
            "use": S3,
            "bucket_name": "bucket",
            "prefix": "cache",
            "region_name": "eu-west-1",
            "retries": 5,
        },
    ],
)
def test_url_table_and_class_mean_the_same(chosen, spec):
    backend, owned = chosen(spec)
    assert owned
    assert type(backend) is S3
    same = S3("bucket", "cache", region_name="eu-west-1", retries=5)
    assert backend.options == same.options


def test_an_instance_is_used_as_it_is_and_stays_the_users(chosen):
    mine = S3("bucket")
    assert chosen(mine) == (mine, False)


def test_an_option_wins_over_the_default(chosen):
    assert chosen({"use": "disk", "base_dir": "/else"})[0].base_dir == "/else"


def test_a_rate_selects_the_rate_limiter(chosen):
    for spec in (
        "600/min",
        {"use": "600/min"},
        {"use": "gcra", "rate": "600/min"},
        {"rate": "600/min"},
    ):
        assert chosen(spec, "limiter")[0].rate == "600/min"
    assert chosen("0.5 / s", "limiter")[0].rate == "0.5 / s"


# ------------------------------------------------------------------------- types out of a URL


@pytest.mark.parametrize(
    ("query", "option", "value"),
    [
        ("retries=5", "retries", 5),
        ("timeout=2.5", "timeout", 2.5),
        ("timeout=3", "timeout", 3.0),
        ("public=1", "public", True),
        ("public=TRUE", "public", True),
        ("public=no", "public", False),
        ("region_name=5", "region_name", "5"),
        ("region_name=", "region_name", ""),
        ("region_name=a%20b%2Fc", "region_name", "a b/c"),
        ("size=none", "size", None),
        ("size=7", "size", 7),
        ("client=x", "client", "x"),
        ("folder=x", "folder", "x"),
    ],
)
def test_query_values_become_what_the_annotation_says(chosen, query, option, value):
    got = chosen(f"s3://bucket?{query}")[0].options[option]
    assert (got, type(got)) == (value, type(value))


# ---------------------------------------------------------------------- a constructor that fails


def failing(exc, point="storage"):
    def init(self, token: str = "", plain: str = "") -> None:
        raise exc

    return backend("failing", point, init=init)


def test_what_a_constructor_refuses_names_the_backend_and_no_secret(chosen):
    exc = ConfigError("rate: too low, with the key 'hunter2'")
    with pytest.raises(ConfigError) as caught:
        chosen({"use": failing(exc), "token": "hunter2"})
    assert str(caught.value) == "the storage 'failing': rate: too low, with the key '***'"
    assert caught.value.__suppress_context__  # the original shows it


# ------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "spec",
    [
        "s3://AKIA:HUSH@bucket/x?retries=no",
        "s3://bucket?secret_key=HUSH&retries=no",
        "nowhere://u:HUSH@host",
        "disk://u:HUSH@host?token=HUSH",
        "s3:///x?password=HUSH",
        {"use": "nowhere://u:HUSH@host", "a": 1},
        {"use": "s3", "secret_key": "HUSH", "retries": "x"},
        {"use": "s3", "bucket_name": "b", "secret_key": "HUSH", "retrise": 1},
    ],
)
def test_no_message_shows_a_secret(registry, spec):
    with pytest.raises(BeautyspotError) as caught:
        select("storage", spec, registry=registry, context=CONTEXT, source="argument storage=")
    assert "HUSH" not in str(caught.value)
    told = TracebackException.from_exception(caught.value)  # what stands in a log, causes included
    assert "HUSH" not in "".join(told.format_exception_only())
    assert told.__cause__ is None
    assert told.__suppress_context__ or told.__context__ is None


# ------------------------------------------------------------------------------------- anchors


def test_relative_paths_start_from_the_anchor(chosen):
    table = {"use": "s3", "bucket_name": "b", "folder": "blobs", "prefix": "x"}
    made = chosen(table, anchor=Path("/project"))[0]
    assert made.options["folder"] == "/project/blobs"
    assert made.options["prefix"] == "x"
    assert chosen({**table, "folder": "/abs"}, anchor=Path("/p"))[0].options["folder"] == "/abs"
    home = chosen({**table, "folder": "~/b"}, anchor=Path("/p"))[0].options["folder"]
    assert home == str(Path.home() / "b")
    assert chosen({**table, "folder": None}, anchor=Path("/p"))[0].options["folder"] is None
    assert chosen(table)[0].options["folder"] == "blobs"

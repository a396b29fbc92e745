"""A backend from an instance, a class, a name, a URL or a table; and what is wrong in these."""

from __future__ import annotations

from pathlib import Path
from traceback import TracebackException
from typing import Literal, Optional, Union
from urllib.parse import urlsplit

import pytest
from beautyspot.backends import registry as plugin_registry
from beautyspot.backends.selection import select
from beautyspot.contracts import Context
from beautyspot.errors import (
    BeautyspotError,
    ConfigError,
    MetadataError,
    StorageError,
)
from fake_plugins import backend, install, offering, point
from hypothesis import given, settings
from hypothesis import strategies as st

CONTEXT = Context("app", Path("/spot"), Path("/spot/app.db"))


def _s3_init(
    self,
    bucket_name: str,
    prefix: str = "",
    *,
    region_name: str | None = None,
    retries: int = 3,
    timeout: float = 1.0,
    public: bool = False,
    secret_key: str | None = None,
    size: int | None = None,
    folder: Path | None = None,
    client: object = None,
) -> None:
    self.options = {k: v for k, v in locals().items() if k != "self"}


def _from_s3_url(cls, url):
    parts = urlsplit(url)
    if not parts.netloc:
        raise ConfigError("the URL names no bucket: write s3://bucket/prefix")
    return {"bucket_name": parts.netloc, "prefix": parts.path.lstrip("/")}


S3 = backend("s3", schemes=("s3",), init=_s3_init, options_from_url=classmethod(_from_s3_url))


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


@pytest.fixture
def refused(chosen):
    def refuse(spec, point="storage", error=ConfigError, **kwargs):
        with pytest.raises(error) as caught:
            chosen(spec, point, **kwargs)
        assert type(caught.value) is error
        return str(caught.value)

    return refuse


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


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(), st.booleans())
def test_what_is_quoted_into_a_url_comes_out_of_it(text, number, flag):
    from urllib.parse import urlencode

    query = urlencode({"region_name": text, "retries": number, "public": flag})
    found = plugin_registry.load_plugins([offering(S3)])
    made = select("storage", f"s3://b?{query}", registry=found, context=CONTEXT)[0]
    assert made.options["region_name"] == text
    assert made.options["retries"] == number
    assert made.options["public"] is flag


# ---------------------------------------------------------------------------- wrong in some way


@pytest.mark.parametrize(
    ("option", "value"),
    [("timeout", 3), ("size", None), ("region_name", None), ("client", object()), ("folder", 3)],
)
def test_a_value_of_a_right_or_an_unknown_type(chosen, option, value):
    spec = {"use": "s3", "bucket_name": "b", option: value}
    assert chosen(spec)[0].options[option] is value


# ---------------------------------------------------------------------- a constructor that fails


def failing(exc, point="storage"):
    def init(self, token: str = "", plain: str = "") -> None:
        raise exc

    return backend("failing", point, init=init)


def test_our_own_errors_pass_unchanged(chosen):
    exc = StorageError("no bucket")
    with pytest.raises(StorageError) as caught:
        chosen(failing(exc))
    assert caught.value is exc


def test_what_a_constructor_refuses_names_the_backend_and_no_secret(chosen):
    exc = ConfigError("rate: too low, with the key 'hunter2'")
    with pytest.raises(ConfigError) as caught:
        chosen({"use": failing(exc), "token": "hunter2"})
    assert str(caught.value) == "the storage 'failing': rate: too low, with the key '***'"
    assert caught.value.__suppress_context__  # the original shows it


@pytest.mark.parametrize(
    ("point", "error"),
    [("storage", StorageError), ("metadata", MetadataError), ("limiter", BeautyspotError)],
)
def test_a_place_out_of_reach_is_no_mistake_of_the_user(refused, point, error):
    told = refused(failing(ConnectionRefusedError("refused"), point), point, error)
    assert told == f"can't make the {point} 'failing': ConnectionRefusedError: refused"


def test_ctrl_c_in_a_constructor_passes(chosen):
    with pytest.raises(KeyboardInterrupt):
        chosen(failing(KeyboardInterrupt()))


# ------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "spec",
    [
        "s3://AKIA:HUSH@bucket/x?retries=no",
        "s3://bucket?secret_key=HUSH&retries=no",
        "s3://bucket?secret_key=HUSH&secret_key=HUSH2",
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


# ----------------------------------------------------- annotations, however they may be written


def test_annotations_that_can_not_be_evaluated_are_read_as_text(chosen):
    def init(self, g: NotThere | int = 1, h: int | None = None, i: Optional[int] = None) -> None:  # noqa: F821, UP045 - as names that only type checkers import, and as older code
        self.options = g, h, i

    typed = backend("typed", schemes=("typed",), init=init, options_from_url=_no_options)
    assert chosen({"use": typed, "g": "anything"})[0].options == ("anything", None, None)
    assert _from_query(typed, "g=5&h=5&i=5") == ("5", 5, 5)


def test_annotations_as_objects(chosen):
    def init(self, a=1, b=2, c=3, d=4, e=5, f=6):
        self.options = a, b, c, d, e, f

    init.__annotations__ = {
        "a": int, "b": Optional[int], "c": Union[int, str],  # noqa: UP007, UP045 - older code is written so
        "d": Literal["x"], "f": None,
        "e": float | None,
    }  # fmt: skip
    typed = backend("typed", schemes=("typed",), init=init, options_from_url=_no_options)
    assert _from_query(typed, "a=5&b=&c=5&d=y&e=1e3&f=none") == (5, None, "5", "y", 1000.0, None)


_no_options = classmethod(lambda cls, url: {})


def _from_query(cls, query):
    registry, url = plugin_registry.load_plugins([offering(cls)]), f"{cls.name}://?{query}"
    return select("storage", url, registry=registry, context=CONTEXT)[0].options

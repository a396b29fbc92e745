"""A backend from an instance, a class, a name, a URL or a table; and what is wrong in these."""

from __future__ import annotations

from pathlib import Path
from traceback import TracebackException
from typing import Literal, Optional, Union
from urllib.parse import urlsplit

import pytest
from beautyspot.backends import registry as plugin_registry
from beautyspot.backends.selection import is_url, select
from beautyspot.contracts import BlobStorageBase, Context
from beautyspot.errors import (
    BackendNotFound,
    BeautyspotError,
    ConfigError,
    MetadataError,
    PluginConflictError,
    StorageError,
)
from fake_plugins import backend, install, offering, point
from hypothesis import given, settings
from hypothesis import strategies as st

CONTEXT = Context("app", Path("/spot"), Path("/spot/app.db"))


class Recorder:
    """Options as they reach a constructor."""


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


@pytest.mark.parametrize("spec", ["disk", DISK, {"use": "disk"}, {"use": DISK}])
def test_defaults_of_the_context_lie_beneath(chosen, spec):
    selected = chosen(spec)
    assert selected[1]
    assert selected[0].base_dir == "/spot/blobs"


def test_an_option_wins_over_the_default(chosen):
    assert chosen({"use": "disk", "base_dir": "/else"})[0].base_dir == "/else"


def test_a_default_that_a_subclass_does_not_take_is_left_out(chosen):
    class Narrow(DISK):
        def __init__(self):
            super().__init__("fixed")

    assert chosen(Narrow)[0].base_dir == "fixed"


def test_a_constructor_that_takes_anything(chosen):
    loose = backend("loose", init=lambda self, **options: setattr(self, "options", options))
    assert chosen({"use": loose, "a": 1, "b": "x"})[0].options == {"a": 1, "b": "x"}


def test_a_rate_selects_the_rate_limiter(chosen):
    for spec in (
        "600/min",
        {"use": "600/min"},
        {"use": "gcra", "rate": "600/min"},
        {"rate": "600/min"},
    ):
        assert chosen(spec, "limiter")[0].rate == "600/min"
    assert chosen("0.5 / s", "limiter")[0].rate == "0.5 / s"


def test_a_rate_is_no_storage(refused):
    assert "the storage '600/min'" in refused("600/min", error=BackendNotFound)


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


@pytest.mark.parametrize(
    "query", ["retries=many", "retries=", "timeout=x", "public=maybe", "size=x"]
)
def test_query_values_of_no_such_type(refused, query):
    told = refused(f"s3://bucket?{query}")
    assert f"the option {query.split('=')[0]!r} takes " in told
    assert told.endswith(": correct its value")


def test_an_option_twice_in_a_url(refused):
    assert "is given twice" in refused("s3://bucket?retries=1&retries=2")


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


def test_an_unknown_option_lists_those_there_are(refused):
    for spec in ({"use": "s3", "bucket_nam": "b"}, "s3://b?bucket_nam=x"):
        told = refused(spec, source="/path/pyproject.toml:3 [tool.beautyspot]")
        assert told.startswith(
            "the storage 's3' (from: /path/pyproject.toml:3 [tool.beautyspot]): it has no option"
        )
        assert "Did you mean 'bucket_name'? Its options: bucket_name, client, folder," in told


def test_a_class_without_options(refused):
    told = refused({"use": backend("plain"), "a": 1})
    assert told.endswith("has no option 'a'. Its options: none")


@pytest.mark.parametrize(
    ("option", "value", "types"),
    [
        ("retries", "5", "int, not str"),
        ("retries", True, "int, not bool"),
        ("retries", 1.5, "int, not float"),
        ("retries", None, "int, not NoneType"),
        ("timeout", "1", "float, not str"),
        ("timeout", False, "float, not bool"),
        ("public", 1, "bool, not int"),
        ("region_name", 3, "str or None, not int"),
        ("size", [1], "int or None, not list"),
    ],
)
def test_a_value_of_the_wrong_type(refused, option, value, types):
    told = refused({"use": "s3", "bucket_name": "b", option: value}, source="argument storage=")
    assert f"(from: argument storage=): the option {option!r} takes {types}" in told


@pytest.mark.parametrize(
    ("option", "value"),
    [("timeout", 3), ("size", None), ("region_name", None), ("client", object()), ("folder", 3)],
)
def test_a_value_of_a_right_or_an_unknown_type(chosen, option, value):
    spec = {"use": "s3", "bucket_name": "b", option: value}
    assert chosen(spec)[0].options[option] is value


def test_a_missing_option_shows_how_to_give_it(refused):
    for spec in ("s3", S3, {"use": "s3"}):
        told = refused(spec)
        assert told.startswith("the storage 's3': it needs bucket_name")
        assert told.endswith('{"use": "s3", "bucket_name": ...}')


def test_what_is_no_backend_at_all(refused):
    for spec in (None, 3, ["s3"], DISK, GCRA(1)):
        if spec is not DISK:
            told = refused(spec)
            assert "takes an instance of BlobStorageBase" in told
            assert type(spec).__qualname__ in told


def test_a_class_that_is_not_whole(refused):
    class Half(BlobStorageBase):
        name = "half"

    for spec in (Half, {"use": Half}):
        assert refused(spec, source="argument storage=") == (
            f"storage= {Half.__module__}.{Half.__qualname__} leaves load(), save() of "
            "BlobStorageBase open: write that (from: argument storage=)"
        )


def test_a_class_of_another_point(refused):
    told = refused(GCRA)
    assert "is no subclass of BlobStorageBase" in told
    assert "is no subclass of BlobStorageBase" in refused({"use": int})


def test_a_table_that_does_not_say_which(refused):
    told = refused({"bucket_name": "b"})
    assert told.endswith('such as {"use": "local", ...}')
    assert '{"use": "stable", ...}' in refused({}, "keygen")


def test_a_table_with_an_instance_in_it(refused):
    assert 'add "use" with a name or a URL' in refused({"use": S3("b"), "prefix": "x"})


def test_a_url_that_the_backend_does_not_take(refused):
    told = refused("s3:///cache", source="argument storage=")
    assert "the URL names no bucket" in told
    assert "(from: argument storage=)" in told
    assert "use a table" in refused("disk://x")


def test_a_url_that_makes_the_backend_stumble(refused):
    def stumble(cls, url):
        raise ValueError("Port could not be cast")

    odd = backend("odd", schemes=("odd",), options_from_url=classmethod(stumble))
    assert "odd://" in refused({"use": "odd://h:x"}, error=BackendNotFound)
    found = plugin_registry.load_plugins([offering(odd)])
    with pytest.raises(ConfigError, match=r"is no URL of the storage 'odd': Port could not"):
        select("storage", "odd://h:x", registry=found, context=CONTEXT)


def test_a_conflict_keeps_its_type(monkeypatch, refused):
    install(monkeypatch, point(offering(S3), "a"), point(offering(backend("s3")), "b"))
    with pytest.raises(PluginConflictError, match=r"claimed by.*\(from: argument storage=\)$"):
        select(
            "storage",
            "s3",
            registry=plugin_registry.load_plugins(),
            context=CONTEXT,
            source="argument storage=",
        )


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


def test_any_other_error_is_a_mistake_in_the_options(chosen):
    exc = KeyError("plain")
    with pytest.raises(ConfigError) as caught:
        chosen(failing(exc), source="default")
    assert str(caught.value) == (
        "can't make the storage 'failing' (from: default): KeyError: 'plain': correct its options"
    )
    assert caught.value.__cause__ is exc


@pytest.mark.parametrize(
    ("point", "error"),
    [("storage", StorageError), ("metadata", MetadataError), ("limiter", BeautyspotError)],
)
def test_a_place_out_of_reach_is_no_mistake_of_the_user(refused, point, error):
    told = refused(failing(ConnectionRefusedError("refused"), point), point, error)
    assert told == f"can't make the {point} 'failing': ConnectionRefusedError: refused"


def test_defaults_that_fail(refused):
    def defaults(cls, context):
        raise LookupError("no home")

    assert "LookupError: no home" in refused(backend("odd", defaults=classmethod(defaults)))


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


def test_a_secret_in_a_foreign_message_is_masked(refused):
    told = refused({"use": failing(ValueError("bad token HUSH in x")), "token": "HUSH"})
    assert "bad token *** in x" in told


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


def test_positional_options_can_not_be_given_by_name(refused):
    def init(self, a: int, /, b: int = 1, *args: int) -> None: ...

    told = refused({"use": backend("typed", init=init), "a": 1})
    assert told.endswith("it has no option 'a'. Its options: b")


def test_annotations_as_objects(refused):
    def init(self, a=1, b=2, c=3, d=4, e=5, f=6):
        self.options = a, b, c, d, e, f

    init.__annotations__ = {
        "a": int, "b": Optional[int], "c": Union[int, str],  # noqa: UP007, UP045 - older code is written so
        "d": Literal["x"], "f": None,
        "e": float | None,
    }  # fmt: skip
    typed = backend("typed", schemes=("typed",), init=init, options_from_url=_no_options)
    assert _from_query(typed, "a=5&b=&c=5&d=y&e=1e3&f=none") == (5, None, "5", "y", 1000.0, None)
    assert refused({"use": typed, "f": 3}).endswith("takes None, not int: correct its value")


_no_options = classmethod(lambda cls, url: {})


def _from_query(cls, query):
    registry = plugin_registry.load_plugins([offering(cls)])
    return select("storage", f"{cls.name}://?{query}", registry=registry, context=CONTEXT)[
        0
    ].options


@pytest.mark.parametrize("text", ["s3", "C:\\x", "s3:x", "", "://x", "1s3://x"])
def test_what_is_no_url(text):
    assert not is_url(text)

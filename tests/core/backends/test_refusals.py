"""What is refused of plug-ins and of choices of a backend, and two words of what is said."""

from __future__ import annotations

from urllib.parse import urlsplit

import beautyspot as bs
import pytest
from beautyspot import builtin
from beautyspot.backends import registry as plugin_registry
from fake_plugins import backend, install, module, offering, origin


@pytest.fixture(autouse=True)
def _no_traces():
    yield
    plugin_registry.forget()


def spot_of(point, choice):
    """A Spot whose backend of this kind is chosen so."""
    return bs.Spot("x", config=False, **{"metadata": "memory", "storage": "memory", point: choice})


# ---------------------------------------------------------------------------- broken plug-ins


def named(name):
    cls = backend("one")
    cls.name = name
    return cls


def nameless():
    cls = backend("one")
    del cls.name
    return cls


def caused(error, cause):
    error.__cause__ = cause
    return error


def missing(name):
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


def hook(function, name="beautyspot_register_storage"):
    return module(**{name: bs.hookimpl(function)})


def needing():
    import no_such_module_at_all  # noqa: F401


class Raising:
    @property
    def beautyspot_api(self):
        raise RuntimeError("not yet")


class Half(bs.BlobStorageBase):
    name = "half"

    def save(self, key, data, *, content_type=None):
        return key


NAMES, TUPLE = "use lower-case letters", 'write a tuple, such as ("foo",)'
CLASS = "return the backend's class itself"
TABLE = "write a table of the names"

BROKEN = [
    (offering(backend("one"), beautyspot_offers=["one"]), TABLE),
    (offering(backend("one"), beautyspot_offers={"storage": "one"}), TABLE),
    (offering(backend("one"), beautyspot_offers={"storage": [1]}), TABLE),
    (Raising(), "it raised RuntimeError: not yet"),
    (RuntimeError(), "it raised RuntimeError ("),
    (RuntimeError("boom"), "RuntimeError: boom", "update it, or ask its author"),
    (SystemExit(3), "SystemExit: 3"),
    (missing("sqlalchemy.orm"), "needs the module 'sqlalchemy.orm'", "install the distribution"),
    (caused(ImportError("install greenlet"), missing("redis")), "needs the module 'redis'"),
    (missing("odd_module.storage"), "its module 'odd_module.storage' is not there: install its"),
    (ImportError("cannot import name 'x'"), "ImportError: cannot import name 'x'"),
    (hook(needing), "needs the module 'no_such_module_at_all'"),
    (offering(backend("one"), beautyspot_api=0), "plug-in API 0", "update the older of the two"),
    (offering(backend("one"), beautyspot_api=True), "plug-in API True", "update the older"),
    (module(), "registers nothing", "@beautyspot.hookimpl"),
    (hook(lambda config: None), "wrong signature", "config", "without arguments"),
    (hook(lambda: None), "beautyspot_register_storage returned None: return a class"),
    (hook(lambda: backend("one")()), "returned an object of type", CLASS),
    (hook(lambda: "one"), "returned an object of type", CLASS),
    (hook(lambda: [backend("one"), {"a": 1}]), "returned an object of type", CLASS),
    (offering(backend("one", "limiter")), "FakeOne, which is no BlobStorageBase: derive it from"),
    (offering(nameless()), "FakeOne has no name: give the class one"),
    *[(offering(named(n)), "has the name", NAMES) for n in ("", "S3", "a:b", "a b", 3, "x\n")],
    *[(offering(backend("one", schemes=s)), TUPLE) for s in ("s3", ["s3"], ("S3",), (3,), None)],
    (offering(Half), "Half leaves load() of BlobStorageBase open: write that"),
]


@pytest.mark.parametrize(("plugin", "words"), [(row[0], row[1:]) for row in BROKEN])
def test_a_broken_plugin_is_said_where_its_backend_is_missed(monkeypatch, plugin, words):
    install(monkeypatch, origin(plugin, "odd"), core=builtin)
    with pytest.raises(bs.BackendNotFound, match="brings the storage 'odd'") as caught:
        spot_of("storage", "odd")
    assert [word for word in words if word not in str(caught.value)] == []


HINT = "Did you mean 'beautyspot_register_storage'?"
ONE = backend("one")
NOTED = [
    (offering(ONE, beautyspot_register_storages=bs.hookimpl(lambda: ONE)), HINT),
    (offering(ONE, zzz=bs.hookimpl(lambda: None)), "beautyspot_register_limiter"),
    (offering(ONE, beautyspot_register_limiter=lambda: None), "decorate it with @beautyspot"),
    (offering(ONE, beautyspot_offers={"stroage": ["one"]}), "Did you mean 'storage'?"),
]


@pytest.mark.parametrize(("plugin", "words"), NOTED)
def test_what_is_misspelt_is_noted_and_the_plugin_kept(monkeypatch, caplog, plugin, words):
    install(monkeypatch, origin(plugin, "odd"), core=builtin)
    assert type(spot_of("storage", "one").storage) is ONE
    (record,) = caplog.records
    assert words in record.getMessage()


# --------------------------------------------------------------------- which backend, and how


def s3_init(
    self,
    bucket_name: str,
    prefix: str = "",
    *,
    region_name: str | None = None,
    retries: int = 3,
    timeout: float = 1.0,
    public: bool = False,
    size: int | None = None,
) -> None:
    pass


def from_s3_url(cls, url):
    parts = urlsplit(url)
    if not parts.netloc:
        raise bs.ConfigError("the URL names no bucket: write s3://bucket/prefix")
    return {"bucket_name": parts.netloc, "prefix": parts.path.lstrip("/")}


S3 = backend("s3", schemes=("s3",), init=s3_init, options_from_url=classmethod(from_s3_url))
DISK = backend("disk")
GCRA = backend("gcra", "limiter", init=lambda self, rate: None)


def failing(error, point="storage", **attributes):
    def init(self, token: str = ""):
        raise error

    return backend("failing", point, init=init, **attributes)


def fail(*_):
    raise LookupError("no home")


def s3(**options):
    return {"use": "s3", "bucket_name": "b", **options}


MISSING, WRONG = bs.BackendNotFound, bs.ConfigError
CHOICES = [
    ("600/min", MISSING, "the storage '600/min'"),
    ("disc", MISSING, "Did you mean 'disk'?", "install the plug-in that brings it"),
    ("s4://b", MISSING, "'s4://'. Did you mean 's3://'?"),
    ("gs://b", MISSING, "docs/examples/beautyspot-fsspec brings it"),
    ("./cache", MISSING, 'storage={"use": "local", "base_dir": \'./cache\'}'),
    ("local", MISSING, "install beautyspot-local (docs/install.md)"),
    ("s3://b?retries=many", WRONG, "the option 'retries' takes ", "correct the URL"),
    ("s3://b?timeout=x", WRONG, "the option 'timeout' takes ", "correct the URL"),
    ("s3://b?public=maybe", WRONG, "the option 'public' takes ", "correct the URL"),
    ("s3://b?size=x", WRONG, "the option 'size' takes ", "correct the URL"),
    ("s3://b?retries=1&retries=2", WRONG, "is given twice"),
    ("s3://b?bucket_nam=x", WRONG, "Did you mean 'bucket_name'? Its options: bucket_name"),
    ("s3:///cache", WRONG, "the URL names no bucket", "(from: argument)"),
    (s3(retries="5"), WRONG, "the option 'retries' takes int, not str", "(from: argument)"),
    (s3(retries=True), WRONG, "int, not bool"),
    (s3(retries=1.5), WRONG, "int, not float"),
    (s3(timeout="1"), WRONG, "float, not str"),
    (s3(public=1), WRONG, "bool, not int"),
    (s3(region_name=3), WRONG, "str or None, not int"),
    (s3(size=[1]), WRONG, "int or None, not list"),
    ({"use": DISK, "a": 1}, WRONG, "has no option 'a'. Its options: none"),
    ("s3", WRONG, "the storage 's3'", "needs bucket_name", '{"use": "s3", "bucket_name": ...}'),
    (S3, WRONG, "needs bucket_name"),
    (3, WRONG, "storage", "int"),
    (GCRA("1/s"), WRONG, "takes an instance of BlobStorageBase", "FakeGcra"),
    (GCRA, WRONG, "is no subclass of BlobStorageBase"),
    ({"use": int}, WRONG, "is no subclass of BlobStorageBase"),
    (Half, WRONG, "Half leaves load() of BlobStorageBase open: write that"),
    ({"bucket_name": "b"}, WRONG, 'such as {"use": "local", ...}'),
    ({"use": S3("b"), "prefix": "x"}, WRONG, "write a name, a URL or a class"),
    ({"use": failing(ValueError("bad HUSH")), "token": "HUSH"}, WRONG, "bad ***"),
    (failing(KeyError("plain")), WRONG, "can't make", "KeyError: 'plain': correct its options"),
    (failing(KeyError(), defaults=classmethod(fail)), WRONG, "LookupError: no home"),
]


@pytest.mark.parametrize(("choice", "error", "words"), [(r[0], r[1], r[2:]) for r in CHOICES])
def test_a_choice_of_a_backend_is_refused(monkeypatch, choice, error, words):
    install(
        monkeypatch,
        origin(offering(S3, DISK), "stores"),
        origin(offering(GCRA, point="limiter"), "limits"),
        core=builtin,
    )
    with pytest.raises(error) as caught:
        spot_of("storage", choice)
    assert type(caught.value) is error
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("extra", ["s3", offering(S3), [None], ["beautyspot_s3"], 3, [b"x"]])
def test_what_is_no_plugin_is_refused(extra):
    with pytest.raises(bs.ConfigError, match=r"^plugins.*: give a list of modules"):
        bs.Spot("x", config=False, metadata="memory", plugins=extra)

"""What is refused of choices of a backend, and two words of what is said."""

from __future__ import annotations

import beautyspot as bs
import pytest
from beautyspot import builtin
from beautyspot.backends import registry as plugin_registry
from fake_plugins import S3, backend, install, offering, point


@pytest.fixture(autouse=True)
def _no_traces():
    yield
    plugin_registry.forget()


def spot_of(kind, choice):
    """A Spot whose backend of this kind is chosen so."""
    return bs.Spot("x", config=False, **{"metadata": "memory", "storage": "memory", kind: choice})


class Half(bs.BlobStorageBase):
    name = "half"

    def save(self, key, data, *, content_type=None):
        return key


# --------------------------------------------------------------------- which backend, and how


DISK = backend("disk")
GCRA = backend("gcra", "limiter", init=lambda self, rate, clock=None: None)


def failing(error, kind="storage", **attributes):
    def init(self, token: str = ""):
        raise error

    return backend("failing", kind, init=init, **attributes)


def fail(*_):
    raise LookupError("no home")


def s3(**options):
    return {"use": "s3", "bucket_name": "b", **options}


MISSING, WRONG = bs.BackendNotFound, bs.ConfigError
CHOICES = [
    ("600/min", MISSING, "the storage '600/min'"),
    ("disc", MISSING, "Did you mean 'disk'?", "install the plug-in that brings it"),
    ("s4://b", MISSING, "'s4://'", "Did you mean 's3://'?"),
    ("gs://b", MISSING, "install docs/examples/beautyspot-fsspec"),
    ("./cache", MISSING, 'A folder is given as {"use": "local", "base_dir": "path"}'),
    ("local", MISSING, "install beautyspot-local (docs/install.md)"),
    ("s3://b?retries=many", WRONG, "the option 'retries' takes ", "correct its value"),
    ("s3://b?timeout=x", WRONG, "the option 'timeout' takes ", "correct its value"),
    ("s3://b?public=maybe", WRONG, "the option 'public' takes ", "correct its value"),
    ("s3://b?size=x", WRONG, "the option 'size' takes ", "correct its value"),
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
    (3, WRONG, "argument storage=3: give a backend's name"),
    (GCRA("1/s"), WRONG, "FakeGcra is no subclass of BlobStorageBase: give one, its name, a URL"),
    (GCRA, WRONG, "is no subclass of BlobStorageBase"),
    ({"use": int}, WRONG, "is no subclass of BlobStorageBase"),
    (Half, WRONG, "Can't instantiate abstract class Half with abstract method"),
    ({"bucket_name": "b"}, WRONG, 'such as {"use": "local", ...}'),
    ({"use": S3("b"), "prefix": "x"}, WRONG, 'add "use" with a name or a URL'),
    ({"use": failing(ValueError("bad HUSH")), "token": "HUSH"}, WRONG, "bad ***"),
    (failing(KeyError("plain")), WRONG, "can't make", "KeyError: 'plain': correct its options"),
    (failing(KeyError(), defaults=classmethod(fail)), WRONG, "LookupError: no home"),
]


@pytest.mark.parametrize(("choice", "error", "words"), [(r[0], r[1], r[2:]) for r in CHOICES])
def test_a_choice_of_a_backend_is_refused(monkeypatch, choice, error, words):
    install(
        monkeypatch,
        point(offering(S3, DISK), "stores"),
        point(offering(GCRA, point="limiter"), "limits"),
        core=builtin,
    )
    with pytest.raises(error) as caught:
        spot_of("storage", choice)
    assert type(caught.value) is error
    assert [word for word in words if word not in str(caught.value)] == []

"""Small backends, plug-in modules and entry points, made in memory."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import beautyspot as bs
from beautyspot.backends import registry
from beautyspot.backends.installed import PluginInfo
from packaging.version import Version

BASE = {
    "metadata": bs.MetadataStoreBase,
    "storage": bs.BlobStorageBase,
    "serializer": bs.SerializerBase,
    "keygen": bs.KeyGenBase,
    "limiter": bs.LimiterBase,
}


def backend(name, point="storage", *, schemes=(), init=None, **attributes):
    """A whole backend class; its abstract methods do nothing."""
    base = BASE[point]
    methods = {method: lambda self, *args, **kwargs: None for method in base.__abstractmethods__}
    members = {"name": name, "schemes": schemes, **methods, **attributes}
    if init is not None:
        members["__init__"] = init
    return type(f"Fake{name.title()}", (base,), members)


def module(name="fake_plugin", **attributes):
    """A module with these attributes."""
    made = ModuleType(name)
    vars(made).update(attributes)
    return made


def offering(*classes, point="storage", name="fake_plugin", **attributes):
    """A plug-in module that registers these classes, or one table."""

    def hook():
        return classes[0] if isinstance(classes[0], dict) else list(classes)

    hook_name = f"beautyspot_register_{point}"
    hook.__name__ = hook_name
    return module(name, **{hook_name: bs.hookimpl(hook)}, **attributes)


class point(PluginInfo):  # noqa: N801 - it stands for a function
    """An installed plug-in that is what is given, or raises that."""

    def __init__(self, target, plugin="fake", /, *, name="fake-dist", version="1.2"):
        super().__init__(plugin, f"{plugin}_module", name, version)
        self.target = target

    def load(self):
        if isinstance(self.target, BaseException):
            raise self.target
        is_function = callable(self.target) and not isinstance(self.target, type)
        return self.target() if is_function else self.target


def install(monkeypatch, *points, core=None):
    """Pretend that exactly these are installed, and count the scans for them.

    `core` replaces what core itself brings.
    """
    scans = []
    core = core or offering(backend("sqlite", "metadata"), point="metadata")
    first = point(core, "core", name="beautyspot-core")
    monkeypatch.setattr(registry, "installed", lambda: scans.append(1) or [first, *points])
    monkeypatch.delenv("BEAUTYSPOT_PLUGINS", raising=False)
    registry.forget()
    return scans


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
        raise bs.ConfigError("the URL names no bucket: write s3://bucket/prefix")
    return {"bucket_name": parts.netloc, "prefix": parts.path.lstrip("/")}


S3 = backend("s3", schemes=("s3",), init=_s3_init, options_from_url=classmethod(_from_s3_url))
"""A storage with options of all kinds."""


class Versions(bs.TypeSupport):
    """The versions of `packaging`."""

    name = "versions"
    classes = ("packaging.version:Version",)

    def key(self, value):
        return str(value)

    def encode(self, value):
        return str(value)

    def decode(self, value):
        return Version(value)

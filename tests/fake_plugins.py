"""Small backends, plug-in modules and entry points, made in memory."""

from __future__ import annotations

import importlib.metadata
import sys
from types import ModuleType, SimpleNamespace

import beautyspot as bs
from beautyspot.backends import discovery, registry
from beautyspot.backends.discovery import Origin
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
    """A plug-in module that registers these classes."""

    def hook():
        return list(classes)

    hook_name = f"beautyspot_register_{point}"
    hook.__name__ = hook_name
    return module(name, **{hook_name: bs.hookimpl(hook)}, **attributes)


def dist(name="fake-dist", version="1.2"):
    """A distribution."""
    return SimpleNamespace(name=name, version=version, locate_file=lambda path: f"/site/{path}")


def origin(target, entry="fake", /, **kwargs):
    """Where a plug-in comes from."""
    if isinstance(target, BaseException):

        def load():
            raise target
    else:

        def load():
            return target

    return Origin(entry, f"{entry}_module", load, dist(**kwargs))


class EntryPoints:
    """Stands for `importlib.metadata.entry_points`, with these alone; counts the scans."""

    def __init__(self, *origins):
        self.scans = 0
        self.points = [
            SimpleNamespace(name=o.name, value=o.module, load=o.load, dist=o.dist) for o in origins
        ]

    def __call__(self, *, group):
        assert group == "beautyspot"
        self.scans += 1
        return self.points


def install(monkeypatch, *origins, core=None):
    """Pretend that exactly these are installed. `core` replaces what core itself brings."""
    points = EntryPoints(*origins)
    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    monkeypatch.delenv("BEAUTYSPOT_PLUGINS", raising=False)
    core = core or offering(backend("sqlite", "metadata"), point="metadata")
    monkeypatch.setitem(sys.modules, "core_of_the_test", core)
    monkeypatch.setattr(discovery, "BUILTIN", "core_of_the_test")
    registry.forget()
    return points


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

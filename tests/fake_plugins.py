"""Small backends, plug-in modules and entry points, made in memory."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import beautyspot as bs
from beautyspot.backends import registry, scan
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


def dist(name="fake-dist", version="1.2"):
    """A distribution."""
    return SimpleNamespace(name=name, version=version, locate_file=lambda path: f"/site/{path}")


def point(target, name="fake", /, **kwargs):
    """An entry point that leads to a plug-in, or raises what is given in its place."""

    def load():
        if isinstance(target, BaseException):
            raise target
        return target() if callable(target) and not isinstance(target, type) else target

    return SimpleNamespace(name=name, value=f"{name}_module", load=load, dist=dist(**kwargs))


def install(monkeypatch, *points, core=None):
    """Pretend that exactly these are installed, and count the scans for them.

    `core` replaces what core itself brings.
    """
    scans = []
    _, ours = scan.installed()
    monkeypatch.setattr(scan, "installed", lambda: (scans.append(1) or list(points), ours))
    monkeypatch.delenv("BEAUTYSPOT_PLUGINS", raising=False)
    core = core or offering(backend("sqlite", "metadata"), point="metadata")
    monkeypatch.setitem(sys.modules, "core_of_the_test", core)
    monkeypatch.setattr(registry, "_CORE", "core_of_the_test")
    registry.forget()
    return scans


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

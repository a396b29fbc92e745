"""What is wrong with settings: whether the backends that hold no results can be had."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from beautyspot.backends.registry import load_plugins
from beautyspot.backends.selection import select, understood
from beautyspot.backends.spot_backends import context_of
from beautyspot.contracts import LimiterBase, SerializerBase
from beautyspot.contracts.backend import Finding
from beautyspot.inspecting.health import safely

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.backends.registry import Registry
    from beautyspot.config.resolve import Config


def of_settings(settings: Config, plugins: Iterable[object]) -> Iterator[Finding]:
    """What is wrong with the settings, and the backends that they name beside the stores."""
    sources = sorted({settings.source(setting) for setting in settings} - {"default"})
    yield Finding("ok", "configuration", f"from {', '.join(sources)}" if sources else "of defaults")
    registry = load_plugins(plugins)
    specs = [("keygen", settings["keygen"]), ("serializer", settings["serializer"])]
    specs += [("limiter", spec) for spec in _limits(settings["limiter"])]
    for point, spec in specs:
        yield from safely(point, partial(_of_backend, point, spec, settings, registry))


def of_part(point: str, settings: Config, plugins: Iterable[object]) -> Iterator[Finding]:
    """What is wrong with one backend of the settings, where there is no store to ask."""
    registry = load_plugins(plugins)
    yield from safely(point, partial(_of_backend, point, settings[point], settings, registry))


def _limits(limiter: Any) -> list[Any]:
    """The limiter, or each of several; a named limit less its name."""
    if limiter is None or not isinstance(limiter, list):
        return [] if limiter is None else [limiter]
    return [{key: table[key] for key in table if key != "name"} for table in limiter]


def _of_backend(point: str, spec: Any, settings: Config, registry: Registry) -> Iterator[Finding]:
    cls = understood(point, spec, registry)[0]
    subject = f"{point} {cls.name}"
    if issubclass(cls, SerializerBase) and cls.requires_signature and not settings["signing_key"]:
        text = "it loads signed results only: set signing_key, as by BEAUTYSPOT_SIGNING_KEY"
        yield Finding("problem", subject, text)
        return
    if issubclass(cls, LimiterBase) and cls.shared and not cls.blocking:
        yield Finding("ok", subject, "it is installed")  # to make it would make its file
        return
    backend, _ = select(
        point,
        spec,
        registry=registry,
        context=context_of("examined", settings),
        source=settings.source(point),
        anchor=settings.anchor(point),
    )
    try:
        yield Finding("ok", subject, "it can be made")
        yield from safely(subject, backend.examine)
    finally:
        backend.close()

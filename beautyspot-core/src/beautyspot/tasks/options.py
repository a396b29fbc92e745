"""The options of `mark`, checked when the function is decorated and not when it is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from beautyspot.config.settings import LIFETIME, or_none, seconds
from beautyspot.errors import ConfigError
from beautyspot.messages.suggestions import check_options

MODES: Final = ("normal", "readonly", "replay")

_CONTENT_TYPE: Final = r"(?a)[\w.+-]+/[\w.+-]+(\s*;\s*[\w.+-]+=[\w.+\"-]+)*"

KeyOption = str | Callable[..., object] | Mapping[str, Callable[[Any], object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkOptions:
    """What a `mark` says of its function; `Spot.mark` documents each.

    Raises:
        ConfigError: one is of the wrong type or out of its range; says which, and what fits.
    """

    version: str | int | None = None
    save_blob: bool | None = None
    content_type: str | None = None
    serializer: object = None
    key: KeyOption | None = None
    keygen: object = None
    ttl: object = None
    tags: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    name: str | None = None
    cache_if: Callable[[Any], object] | None = None
    mode: str | None = None
    stale_on_error: bool = False

    def __post_init__(self) -> None:
        for check in _CHECKS:
            check(self)

    @classmethod
    def from_keywords(cls, options: Mapping[str, Any]) -> MarkOptions:
        """The options that a user wrote.

        Raises:
            ConfigError: one is unknown, or does not fit; says which ones there are.
        """
        check_options("mark", options, cls.__dataclass_fields__)
        several = {k: _several(options[k]) for k in ("tags", "ignore") if k in options}
        return cls(**{**options, **several})

    def completed(self, *, ttl: object, mode: str) -> MarkOptions:
        """These options, with the Spot's where this function has none of its own."""
        return replace(self, ttl=ttl if self.ttl is None else self.ttl, mode=self.mode or mode)

    @property
    def seconds(self) -> float | None:
        """The `ttl` in seconds; None is for ever, which "none" says against the Spot's own."""
        lasts: float | None = or_none(seconds)(self.ttl)
        return lasts


def _several(value: Any) -> Any:
    return value if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)


def _wrong(option: str, value: object, fits: str) -> ConfigError:
    return ConfigError(f"mark({option}={value!r:.80}) does not fit: give {fits}")


def _check_version(options: MarkOptions) -> None:
    version = options.version
    if version is not None and (isinstance(version, bool) or not isinstance(version, str | int)):
        raise _wrong("version", version, 'text, a whole number, or "auto" to follow the code')


def _check_storing(options: MarkOptions) -> None:
    for option in ("save_blob", "stale_on_error"):
        value = getattr(options, option)
        if value is not None and not isinstance(value, bool):
            raise _wrong(option, value, "True or False")
    kind = options.content_type
    if kind is not None and (not isinstance(kind, str) or not re.fullmatch(_CONTENT_TYPE, kind)):
        raise _wrong("content_type", kind, 'a MIME type such as "image/png"')


def _check_key(options: MarkOptions) -> None:
    key = options.key
    if key is None or isinstance(key, str) or callable(key):
        return
    if not isinstance(key, Mapping) or not all(callable(part) for part in key.values()):
        fits = "an ID, a function of the arguments, or a table {argument: function of its value}"
        raise _wrong("key", key, fits)


def _check_names(options: MarkOptions) -> None:
    for option in ("tags", "ignore"):
        value: object = getattr(options, option)
        texts = isinstance(value, tuple) and all(isinstance(x, str) and x for x in value)
        if not texts:
            one = value if isinstance(value, str) and value else "one"
            raise _wrong(option, value, f'several texts, or one with a comma: {option}=("{one}",)')
    if options.name is not None and (not isinstance(options.name, str) or not options.name):
        raise _wrong("name", options.name, "a text that no other function uses")


def _check_calls(options: MarkOptions) -> None:
    if options.cache_if is not None and not callable(options.cache_if):
        raise _wrong("cache_if", options.cache_if, "a function of the result: True keeps it")
    if options.mode is not None and options.mode not in MODES:
        raise _wrong("mode", options.mode, " or ".join(MODES))


def _check_ttl(options: MarkOptions) -> None:
    try:
        _ = options.seconds
    except (TypeError, ValueError):
        raise _wrong("ttl", options.ttl, LIFETIME) from None


_CHECKS: Final = (
    _check_version,
    _check_storing,
    _check_key,
    _check_names,
    _check_calls,
    _check_ttl,
)

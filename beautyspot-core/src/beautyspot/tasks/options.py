"""The options of `mark`, checked when the function is decorated and not when it is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypedDict

from beautyspot.config.settings import (
    COMPRESSION,
    LIFETIME,
    compression,
    fitting,
    flag,
    or_none,
    text,
)
from beautyspot.contracts import DURATION, seconds
from beautyspot.contracts.storage import CONTENT_TYPE
from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot.functions.names import is_private
from beautyspot.messages import check_options

if TYPE_CHECKING:
    from datetime import timedelta

    from beautyspot.contracts import KeyGenBase, SerializerBase

MODES: Final = ("normal", "readonly", "replay", "refresh")

ON_CANCEL: Final = ("stop", "finish")

KeyOption = str | Callable[..., object] | Mapping[str, Callable[[Any], object]]

Backend = str | Mapping[str, Any]
"""A name, a URL or a table of options."""


class MarkKeywords(TypedDict, total=False):
    """The options of `Spot.mark`, as a user writes them; it documents each."""

    version: str | int | None
    save_blob: bool | None
    content_type: str | None
    serializer: Backend | SerializerBase | type[SerializerBase] | None
    key: KeyOption | None
    keygen: Backend | KeyGenBase | type[KeyGenBase] | None
    ttl: float | str | timedelta | Callable[..., object] | None
    stale: float | str | timedelta | None
    tags: str | Iterable[str] | Callable[..., Iterable[str]]
    ignore: str | Iterable[str]
    name: str | None
    cache_if: Callable[[Any], object] | None
    price: Callable[[Any], object] | None
    mode: str | None
    stale_on_error: bool
    cache_errors: type[Exception] | Iterable[type[Exception]]
    error_ttl: float | str | timedelta | None
    on_cancel: str | None
    each: str | None
    batch: int | None
    added: Mapping[str, Any] | None
    renamed_from: str | Iterable[str]
    arguments: bool | None
    compress: str | bool | None
    mmap: bool


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
    stale: object = None
    tags: tuple[str, ...] | Callable[..., object] = ()
    ignore: tuple[str, ...] = ()
    name: str | None = None
    cache_if: Callable[[Any], object] | None = None
    price: Callable[[Any], object] | None = None
    mode: str | None = None
    stale_on_error: bool = False
    cache_errors: tuple[type[Exception], ...] = ()
    error_ttl: object = None
    on_cancel: str | None = None
    each: str | None = None
    batch: int | None = None
    added: Mapping[str, Any] | None = None
    renamed_from: tuple[str, ...] = ()
    arguments: bool | None = None
    compress: str | bool | None = None
    mmap: bool = False

    def __post_init__(self) -> None:
        for option, (check, takes) in _CHECKS.items():
            value = getattr(self, option)
            try:
                if value is not None:
                    check(value)
            except (TypeError, ValueError):
                why = f"does not fit: give {takes.format(option=option)}"
                raise ConfigError(f"mark({option}={value!r:.80}) {why}") from None

    @classmethod
    def from_keywords(cls, options: Mapping[str, Any]) -> MarkOptions:
        """The options that a user wrote.

        Raises:
            ConfigError: one is unknown, or does not fit; says which ones there are.
        """
        check_options("mark", options, cls.__dataclass_fields__)
        made = {name: several(options[name]) for name in _SEVERAL if name in options}
        if isinstance(options.get("added"), Mapping):
            made["added"] = dict(options["added"])  # which nobody changes, and which can travel
        return cls(**{**options, **made})

    def completed(
        self, *, ttl: object, mode: str, arguments: bool, compress: str | None
    ) -> MarkOptions:
        """These options, with the Spot's where this function has none of its own."""
        return replace(
            self,
            ttl=ttl if self.ttl is None else self.ttl,
            mode=self.mode or mode,
            arguments=arguments if self.arguments is None else self.arguments,
            compress=compress if self.compress is None else compression(self.compress),
        )

    @property
    def seconds(self) -> float | None:
        """The `ttl` in seconds; None is for ever, which "none" says against the Spot's own.

        None too where `ttl` is a function of the result.
        """
        lasts: float | None = None if callable(self.ttl) else or_none(seconds)(self.ttl)
        return lasts


def several(value: Any) -> Any:
    """Several texts or classes as a tuple; one is short for that."""
    if isinstance(value, str | type):
        return (value,)
    return () if value is None else tuple(value) if isinstance(value, Iterable) else value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def are_texts(value: object) -> bool:
    """Whether it is a tuple of texts, as `several` gives it."""
    return isinstance(value, tuple) and all(map(_is_text, value))


def _are_paths(value: Any) -> bool:
    return are_texts(value) and not any(is_private(n) for x in value for n in x.split(".")[1:])


def _is_content_type(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(CONTENT_TYPE, value) is not None


def _is_key(value: object) -> bool:
    is_table = isinstance(value, Mapping) and all(map(callable, value.values()))
    return is_table or isinstance(value, str) or callable(value)


def _is_plain(value: object) -> bool:
    return callable(value) and not inspect.iscoroutinefunction(value)


def _are_errors(value: Any) -> bool:
    """Of beautyspot's own errors none is a result: they say that there is none."""
    return isinstance(value, tuple) and all(
        isinstance(each, type)
        and issubclass(each, Exception)
        and not issubclass(each, BeautyspotError)
        for each in value
    )


def _lasts(value: object) -> None:
    if not _is_plain(value):
        or_none(seconds)(value)


_KEYS: Final = "an ID, a function of the arguments, or a table {{argument: function of its value}}"
_TEXTS: Final = 'a text, or several: {option}=("a", "b")'
_ERRORS: Final = "classes of exceptions, none of beautyspot: {option}=(LookupError,)"
_SEVERAL: Final = ("tags", "ignore", "cache_errors", "renamed_from")
_OF_THE_RESULT: Final = "or a function of the result and the arguments, no async def"

_CHECKS: Final[dict[str, tuple[Callable[[Any], object], str]]] = {
    "version": (
        fitting(lambda value: isinstance(value, str) or _is_whole(value)),
        'text, a whole number, or "auto" to follow the code',
    ),
    "save_blob": (flag, "True or False"),
    "content_type": (fitting(_is_content_type), 'a MIME type such as "image/png"'),
    "key": (fitting(_is_key), _KEYS),
    "ttl": (_lasts, f"{LIFETIME}, {_OF_THE_RESULT}"),
    "stale": (seconds, DURATION),
    "tags": (
        fitting(lambda value: _is_plain(value) or are_texts(value)),
        f"{_OF_THE_RESULT[3:]}, or {_TEXTS}",
    ),
    "ignore": (
        fitting(_are_paths),
        f"{_TEXTS}; of a private attribute the name that it has in vars(self), _Class__name",
    ),
    "name": (text, "a text that no other function uses"),
    "cache_if": (fitting(callable), "a function of the result: True keeps it"),
    "price": (
        fitting(_is_plain),
        "a function of the result, no async def, that returns what the call cost",
    ),
    "mode": (fitting(MODES.__contains__), " or ".join(MODES)),
    "stale_on_error": (flag, "True or False"),
    "cache_errors": (fitting(_are_errors), _ERRORS),
    "error_ttl": (or_none(seconds), LIFETIME),
    "on_cancel": (fitting(ON_CANCEL.__contains__), " or ".join(ON_CANCEL)),
    "each": (text, "the name of a parameter that takes a list"),
    "batch": (
        fitting(lambda value: _is_whole(value) and value >= 1),
        "a whole number of items, 1 or more",
    ),
    "added": (
        fitting(lambda value: isinstance(value, Mapping) and all(map(_is_text, value))),
        "a table {{parameter: value at which nothing changed}}",
    ),
    "renamed_from": (fitting(are_texts), 'identifiers such as "module:function"'),
    "arguments": (flag, "True or False"),
    "compress": (compression, COMPRESSION),
    "mmap": (flag, "True or False"),
}
"""What each option may be, by a check as of settings, and what a message says of it."""

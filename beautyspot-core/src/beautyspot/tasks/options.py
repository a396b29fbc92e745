"""The options of `mark`, and what its functions say of a result: lifetime, tags, price.

Options are checked when the function is decorated, and not when it is called.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from beautyspot.config.settings import LIFETIME, SETTINGS, or_none
from beautyspot.contracts import DURATION, seconds
from beautyspot.contracts.checked import fitting, flag, text
from beautyspot.contracts.storage import CONTENT_TYPE
from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot.functions.names import is_private
from beautyspot.messages import check_options, checked

if TYPE_CHECKING:
    from datetime import timedelta

    from beautyspot.contracts import KeyGenBase, SerializerBase

Backend = str | Mapping[str, Any]
"""A name, a URL or a table of options."""


class MarkKeywords(TypedDict, total=False):
    """The options of `Spot.mark`, as a user writes them; it documents each."""

    version: str | int | None
    save_blob: bool | None
    content_type: str | None
    serializer: Backend | SerializerBase | type[SerializerBase] | None
    key: str | Callable[..., object] | Mapping[str, Callable[[Any], object]] | None
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


class MarkOptions(SimpleNamespace):
    """What a `mark` says of its function: one attribute for each of `MarkKeywords`.

    Each is in the form that `_OPTIONS` gives it: durations in seconds, where None is for ever, and
    several texts or classes as a tuple.
    """

    @classmethod
    def checked(cls, given: Mapping[str, Any], of_spot: Mapping[str, Any]) -> MarkOptions:
        """The options that a user wrote, with the Spot's where this function has none of its own.

        Raises:
            ConfigError: one is unknown, of the wrong type or out of its range; says what fits.
        """
        check_options("mark", given, _OPTIONS)
        made: dict[str, Any] = {}
        for option, (default, form, takes) in _OPTIONS.items():
            value = given.get(option)
            if value is None:
                made[option] = of_spot.get(option, default)
            else:
                made[option] = checked(option, value, form, takes, "mark({})")
        return cls(**made)


def _several(fits: Callable[[Any], bool]) -> Callable[[object], tuple[Any, ...]]:
    """A check that gives several texts or classes as a tuple, if all fit; one is short for that."""

    def checked(value: Any) -> tuple[Any, ...]:
        found = (value,) if isinstance(value, str | type) else tuple(value)
        if not all(map(fits, found)):
            raise ValueError("one does not fit")
        return found

    return checked


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_path(value: Any) -> bool:
    return _is_text(value) and not any(map(is_private, value.split(".")[1:]))


def _is_key(value: object) -> bool:
    is_table = isinstance(value, Mapping) and all(map(callable, value.values()))
    return is_table or isinstance(value, str) or callable(value)


def _is_plain(value: object) -> bool:
    return callable(value) and not inspect.iscoroutinefunction(value)


def _is_error(value: Any) -> bool:
    """Of beautyspot's own errors none is a result: they say that there is none."""
    is_class = isinstance(value, type) and issubclass(value, Exception)
    return is_class and not issubclass(value, BeautyspotError)


def _added(value: object) -> dict[str, Any]:
    if not (isinstance(value, Mapping) and all(map(_is_text, value))):
        raise ValueError("no table by parameters")
    return dict(value)  # which nobody changes, and which can travel


def _as_written(value: object) -> object:
    """A lifetime, where "none" is for ever, and None as long as others."""
    or_none(seconds)(value)
    return value


def _or_of_the_result(check: Callable[[object], Any]) -> Callable[[object], Any]:
    """The same check, and functions of the result."""
    return lambda value: value if _is_plain(value) else check(value)


_texts: Final = _several(_is_text)
"""Several texts as a tuple; one is short for that."""

_TEXTS: Final = 'a text, or several: ("a", "b")'
_OF_THE_RESULT: Final = "or a function of the result and the arguments, no async def"
_FLAG: Final = (flag, "True or False")


def _as_setting(name: str) -> tuple[Callable[[object], Any], str]:
    return SETTINGS[name].check, SETTINGS[name].expects


_LATER: Final = (lambda value: value, "")  # is checked where the backend is made

_OPTIONS: Final[dict[str, tuple[Any, Callable[[Any], object], str]]] = {
    "version": (
        None,
        fitting(lambda value: isinstance(value, str) or _is_whole(value)),
        'text, a whole number, or "auto" to follow the code',
    ),
    "save_blob": (None, *_FLAG),
    "content_type": (
        None,
        fitting(lambda value: re.fullmatch(CONTENT_TYPE, value) is not None),
        'a MIME type such as "image/png"',
    ),
    "serializer": (None, *_LATER),
    "key": (
        None,
        fitting(_is_key),
        "an ID, a function of the arguments, or a table {argument: function of its value}",
    ),
    "keygen": (None, *_LATER),
    "ttl": (None, _or_of_the_result(or_none(seconds)), f"{LIFETIME}, {_OF_THE_RESULT}"),
    "stale": (None, seconds, DURATION),
    "tags": ((), _or_of_the_result(_texts), f"{_OF_THE_RESULT[3:]}, or {_TEXTS}"),
    "ignore": (
        (),
        _several(_is_path),
        f"{_TEXTS}; of a private attribute the name that it has in vars(self), _Class__name",
    ),
    "name": (None, text, "a text that no other function uses"),
    "cache_if": (None, fitting(callable), "a function of the result: True keeps it"),
    "price": (
        None,
        fitting(_is_plain),
        "a function of the result, no async def, that returns what the call cost",
    ),
    "mode": (None, *_as_setting("mode")),
    "stale_on_error": (False, *_FLAG),
    "cache_errors": (
        (),
        _several(_is_error),
        "classes of exceptions, none of beautyspot: (LookupError,)",
    ),
    "error_ttl": (None, _as_written, LIFETIME),
    "on_cancel": (None, fitting(("stop", "finish").__contains__), '"stop" or "finish"'),
    "each": (None, text, "the name of a parameter that takes a list"),
    "batch": (
        None,
        fitting(lambda value: _is_whole(value) and value >= 1),
        "a whole number of items, 1 or more",
    ),
    "added": (None, _added, "a table {parameter: value at which nothing changed}"),
    "renamed_from": ((), _texts, 'identifiers such as "module:function"'),
    "arguments": (None, *_FLAG),
    "compress": (None, *_as_setting("compress")),
    "mmap": (False, *_FLAG),
}
"""Of each option its default, what gives it in its form, as of settings, and what it may be."""


# ------------------------------------------------------------------------ what it says of a result


class Terms(NamedTuple):
    """The terms on which one result is kept.

    Attributes:
        ttl: how long it is valid, in seconds; 0 has expired at once, None is for ever.
        tags: by which it can be invalidated.
    """

    ttl: float | None
    tags: tuple[str, ...]


def terms_of(
    options: MarkOptions, result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Terms:
    """The terms of one result, of the options `ttl` and `tags` of its mark.

    A duration that would have ended in the past, such as a token's, ends at once.

    Args:
        options: of the mark.
        result: of the call; of a generator, the list of its items.
        args: of the call, as they were passed.
        kwargs: the same.

    Raises:
        ConfigError: a function gave something else than a duration, or than tags.
        Exception: a function raised it.
    """
    ttl, tags = options.ttl, options.tags
    if callable(options.ttl):
        answer = options.ttl(result, *args, **kwargs)
        number = getattr(answer, "total_seconds", lambda: answer)()
        is_past = isinstance(number, int | float) and -math.inf < number < 0
        try:
            ttl = or_none(seconds)(0 if is_past else answer)
        except (TypeError, ValueError):
            raise _wrong("ttl", answer, LIFETIME) from None
    if callable(tags):
        found: Any = tags(result, *args, **kwargs)
        try:
            tags = _texts(found)
        except (TypeError, ValueError):
            raise _wrong("tags", found, 'a text, or several: ("a", "b")') from None
    return Terms(ttl, tags)


def checked_price(answer: Any) -> float:
    """A price as it is stored, of any kind of number.

    Raises:
        ConfigError: it is no finite number, or negative; says what to return.
    """
    try:
        price = math.nan if isinstance(answer, bool | str | bytes) else float(answer)
    except (TypeError, ValueError, OverflowError):  # also of a huge integer
        price = math.nan
    if 0 <= price < math.inf:
        return price
    example = "a finite number that is 0 or more, such as result.usage.total_tokens * 2e-6"
    raise _wrong("price", answer, f"what the call cost, as {example}")


def _wrong(option: str, answer: object, instead: str) -> ConfigError:
    """A number or a short text may be read in a message, other values not."""
    plain = isinstance(answer, str | int | float)
    shown = f"{answer!r:.80}" if plain else f"an object of type {type(answer).__name__}"
    return ConfigError(f"the function given as {option}= returned {shown}: return {instead}")

"""For how long a result is valid, and by which tags it can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from beautyspot.config.settings import LIFETIME, or_none
from beautyspot.contracts import seconds
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.tasks.options import MarkOptions


class Terms(NamedTuple):
    """The terms on which one result is kept.

    Attributes:
        ttl: how long it is valid, in seconds; 0 has expired at once, None is for ever.
        tags: by which it can be invalidated.
    """

    ttl: float | None
    tags: tuple[str, ...]


def are_asked(options: MarkOptions) -> bool:
    """Whether the terms of each result are asked for, of the functions that the mark was given."""
    return callable(options.ttl) or callable(options.tags)


def terms_of(
    options: MarkOptions, result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Terms:
    """The terms of one result, of the options `ttl` and `tags` of its mark.

    Args:
        options: of the mark.
        result: of the call; of a generator, the list of its items.
        args: of the call, as they were passed.
        kwargs: the same.

    Raises:
        ConfigError: a function gave something else than a duration, or than tags.
        Exception: a function raised it.
    """
    ttl, tags = options.seconds, options.fixed_tags
    if callable(options.ttl):
        ttl = _checked_ttl(options.ttl(result, *args, **kwargs))
    if callable(options.tags):
        tags = _checked_tags(options.tags(result, *args, **kwargs))
    return Terms(ttl, tags)


def _checked_ttl(answer: Any) -> float | None:
    """A duration; what would have ended in the past, such as a token's, ends at once."""
    check: Callable[[object], Any] = or_none(seconds)
    try:
        lasts: float | None = check(0 if _is_negative(answer) else answer)
    except (TypeError, ValueError):
        raise ConfigError(
            f"the function given as ttl= returned {_shown(answer)}: return {LIFETIME}"
        ) from None
    return lasts


def _is_negative(answer: Any) -> bool:
    number = getattr(answer, "total_seconds", lambda: answer)()
    return isinstance(number, int | float) and -float("inf") < number < 0


def _checked_tags(answer: Any) -> tuple[str, ...]:
    tags = () if isinstance(answer, str) or not isinstance(answer, Iterable) else (*answer,)
    if isinstance(answer, str) or not isinstance(answer, Iterable) or not all(map(_is_tag, tags)):
        raise ConfigError(
            f"the function given as tags= returned {_shown(answer)}: return several texts, or one "
            'with a comma: ("one",)'
        )
    return tags


def _is_tag(tag: object) -> bool:
    return isinstance(tag, str) and tag != ""


def _shown(answer: object) -> str:
    """What a message says of it: a number or a short text may be read there, other values not."""
    plain = isinstance(answer, str | int | float)
    return f"{answer!r:.80}" if plain else f"an object of type {type(answer).__name__}"

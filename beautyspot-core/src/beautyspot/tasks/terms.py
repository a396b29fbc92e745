"""What the functions of a mark say of a result: how long it is valid, its tags, what it cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from beautyspot.config.settings import LIFETIME, or_none
from beautyspot.contracts import seconds
from beautyspot.errors import ConfigError
from beautyspot.tasks.options import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.tasks.options import MarkOptions


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
            tags = texts(found)
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

"""Did you mean ...? The end of every message about an unknown word."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

P = ParamSpec("P")
R = TypeVar("R")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known word that looks most like `word`, else nothing."""
    import difflib  # 10 ms, and only where something went wrong

    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def listing(words: Iterable[str]) -> str:
    """The words, sorted and with commas between them; ``none`` where there are none."""
    return ", ".join(sorted(words)) or "none"


def check_options(caller: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse an option that `caller` does not take.

    Raises:
        ConfigError: lists the options there are.
    """
    for option in given:
        if option not in known:
            close = did_you_mean(option, known)
            raise ConfigError(
                f"{caller} takes no option {option!r}.{close} There are: {listing(known)}"
            )


def checks_options(caller: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have a method refuse an unknown keyword as `check_options` does; its signature stays."""

    def decorated(method: Callable[P, R]) -> Callable[P, R]:
        code = method.__code__  # `inspect` would say the same, and takes milliseconds to import
        named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        known = frozenset(named[code.co_posonlyargcount :]) - {"self"}

        @wraps(method)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            check_options(caller, kwargs, known)
            return method(*args, **kwargs)

        return checked

    return decorated

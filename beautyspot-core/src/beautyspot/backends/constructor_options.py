"""The options of a backend, checked against its constructor's signature before it is called.

A type is checked only where an annotation consists of `int`, `float`, `bool`, `str` and `None`. For
whatever else an annotation says, the constructor checks its arguments itself.
"""

from __future__ import annotations

import inspect
import os
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.config.settings import boolean
from beautyspot.errors import ConfigError
from beautyspot.messages.suggestions import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def _none(text: str) -> None:
    if text.lower() not in ("", "none"):
        raise ValueError("not None")


_TYPES: Final[dict[str, tuple[type | tuple[type, ...], Callable[[str], object]]]] = {
    "bool": (bool, boolean),
    "int": (int, int),
    "float": ((int, float), float),
    "str": (str, str),
    "None": (NoneType, _none),
}
"""Word of an annotation -> the type of a value, and how a text is read as one."""

_PATHS: Final = frozenset({"Path", "PathLike", "PurePath"})


class Options:
    """What the constructor of a class takes.

    Attributes:
        known: the names of its options.
        required: those without a default.
        open: True where it takes any (``**kwargs``).
    """

    def __init__(self, cls: type) -> None:
        parameters = inspect.signature(cls).parameters.values()
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.known = [p.name for p in named]
        self.required = [p.name for p in named if p.default is p.empty]
        self._words = {p.name: _words_of(p.annotation) for p in named}

    def accepted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of `values` that the constructor takes."""
        return {key: value for key, value in values.items() if self.open or key in self.known}

    def check_names(self, given: Mapping[str, Any], what: str) -> None:
        """Refuse an option that the constructor does not take.

        Raises:
            ConfigError: lists the options there are.
        """
        for name in given:
            if not self.open and name not in self.known:
                raise ConfigError(
                    f"{what} has no option {name!r}.{did_you_mean(str(name), self.known)} "
                    f"Its options: {listing(self.known)}"
                )

    def check_required(self, given: Mapping[str, Any], use: str) -> None:
        """Refuse to make a backend that lacks an option.

        Raises:
            ConfigError: shows how to give it.
        """
        missing = [name for name in self.required if name not in given]
        if missing:
            example = ", ".join(f'"{name}": ...' for name in missing)
            raise ConfigError(
                f'it needs {listing(missing)}: give a table such as {{"use": "{use}", {example}}}'
            )

    def checked(self, name: str, value: object, what: str, anchor: Path | None) -> object:
        """An option's value; a relative path in it starts from the folder `anchor`.

        Raises:
            ConfigError: its type is none that the annotation names.
        """
        words = self._words.get(name, frozenset())
        if words and words <= _TYPES.keys() and not _fits(value, words):
            raise ConfigError(
                f"{what}: the option {name!r} takes {_either(words)}, not {type(value).__name__}: "
                "correct its value"
            )
        if anchor is None or not isinstance(value, str) or not words & _PATHS:
            return value
        return os.path.join(anchor, os.path.expanduser(value))  # noqa: PTH111, PTH118 - text to text

    def from_text(self, name: str, text: str, what: str) -> object:
        """An option out of a URL's query part, read as a type that the annotation names.

        Raises:
            ConfigError: the text is no value of such a type.
        """
        words = self._words.get(name, frozenset())
        if not words or "str" in words or not words <= _TYPES.keys():
            return text
        for word, (_, read) in _TYPES.items():
            if word in words:
                with suppress(ValueError):
                    return read(text)
        raise ConfigError(f"{what}: the option {name!r} takes {_either(words)}: correct the URL")


def _words_of(annotation: Any) -> frozenset[str]:
    """The words of an annotation, such as ``int`` and ``None``; none where there is none."""
    if annotation is inspect.Parameter.empty:
        return frozenset()
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = text.replace("Optional[", "None | ")
    return frozenset("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def _fits(value: object, words: frozenset[str]) -> bool:
    if isinstance(value, bool):  # an int to Python, but not to a user who writes `true`
        return "bool" in words
    return any(isinstance(value, _TYPES[word][0]) for word in words)


def _either(words: frozenset[str]) -> str:
    return " or ".join(word for word in _TYPES if word in words)

"""The options of a backend: checked against its constructor's signature before it is called.

A type is checked only where an annotation says it in plain words: `int`, `float`, `bool`, `str`,
`None`, and unions of these. Whatever else an annotation says is the constructor's to check.
"""

from __future__ import annotations

import inspect
import os
import re
import typing
from types import UnionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.config.settings import boolean
from beautyspot.errors import ConfigError
from beautyspot.messages.suggestions import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PLAIN: Final[dict[str, type]] = {"int": int, "float": float, "bool": bool, "str": str}
_PATH: Final = r"\b(Path|PathLike|PurePath)\b"


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
        hints = _hints(cls)
        self._annotations = {p.name: hints.get(p.name, p.annotation) for p in named}

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

    def check_required(self, given: Mapping[str, Any], use: str, what: str) -> None:
        """Refuse to make a backend that lacks an option.

        Raises:
            ConfigError: shows how to give it.
        """
        missing = [name for name in self.required if name not in given]
        if missing:
            example = ", ".join(f'"{name}": ...' for name in missing)
            raise ConfigError(
                f"{what} needs {listing(missing)}: give a table such as "
                f'{{"use": "{use}", {example}}}'
            )

    def check_type(self, name: str, value: object, what: str) -> None:
        """Refuse a value whose type is none that the annotation names.

        Raises:
            ConfigError: names the option and the types it takes.
        """
        kinds = self._kinds(name)
        if kinds is None or _fits(value, kinds):
            return
        raise ConfigError(
            f"{what}: the option {name!r} takes {' or '.join(kinds)}, not {type(value).__name__}: "
            "correct its value"
        )

    def from_text(self, name: str, text: str, what: str) -> object:
        """An option out of a URL's query part, as the type that the annotation names.

        Raises:
            ConfigError: the text is no value of such a type.
        """
        kinds = self._kinds(name)
        if kinds is None or "str" in kinds:
            return text
        for kind in ("bool", "int", "float", "None"):
            if kind in kinds:
                try:
                    return _read(kind, text)
                except ValueError:
                    continue
        raise ConfigError(
            f"{what}: the option {name!r} takes {' or '.join(kinds)}: correct the URL"
        )

    def anchored(self, name: str, value: object, anchor: Path | None) -> object:
        """`value`, with a relative path in it based on the folder `anchor`."""
        annotation = self._annotations.get(name)
        text = annotation if isinstance(annotation, str) else repr(annotation)
        if anchor is None or not isinstance(value, str) or not re.search(_PATH, text):
            return value
        return os.path.join(anchor, os.path.expanduser(value))  # noqa: PTH111, PTH118 - text to text

    def _kinds(self, name: str) -> list[str] | None:
        """The plain types an option takes, or None where the annotation says more than that."""
        return _kinds(self._annotations.get(name, inspect.Parameter.empty))


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls.__init__)  # type: ignore[misc]  # it is only read
    except Exception:  # a name that is imported for type checkers only: take the text as it is
        return {}


def _kinds(annotation: object) -> list[str] | None:
    if isinstance(annotation, str):
        names = [part.strip() for part in annotation.split("|")]
    elif isinstance(annotation, UnionType) or typing.get_origin(annotation) is typing.Union:
        names = [_name(part) for part in typing.get_args(annotation)]
    else:
        names = [_name(annotation)]
    return names if all(name in _PLAIN or name == "None" for name in names) else None


def _name(kind: object) -> str:
    return "None" if kind is type(None) or kind is None else str(getattr(kind, "__name__", kind))


def _fits(value: object, kinds: list[str]) -> bool:
    if value is None:
        return "None" in kinds
    if isinstance(value, bool):  # bool is an int to Python, never to the one who wrote `true`
        return "bool" in kinds
    if isinstance(value, int) and "float" in kinds:
        return True
    return any(isinstance(value, _PLAIN[kind]) for kind in kinds if kind != "None")


def _read(kind: str, text: str) -> object:
    if kind == "bool":
        return boolean(text)
    if kind == "None":
        if text.lower() in ("", "none"):
            return None
        raise ValueError("not None")
    return _PLAIN[kind](text)

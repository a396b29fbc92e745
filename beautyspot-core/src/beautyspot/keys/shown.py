"""Canonical texts as people read them, in the row of a result: short, and without secrets.

A text is written as Python would, long ones are cut, and what may be large is named by its class.
Secrets are masked before anything is cut, so that no half of one is shown.
"""

from __future__ import annotations

import json.decoder
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from beautyspot.functions.names import identifier_of
from beautyspot.messages import MASK, is_secret, masked, masked_json, may_hold_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

LIMIT: Final = 1024
"""Bytes of the whole text, in UTF-8."""

_LONGEST: Final = 400
"""Characters of one text that are shown."""

_MOST: Final = 20
"""Items of one collection that are shown."""

_DEEPEST: Final = 6
"""Collections and objects within each other that are shown."""

_CUT: Final = "…"
_unquoted: Final[Any] = json.decoder.scanstring  # type: ignore[attr-defined] # absent from the stubs
_CONSTANTS: Final = {"null": "None", "true": "True", "false": "False"}
_BRACKETS: Final = {"$tuple": "()", "$set": "{}", "$frozenset": "{}"}
_LAST_WORD: Final = r"[^\s⺀-\U0010ffff]*\Z"
"""What a cut may have halved: it may be a secret."""


def shown(texts: Mapping[str, str], definitions: Iterable[Any] = ()) -> str:
    """``name=text, name=text`` of canonical texts, of at most `LIMIT` bytes.

    Args:
        texts: by the names of the arguments.
        definitions: the classes that were met in them: of these, fields are shown.
    """
    parts: list[str] = []
    for name, text in texts.items():
        title, is_of_secret = _title(name)
        if text[:1] not in '"[{':
            value = _CONSTANTS.get(text, text)
        elif text[0] == '"' and not (
            is_of_secret or may_hold_secret(plain := _unquoted(text, 1)[0])
        ):
            value = repr(plain if len(plain) <= _LONGEST else plain[:_LONGEST] + _CUT)
        else:
            value = shown_value(name, text, definitions)
        parts.append(f"{title}={value}")
    text = ", ".join(parts)
    return text if 4 * len(text) <= LIMIT else bounded(text)


def shown_value(name: str, text: str, definitions: Iterable[Any] = ()) -> str:
    """One canonical text, of what has this name."""
    fields = {identifier_of(each): _fields(each) for each in definitions if isinstance(each, type)}
    return _Pretty(fields).value(json.loads(masked_json(name, text)), 0)


def _fields(cls: Any) -> list[str]:
    """The fields of a dataclass, or of one of attrs or pydantic, less those with ``repr=False``."""
    members = vars(cls)
    found = [*members.get("__dataclass_fields__", {}).values(), *members.get("__attrs_attrs__", ())]
    names = [field.name for field in found if field.repr]
    models = members.get("__pydantic_fields__", {})
    return [*names, *(name for name, field in models.items() if field.repr)]


def bounded(text: str) -> str:
    """A text of at most `LIMIT` bytes."""
    data = text.encode("utf-8", "replace")
    if len(data) <= LIMIT:
        return text
    return data[: LIMIT - len(_CUT.encode())].decode(errors="ignore") + _CUT


@lru_cache(maxsize=1024)
def _title(name: str) -> tuple[str, bool]:
    """How the name of an argument is shown, and whether it looks like that of a secret."""
    known = masked(name) if may_hold_secret(name) else name
    return known if known.isidentifier() else repr(known[:_LONGEST]), is_secret(name)


def _quoted(text: str) -> str:
    if text == MASK:
        return text
    text = masked(text) if may_hold_secret(text) else text
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + _CUT)


class _Pretty:
    """Writes parsed canonical texts; `fields` are those of classes, by identifier."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def value(self, value: Any, depth: int) -> str:
        if isinstance(value, str):
            return _quoted(value)
        if not isinstance(value, list | dict):
            return repr(value)
        if depth >= _DEEPEST:
            return _CUT
        if isinstance(value, list):
            return self._items(value, "[]", depth)
        [tag, *others] = value or [""]
        held = value.get(tag)
        if others or tag[:1] != "$":
            pairs = [[_quoted(key), item] for key, item in value.items()]
            return self._pairs(pairs, depth, str)
        if tag in _BRACKETS and isinstance(held, list):
            return self._items(held, _BRACKETS[tag], depth)
        return self._tagged(tag, held, depth)

    def _tagged(self, tag: str, held: Any, depth: int) -> str:  # noqa: C901 - a case a form
        if tag == "$str":
            return repr(re.sub(_LAST_WORD, "", masked(held["begin"])) + _CUT)
        if tag in ("$date", "$decimal", "$module"):
            return str(held)
        if tag == "$path":
            return _quoted(
                held[1].replace(":/", "://")
            )  # a URL has lost a slash: secrets are masked
        if tag in ("$dict", "$ordereddict"):
            return self._pairs(held, depth, lambda key: self.value(key, depth + 1))
        if tag in ("$defaultdict", "$deque"):
            return self.value(held[1], depth)
        if tag in ("$datetime", "$time"):
            return " ".join([part for part in held if isinstance(part, str)])
        if tag in ("$bytes", "$bytearray"):
            size = len(held) // 2 if isinstance(held, str) else held["size"]
            return f"<{tag[1:]} of {size}>"
        if tag in ("$type", "$function", "$global"):
            return _class_name(held) or f"<{tag[1:]}>"
        if not isinstance(held, list) or not held:
            return f"<{tag[1:]}>"
        name = _class_name(held[0])
        if tag == "$enum":
            return f"{name}.{held[1][0] or held[1][1]}"
        shown = self._fields.get(_identifier(held[0]), []) if tag == "$object" else []
        if shown and isinstance(held[1], dict):
            named = [f"{n}={self.value(held[1][n], depth + 1)}" for n in shown if n in held[1]]
            return f"{name}({', '.join([*named[:_MOST], *_more(len(named))])})"
        return f"<{name}>" if name else f"<{tag[1:]}>"

    def _pairs(self, pairs: list[Any], depth: int, key: Callable[[Any], str]) -> str:
        texts = [f"{key(k)}: {self.value(item, depth + 1)}" for k, item in pairs[:_MOST]]
        return f"{{{', '.join([*texts, *_more(len(pairs))])}}}"

    def _items(self, items: list[Any], brackets: str, depth: int) -> str:
        texts: list[str] = []
        before: Any = None
        for item in items[:_MOST]:
            option = isinstance(before, str) and before[:1] == "-" and is_secret(before)
            texts.append(MASK if option else self.value(item, depth + 1))
            before = item
        return f"{brackets[0]}{', '.join([*texts, *_more(len(items))])}{brackets[1]}"


def _more(count: int) -> list[str]:
    return [f"{_CUT} {count - _MOST} more"] if count > _MOST else []


def _identifier(name: Any) -> str:
    """The identifier of a class or function, beneath what tells it apart beside that."""
    while isinstance(name, list) and name:
        name = name[0]
    return name if isinstance(name, str) and ":" in name else ""


def _class_name(name: Any) -> str:
    """The last part of an identifier."""
    return _identifier(name).rpartition(":")[2].rpartition("<locals>.")[2][:80]

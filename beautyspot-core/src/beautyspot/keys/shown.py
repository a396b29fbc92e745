"""Canonical texts as people read them, in the row of a result: short, and without secrets.

A text is written as Python would, long ones are cut, and what may be large is named by its class.
Secrets are masked before anything is cut, so that no half of one is shown.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import zip_longest
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh32_hexdigest

from beautyspot.functions.names import identifier_of
from beautyspot.keys.binding import OMITTED
from beautyspot.messages import MASK, is_secret, masked, masked_json, may_hold_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMIT: Final = 1024
"""Bytes of the whole text, in UTF-8."""

_LONGEST: Final = 400
"""Characters of one text that are shown."""

_REPR: Final = Repr()
_REPR.maxlevel = 6
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 20
_REPR.maxstring = _REPR.maxother = _LONGEST

_CUT: Final = "…"
_CONSTANTS: Final = {"null": "None", "true": "True", "false": "False"}
_LAST_WORD: Final = r"[^\s⺀-\U0010ffff]*\Z"
"""What a cut may have halved: it may be a secret."""


FEW: Final = 64
"""Arguments of a call at most whose names are remembered: `**kwargs` may bring any number."""

_is_secret: Final = lru_cache(maxsize=1024)(is_secret)


class _Text(str):
    """A text that stands as it is among others."""

    __slots__ = ()
    __repr__ = str.__str__


def shown(
    texts: Mapping[str, str], definitions: Iterable[Any] = (), given: Iterable[Any] = ()
) -> str:
    """``name=text, name=text`` of canonical texts, of at most `LIMIT` bytes.

    Args:
        texts: by the names of the arguments.
        definitions: the classes that were met in them: of these, fields are shown.
        given: the arguments themselves, in their order, if they are known and flat.
    """
    parts: list[str] = []
    for (name, text), plain in zip_longest(texts.items(), given):
        first = text[0]
        if first == "{" and text.startswith(OMITTED):
            text = text[len(OMITTED) : -2]  # noqa: PLW2901 - what would be given there
            first = text[0]
        if first not in '"[{':
            value = _CONSTANTS.get(text, text) if first in "ntf" else text
        elif type(plain) is not str or _is_secret(name) or may_hold_secret(plain):
            value = shown_value(name, text, definitions)
        else:
            value = repr(plain) if len(plain) <= _LONGEST else _REPR.repr(plain)
        parts.append(value)
    titles = _titles if len(texts) <= FEW else _titles.__wrapped__
    text = titles((*texts,)) % (*parts,)
    return text if 4 * len(text) <= LIMIT else bounded(text)


def shown_value(name: str, text: str, definitions: Iterable[Any] = ()) -> str:
    """One canonical text, of what has this name."""
    fields = {identifier_of(each): _fields(each) for each in definitions if isinstance(each, type)}
    return _REPR.repr(_readable(json.loads(masked_json(name, text)), fields))


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
def _titles(names: tuple[str, ...]) -> str:
    """How the names of arguments are shown, with a place for the text of each."""
    known = [masked(name) if may_hold_secret(name) else name for name in names]
    titles = [name if name.isidentifier() else repr(name[:_LONGEST]) for name in known]
    return ", ".join([title.replace("%", "%%") + "=%s" for title in titles])


def _readable(value: Any, fields: Mapping[str, list[str]]) -> Any:
    """A parsed canonical text, as what has the `repr` that people read."""
    if isinstance(value, str):
        return _Text(value) if value == MASK else masked(value)
    if isinstance(value, list):
        before = [isinstance(item, str) and item[:1] == "-" and is_secret(item) for item in value]
        pairs = zip([False, *before], value, strict=False)
        return [_Text(MASK) if option else _readable(item, fields) for option, item in pairs]
    if not isinstance(value, dict):
        return value
    [tag, *others] = value or [""]
    if others or tag[:1] != "$":
        return {masked(key): _readable(item, fields) for key, item in value.items()}
    return _tagged(tag, value[tag], fields)


def _tagged(tag: str, held: Any, fields: Mapping[str, list[str]]) -> Any:  # noqa: C901 - a case a form
    if tag == "$str":
        return _Text(repr(re.sub(_LAST_WORD, "", masked(held["begin"])) + _CUT))
    if tag == "$path":
        return masked(held[1].replace(":/", "://"))  # a URL has lost a slash: secrets are masked
    if tag == "$tuple":
        inner = _readable(held, fields)
        return tuple(inner) if isinstance(inner, list) else inner  # of many numbers, their digest
    if tag in ("$set", "$frozenset"):
        return _Text(f"{{{_REPR.repr(_readable(held, fields))[1:-1]}}}")
    if tag in ("$dict", "$ordereddict"):
        keys = [_Text(_REPR.repr(_readable(key, fields))) for key, _ in held]
        return dict(zip(keys, [_readable(item, fields) for _, item in held], strict=True))
    parts: list[Any] = held if isinstance(held, list) and held else [held]
    if tag in ("$date", "$decimal", "$datetime", "$time"):
        return _Text(" ".join([part for part in parts if isinstance(part, str)]))
    identifier = _identifier(parts[0])
    name = identifier.rpartition(":")[2].rpartition("<locals>.")[2][:80]
    if name and tag in ("$type", "$function", "$global"):
        return _Text(name)
    if tag == "$enum":
        return _Text(f"{name}.{held[1][0] or held[1][1]}")
    own = held[1] if tag == "$object" and isinstance(held[1], dict) else {}
    named = [name for name in fields.get(identifier, ()) if name in own]
    shown = [f"{name}={_REPR.repr(_readable(own[name], fields))}" for name in named]
    return _Text(f"{name}({', '.join(shown)})" if shown else _told(name, tag, parts))


def _told(name: str, tag: str, parts: list[Any]) -> str:
    """``<DataFrame (3, 2) 5d2c80a1>``: a class, a shape, and a digest of all that it holds."""
    shape = next((part for part in parts if _is_shape(part)), None)
    if tag == "$fold":
        name = parts[0]
    texts = [name or tag[1:], *([f"({', '.join(map(str, shape))})"] if shape else [])]
    if any(parts[int(bool(name)) :]):
        texts.append(xxh32_hexdigest(json.dumps(parts).encode()))
    return f"<{' '.join(texts)}>"


def _is_shape(part: Any) -> bool:
    return isinstance(part, list) and {*map(type, part)} == {int}


def _identifier(name: Any) -> str:
    """The identifier of a class or function, beneath what tells it apart beside that."""
    while isinstance(name, list) and name:
        name = name[0]
    return name if isinstance(name, str) and ":" in name else ""

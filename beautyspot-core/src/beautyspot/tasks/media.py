"""Results as files of the content type that their mark names: PNG, JSON, CSV, Parquet, ….

A result is kept as such a file only if it comes back from it: what was written is read at once, and
counts if both have the same canonical text, as two equal arguments of a call have. So no format
needs a list of what it loses. What does not come back is stored by the serializer, which is said.

JSON is written here, the values of a library by the plug-in that supports them, and the instances
of a class that was registered by what its `encode` makes of them. The column `serializer` tells
the content type, who wrote the file, and what of the value the file does not hold.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.file import CONTENT_TYPE
from beautyspot.contracts.types import support_of
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.keys.generator import KeyGen
from beautyspot.serialization.codecs.writer import step_to
from beautyspot.serialization.payload import MEDIA, Payload, Unfit
from beautyspot.serialization.serializer import MsgpackSerializer

if TYPE_CHECKING:
    from beautyspot.contracts import Data, TypeSupport
    from beautyspot.contracts.types import Types

_LONGEST: Final = 2**16
_OF_JSON: Final = (dict, list, int, float, bool)
_JSON: Final = "json"
_BYTES, _PAIR = "bytes:", "pair:"
"""How the writer of a registered class begins, by what its `encode` gave; the name follows."""


class Media:
    """Writes and reads results as files.

    Args:
        types: those that plug-ins support.
    """

    def __init__(self, types: Types) -> None:
        self._types = types
        self._keygen = KeyGen().supporting(types)
        self._serializer = MsgpackSerializer().supporting(types)

    def written(self, value: Any, content_type: str) -> Payload:
        """The result as a file of its content type.

        Raises:
            Unfit: it is none, or would not come back from it.
        """
        kind = plain_type(content_type)
        try:
            if type(value) in _OF_JSON and _is_json(kind):
                return Payload(_write_json(value), _codec(content_type, _JSON))
            support = self._writing(value, kind)
            data, beside = support.to_media(value, kind)
            packed = b"" if beside is None else bytes(self._serializer.dumps(beside))
            read = self._read(support, data, kind, packed)
            if self._keygen.canonical(value) != self._keygen.canonical(read):
                raise Unfit("it would come back changed")
        except SerializationError as error:
            raise Unfit(str(error)) from error
        except Exception as error:
            raise Unfit(f"writing it failed ({error!r:.200})") from error
        if len(packed) > _LONGEST:
            raise Unfit(f"what {content_type} does not hold of it takes {len(packed)} bytes")
        return Payload(data, _codec(content_type, support.name, packed))

    def _writing(self, value: Any, kind: str) -> TypeSupport:
        cls = type(value)
        named = support_of(self._types, cls)
        there = () if named is None else named[1].media
        if named is not None and kind in there and not named[1].drawn:
            return named[1]
        there = ("application/json",) if cls in _OF_JSON else there
        if there:
            raise Unfit(f"the type {cls.__qualname__} is written as {' or '.join(there)} only")
        raise Unfit(f"there is no such form of the type {cls.__qualname__}")

    def _read(self, support: TypeSupport, data: Data, kind: str, packed: bytes) -> Any:
        beside = self._serializer.loads(packed) if packed else None
        return support.from_media(data, kind, beside)

    def drawn(self, value: Any, content_type: str) -> Any:
        """The bytes of the file that is given in the place of a value; the value if there is none.

        Raises:
            Exception: the file can't be made.
        """
        named, kind = support_of(self._types, type(value)), plain_type(content_type)
        if named is None or not named[1].drawn or kind not in named[1].media:
            return value
        return bytes(named[1].to_media(value, kind)[0])

    def read(self, data: Data, codec: str, content_type: str | None) -> Any:
        """The value of a file that `written` made.

        Only a file of the mark's own content type is read: a row can have no other library look at
        what it holds.

        Raises:
            RestoreError: damaged, or of another type.
            ImportError: its library is not installed.
        """
        kind, by, packed = parts_of(codec)
        if plain_type(kind) != plain_type(content_type or ""):
            raise RestoreError(f"it was stored as {kind:.40}, and content_type= says otherwise")
        try:
            if by == _JSON:
                return json.loads(bytes(data))
            support = next(each for each in self._types.values() if each.name == by)
            return self._read(support, data, plain_type(kind), packed)
        except (RestoreError, ImportError):
            raise
        except StopIteration:
            raise RestoreError(
                f"it was stored by the types {by:.40}: install the plug-in that has them"
            ) from None
        except Exception as error:
            raise RestoreError(f"a stored file of {kind} can't be read ({error!r:.200})") from error


def draws(content_type: str, types: Types) -> bool:
    """Whether there are values in whose place a file of this content type is given."""
    kind = plain_type(content_type)
    return any(support.drawn and kind in support.media for support in types.values())


def plain_type(content_type: str) -> str:
    """A content type in lower case, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _codec(content_type: str, by: str, beside: bytes = b"") -> str:
    """The column `serializer`, which the digest and the signature cover."""
    return MEDIA + json.dumps([content_type, by, b64encode(beside).decode()])


def parts_of(codec: str) -> tuple[str, str, bytes]:
    """The content type of a file, who has written it, and what of the value it does not hold.

    Raises:
        RestoreError: damaged.
    """
    try:
        kind, by, text = json.loads(codec.removeprefix(MEDIA))
        return str(kind), str(by), b64decode(text, validate=True)
    except (ValueError, TypeError, RecursionError) as error:
        raise RestoreError(f"a stored file of no sound type ({codec!r:.80})") from error


# -------------------------------------------------------------------- classes that were registered


def file_of(name: str, form: Any, content_type: str | None) -> Payload | None:
    """The file that an instance of a registered class is stored as; None if it is none.

    Args:
        name: of the class.
        form: what its `encode` gave: a file is ``(bytes, content type)``, or bytes alone where the
            mark names a content type.
        content_type: of the mark.

    Raises:
        Unfit: it is a file of another content type than the mark names.
    """
    if type(form) is tuple and len(form) == 2:
        data, kind, by = *form, _PAIR
    else:
        data, kind, by = form, content_type, _BYTES
    if type(data) is not bytes or type(kind) is not str or not re.fullmatch(CONTENT_TYPE, kind):
        return None
    if plain_type(kind) != plain_type(content_type or kind):
        raise Unfit(f"its encode= makes {kind} of it")
    return Payload(data, _codec(kind, by + name))


def form_of_file(data: Data, codec: str) -> tuple[str, Any] | None:
    """The name of the class, and what its `encode` gave; None if no class was registered for it."""
    kind, by, _ = parts_of(codec)
    if by.startswith(_PAIR):
        return by.removeprefix(_PAIR), (bytes(data), kind)
    return (by.removeprefix(_BYTES), bytes(data)) if by.startswith(_BYTES) else None


# ------------------------------------------------------------------------------------- JSON


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


_EXACT: Final = (str, int, bool, type(None))


def _write_json(value: Any) -> bytes:
    why = _unlike_json(value, "result")
    if why:
        raise Unfit(why)
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _unlike_json(value: Any, path: str) -> str | None:
    """What JSON does not hold, or would give back as something else."""
    kind = type(value)
    if kind in _EXACT or (kind is float and math.isfinite(value)):
        return None
    if kind is list:
        parts = ((item, f"{path}[{place}]") for place, item in enumerate(value))
    elif kind is dict:
        other = [key for key in value if type(key) is not str]
        if other:
            return f"{path} has the key {other[0]!r:.40}, and JSON's keys are texts"
        parts = ((item, f"{path}{step_to(key)}") for key, item in value.items())
    else:
        shown = repr(value) if kind is float else f"a {kind.__qualname__}"
        return f"{path} is {shown}, which JSON does not hold"
    return next(filter(None, (_unlike_json(*part) for part in parts)), None)

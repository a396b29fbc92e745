"""`MsgpackSerializer`: values to bytes and back, equal and of equal type, or refused."""

from __future__ import annotations

import copy
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from msgpack import Packer, unpackb  # type: ignore[import-untyped] # it ships no types

from beautyspot.contracts import SerializerBase
from beautyspot.errors import ConfigError, RestoreError, SerializationError
from beautyspot.messages import error_shown
from beautyspot.serialization.annotations import classes_in
from beautyspot.serialization.codecs import document
from beautyspot.serialization.codecs.classes import entry_for
from beautyspot.serialization.codecs.contract import Refused
from beautyspot.serialization.codecs.registry import (
    REGISTERED,
    Encoded,
    Registry,
    encoded_form,
    qualified,
    registered_entry,
)
from beautyspot.serialization.codecs.table import BY_TYPE, standard_codec
from beautyspot.serialization.codecs.writer import SCALARS, Writer, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import Data
    from beautyspot.contracts.types import Types

_KEEP: Final = 2**20  # bytes; a packer that wrote more is dropped, together with its buffer


class _Packers(threading.local):
    """One packer for each thread: making one takes longer than packing a small value."""

    def __init__(self) -> None:
        self.packer = Packer(strict_types=True)


_PACKERS: Final = _Packers()


def _pack(value: object) -> bytes:
    data: bytes = _PACKERS.packer.pack(value)
    if len(data) > _KEEP:
        _PACKERS.packer = Packer(strict_types=True)
    return data


class MsgpackSerializer(SerializerBase):
    """Stores values as msgpack (https://msgpack.org), with ext types for what msgpack lacks.

    Stored, with equality and type: None, bool, int of any size, float, complex, str, bytes,
    bytearray, list, tuple, dict with any such keys, set, frozenset, range, slice, the containers of
    `collections`, `array`, dates, times and zones, Decimal, Fraction, UUID, paths, IP addresses,
    SimpleNamespace; what a plug-in supports (`TypeSupport`); and once the program vouches for them,
    by `register` or by an annotation: dataclasses, attrs, enums, named tuples, pydantic models,
    exceptions, subclasses of builtin types, and any class with functions to write and read it.

    All other values are refused, and none is flattened: a subclass of str is not stored as a str.
    An object that occurs several times in a value is stored several times. A memoryview is refused,
    since other code owns its memory. Stored bytes never cause an import or a call, other than of
    this library's codecs, of the classes that the program vouches for, and of installed plug-ins.

    Instances may be shared by threads, and can be pickled.
    """

    name = "msgpack"

    def __init__(self) -> None:
        self._registry = Registry()

    def dumps(self, value: object) -> Data:
        """The bytes of `value`: `bytes`, or a `bytearray` if there are big buffers in it.

        Raises:
            SerializationError: the value has no faithful form; the message names the part by its
                path, such as ``result["rows"][3].client``.
        """
        try:
            if is_plain(value):
                return _pack(value)
        except (ValueError, OverflowError, RecursionError):
            pass  # surrogates (UnicodeError), big integers, sizes, nesting: the walk finds out
        return self._dumps_tagged(value)

    def _dumps_tagged(self, value: object) -> Data:
        writer = Writer(self._registry)
        try:
            return document.build(writer.tree(value), writer.segments)
        except Refused as refused:
            raise _refusal(refused) from refused.__cause__
        except Exception as error:  # raised by the value's own methods, or out of memory
            raise SerializationError(
                f"the result ({type(value).__qualname__}) can't be stored: "
                f"{error_shown(error)} while it was read; return it in a simpler form"
            ) from error

    def loads(self, data: Data, *, owned: bool = False) -> Any:
        """The value of `data`, made afresh: two calls share nothing that can be changed.

        Args:
            data: the bytes.
            owned: True if nothing else uses `data`, now or later, and it can be written to. Then an
                array that is most of it keeps it as its memory, and is not copied.

        Raises:
            RestoreError: the data are damaged, were stored by a newer release, or hold an instance
                of a class that has changed, or for which nothing vouches.
        """
        try:
            if document.is_tagged(data):
                return document.parse(data, self._registry, owned=owned)
            return unpackb(data, strict_map_key=False, ext_hook=_no_ext)
        except RestoreError:
            raise
        except Exception as error:
            raise _unreadable(error) from error

    def loads_for_looking(self, data: Data) -> Any:
        """See `SerializerBase.loads_for_looking`. What is vouched for is restored, if it can be."""
        from beautyspot.serialization.codecs.looking import LookingReader  # no call needs it

        if not data or not document.is_tagged(data):
            return self.loads(data)
        try:
            return document.parse(data, self._registry, owned=False, kind=LookingReader)
        except RestoreError:
            raise
        except Exception as error:
            raise _unreadable(error) from error

    def encoded(self, value: object) -> object:
        """What `encode` makes of an instance of a registered class, which `dumps` takes as well.

        That is an `Encoded`; of any other value the value itself.

        Raises:
            SerializationError: `encode` refuses it, or failed.
        """
        entry = self._registry.of_type(type(value))
        if entry is None or entry.tag is not REGISTERED:
            return value
        try:
            return Encoded(entry.name, encoded_form(entry, value), type(value).__qualname__)
        except Refused as refused:
            raise _refusal(refused) from refused.__cause__

    def decoded(self, value: Encoded) -> Any:
        """The instance of which `encoded` gave `value`.

        Raises:
            RestoreError: there is no such class, or its `decode` fails.
        """
        entry = self._registry.of_name(value.name, REGISTERED)
        if entry is None:
            raise RestoreError(f"nothing vouches for {value.name!r:.200}: register it")
        try:
            return entry.decode(value.form)
        except Exception as error:
            raise _unreadable(error) from error

    def vouching(self, types: Iterable[Any]) -> MsgpackSerializer:
        """A serializer that also restores the classes in `types`: annotations, and their fields.

        What is registered with `self` counts for it, also later. Returns `self` if the annotations
        name no class.

        Raises:
            ConfigError: a class has the name of another one that is registered.
        """
        classes = [cls for annotation in types for cls in classes_in(annotation)]
        if not classes:
            return self
        child = self._with(Registry(self._registry))
        for entry in filter(None, map(entry_for, {id(cls): cls for cls in classes}.values())):
            child._registry.add(entry)
        return child

    def supporting(self, types: Types) -> MsgpackSerializer:
        """See `SerializerBase.supporting`. A registered class wins over a plug-in's."""
        return self._with(Registry(self._registry, types)) if types else self

    def _with(self, registry: Registry) -> MsgpackSerializer:
        made = copy.copy(self)
        made._registry = registry
        return made

    def register(
        self,
        cls: type[Any],
        *,
        encode: Callable[[Any], object] | None = None,
        decode: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        """See `SerializerBase.register`. Applies to this class, not to its subclasses.

        Without `encode` and `decode`, it applies to the classes in its fields, too, as a return
        annotation does.

        Change the name whenever `decode` could misread what an earlier `encode` wrote.

        Raises:
            ConfigError: another class has the name; the type is stored anyway; or how to store it
                does not follow from the class, and `encode` and `decode` are not given.
        """
        if not isinstance(cls, type):
            raise ConfigError(f"register takes a class, not {cls!r:.80}")
        if cls in BY_TYPE or cls in SCALARS or cls in (list, dict) or standard_codec(cls):
            raise ConfigError(
                f"{cls.__qualname__} is stored as it is: there is nothing to register"
            )
        if encode is None and decode is None:
            entry = entry_for(cls, name)
        elif callable(encode) and callable(decode):
            entry = registered_entry(cls, name or qualified(cls), encode, decode)
        else:
            raise ConfigError(
                f"encode= and decode= of {cls.__qualname__} belong together, and are functions"
            )
        if entry is None:
            raise ConfigError(
                f"{qualified(cls)} does not say how to store it: give encode= and decode="
            )
        self._registry.add(entry)
        if encode is None:
            self._add_fields(cls)

    def _add_fields(self, cls: type) -> None:
        """Vouch for the classes in the fields of a class, unless the program has said of one how.

        A name that another class has stays with that one.
        """
        for found in classes_in(cls):
            entry = None if self._registry.of_type(found) else entry_for(found)
            if entry is not None:
                with suppress(ConfigError):
                    self._registry.add(entry)


def _refusal(refused: Refused) -> SerializationError:
    return SerializationError(f"{refused.path()} can't be stored: {refused.reason}")


def _unreadable(error: Exception) -> RestoreError:
    if isinstance(error, ImportError):  # of a plug-in's library, or one that it needs
        needed = (error.name or f"it ({error})").partition(".")[0]
        return RestoreError(f"what is stored needs a library: install {needed}")
    return RestoreError(f"the stored bytes can't be restored: {error_shown(error)}")


def _no_ext(code: int, data: bytes) -> object:
    raise RestoreError(f"an ext type {code} of {len(data)} bytes in a document that can have none")

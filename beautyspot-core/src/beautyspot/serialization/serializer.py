"""`MsgpackSerializer`: values to bytes and back, equal and of equal type, or refused."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgpack import Packer, unpackb  # type: ignore[import-untyped] # it ships no types

from beautyspot.contracts import SerializerBase
from beautyspot.errors import BeautyspotError, ConfigError, RestoreError, SerializationError
from beautyspot.functions.names import identifier_of, leads_back
from beautyspot.messages import error_shown
from beautyspot.serialization.annotations import classes_in, containers_in
from beautyspot.serialization.classes import is_below
from beautyspot.serialization.codec import (
    SCALARS,
    SURROGATES,
    Encoded,
    Functions,
    Refused,
    is_stored_anyway,
)
from beautyspot.serialization.documents import (
    ARRAY,
    TEXTS,
    Reader,
    document,
    is_tagged,
    no_ext,
    parse,
)
from beautyspot.serialization.instances import form_of
from beautyspot.serialization.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts import Data
    from beautyspot.contracts.values import Types


class MsgpackSerializer(SerializerBase):
    """Stores values as msgpack (https://msgpack.org), with ext types for what msgpack lacks.

    Stored, with equality and type: None, bool, int of any size, float, complex, str, bytes,
    bytearray, list, tuple, dict with any such keys, set, frozenset, range, slice, the containers of
    `collections`, dates, times and zones, Decimal, Fraction, UUID, paths, IP addresses,
    SimpleNamespace; what a plug-in supports (`TypeSupport`); and if the program names them, by
    `register` or by an annotation: dataclasses, attrs, enums, named tuples, pydantic models,
    exceptions, subclasses of builtin types, and any class with functions to write and read it.

    All other values are refused, and none is flattened: a subclass of str is not stored as a str.
    An object that occurs several times in a value is stored several times. A memoryview is refused,
    since other code owns its memory. Stored bytes never cause an import or a call, other than of
    this library's codecs, of functions that were registered, and of installed plug-ins.

    Instances may be shared by threads, and can be pickled.
    """

    name = "msgpack"

    def __init__(self) -> None:
        self._trust = Trust({}, {})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_trust": Trust({}, {})}  # who receives it registers there

    def dumps(self, value: Any) -> Data:
        """The bytes of `value`: `bytes`, or a `bytearray` if there are big buffers in it.

        Raises:
            SerializationError: the value has no faithful form; the message names the part by its
                path, such as ``result["rows"][3].client``.
        """
        is_plain = type(value) is list and SCALARS.issuperset(map(type, value))
        if type(value) is dict and TEXTS.issuperset(map(type, value)):
            is_plain = SCALARS.issuperset(map(type, value.values()))
        try:
            if is_plain:  # most results are, and need no walk
                return bytes(Packer().pack(value))
        except (ValueError, OverflowError, MemoryError):  # the walk finds the part
            pass
        try:
            return document(value, self._trust)
        except Refused as refused:
            raise SerializationError(str(refused)) from refused.__cause__
        except Exception as error:  # raised by the value's own methods, or out of memory
            raise SerializationError(
                f"the result ({type(value).__qualname__}) can't be stored: "
                f"{error_shown(error)} while it was read; return it in a simpler form"
            ) from error

    def loads(self, data: Data, *, owned: bool = False, reader: type[Reader] = Reader) -> Any:
        """The value of `data`, made afresh: two calls share nothing that can be changed.

        Args:
            data: the bytes.
            owned: True if nothing else uses `data`, now or later, and it can be written to. Then an
                array that is most of it keeps it as its memory, and is not copied.
            reader: makes the values of their parts.

        Raises:
            RestoreError: the data are damaged, were stored by a newer release, or hold an instance
                of a class that has changed, or that the program does not name.
        """
        try:
            if data[0] == ARRAY and is_tagged(data):
                return parse(data, reader, self._trust, owned=owned)
            return unpackb(data, strict_map_key=True, unicode_errors=SURROGATES, ext_hook=no_ext)
        except Exception as error:
            raise _unreadable(error) from error

    def loads_for_looking(self, data: Data) -> Any:
        """See `SerializerBase.loads_for_looking`. What is named here is restored, if it can be."""
        from beautyspot.serialization.looking import LookingReader  # no call needs it

        return self.loads(data, reader=LookingReader)

    def encoded(self, value: object) -> object:
        """What `encode` makes of an instance of a registered class, as an `Encoded`.

        `dumps` takes that as it takes the instance. Of any other value it is the value itself.

        Raises:
            SerializationError: `encode` refuses it, or failed.
        """
        known = self._trust.of_type(type(value))
        if known is None or not isinstance(known[1], Functions) or known[1].by:
            return value
        return Encoded(known[0], known[1].parts(value)[1])

    def vouching(
        self,
        types: Iterable[Any],
        *,
        own: str | None = None,
        errors: tuple[type[Exception], ...] = (),
    ) -> MsgpackSerializer:
        """A serializer that also restores the classes in `types`: annotations, and their fields.

        What is registered with `self` counts for it, also later.

        Args:
            types: the annotations.
            own: the top-level package of a function, the loaded classes of which count as well.
            errors: classes of errors; they, and loaded ones below them, count as well.
        """
        annotations, old = [*types, *errors], self._trust
        named = [*old.named.values(), *(cls for each in annotations for cls in classes_in(each))]
        held = [*old.containers, *(pair for each in annotations for pair in containers_in(each))]
        return self._with(Trust(old.registered, old.types, named, own or old.own, errors, held))

    def supporting(self, types: Types) -> MsgpackSerializer:
        """See `SerializerBase.supporting`. A registered class wins over a plug-in's."""
        return self._with(Trust(self._trust.registered, types)) if types else self

    def _with(self, trust: Trust) -> MsgpackSerializer:
        made = copy.copy(self)
        made._trust = trust
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
            raise ConfigError(
                f"register takes a class, not {cls!r:.80}: write spot.register(MyClass)"
            )
        if is_stored_anyway(cls):
            raise ConfigError(
                f"{cls.__qualname__} is stored as it is: there is nothing to register"
            )
        if (encode is None) is not (decode is None) or not all(
            function is None or callable(function) for function in (encode, decode)
        ):
            raise ConfigError(
                f"encode= and decode= of {cls.__qualname__} belong together, and are functions"
            )
        try:
            self._register(cls, name or identifier_of(cls), encode, decode)
        except Refused as refused:
            raise ConfigError(
                f"{identifier_of(cls)} {refused.reason or 'does not say how to store it'}: give "
                "encode= and decode="
            ) from refused
        for field in classes_in(cls) if encode is None else ():
            if self._trust.of_type(field) is None:  # the program may have said of it how
                with suppress(ConfigError, Refused):  # a name that another class has stays so
                    self._register(field, identifier_of(field), None, None)

    def _register(self, cls: type, name: str, encode: Any, decode: Any) -> None:
        form = form_of(cls) if encode is None else Functions(cls, "", encode, decode)
        registered = self._trust.registered
        old = registered[name].cls if name in registered else cls
        # Defined again, in a cell or by a reload, it is the same one: the name leads to the new
        # one, or to the old one while a decorator of the new one runs.
        again = identifier_of(old) == identifier_of(cls) and (leads_back(cls) or leads_back(old))
        if old is not cls and not again:
            raise ConfigError(
                f"the name {name!r} stands for {identifier_of(old)} already, so it can't "
                f"stand for {identifier_of(cls)} as well: give one of them another name="
            )
        registered.pop(name, None)  # the last one that is registered is written
        registered[name] = form


def _unreadable(error: Exception) -> RestoreError:
    if isinstance(error, RestoreError):
        raise error
    if isinstance(error, ImportError):  # of a plug-in's library, or one that it needs
        needed = (error.name or f"it ({error})").partition(".")[0]
        return RestoreError(f"what is stored needs a library: install {needed}")
    return RestoreError(f"the stored bytes can't be restored: {error_shown(error)}")


# ----------------------------------------------------------------------- errors that are results
#
# They are written by our own serializer, whatever that of the function is, so that nothing of a
# class runs when one is made. The traceback and the errors behind it (`__cause__`, `__context__`)
# are not stored.


def dump_error(serializer: MsgpackSerializer, error: Exception) -> Data:
    """The bytes of an error, of which one that is equal has been made as a test.

    Args:
        serializer: see `MsgpackSerializer.vouching` and its `errors`.
        error: what the function raised.

    Raises:
        SerializationError: the error has no faithful stored form; says what can't be stored.
    """
    try:
        data = serializer.dumps(error)
        made = serializer.loads(data)
        is_it = type(made) is type(error) and str(made) == str(error)
        if not is_it or bytes(serializer.dumps(made)) != bytes(data):
            raise RestoreError("what its name, arguments and attributes lead to is not equal")
    except Exception as why:
        shown = str(why) if isinstance(why, BeautyspotError) else error_shown(why)
        raise SerializationError(f"the error {type(error).__qualname__}: {shown}") from why
    return data


def load_error(
    serializer: MsgpackSerializer, data: Data, classes: tuple[type[Exception], ...]
) -> Exception | None:
    """An error that is equal to the stored one; None where it is of none of these classes.

    Raises:
        RestoreError: the data are damaged, the class has changed, or does not count.
    """
    made = serializer.loads(data)
    return made if is_below(type(made), *classes) else None

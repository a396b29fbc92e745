"""What makes keys and bytes of values: key generations, serializers, types of other libraries."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from beautyspot.contracts.backend import Data

    Types = Mapping[str, "TypeSupport"]

KEY_SCHEME: Final = 1
"""The number of the key scheme. It is part of every key, and every row has it."""


class KeyGenBase(Backend):
    """Says what tells the values of arguments apart; beautyspot makes the keys of that."""

    blocking: ClassVar[bool] = False

    @abstractmethod
    def canonical(self, value: object) -> str:
        """The stable text of one value: equal for equal ones, distinct for distinct ones.

        It is asked of each argument of a call, of what a function captured, and of an ID that
        `mark(key=)` gives. It is the same in every process, on every machine. `explain` shows it,
        and it is hashed for the key; of much data give a digest.

        Raises:
            UnstableKeyError: the value has no stable form; the path starts with ``value``.
        """

    def supporting(self, types: Mapping[str, TypeSupport]) -> KeyGenBase:
        """A key generation that also takes the classes that plug-ins support; `self` if it can't.

        Called once, when a function is marked. What has been registered with `self` counts too.

        Args:
            types: a class's ``module:qualified name`` -> the `TypeSupport` that names it.
        """
        del types
        return self


class SerializerBase(Backend):
    """Turns values into bytes and back, equal and of equal type, or refuses.

    Class attributes:
        requires_signature: True if `loads` may run what is in the bytes, as pickle does. Such a
            serializer is refused by a Spot without a `signing_key`, gets no bytes that do not bear
            a signature by that, and is never used by tools that show what others have stored.
    """

    blocking: ClassVar[bool] = False
    requires_signature: ClassVar[bool] = False

    @abstractmethod
    def dumps(self, value: object) -> Data:
        """The bytes of `value`.

        Raises:
            SerializationError: the value has no faithful form; says which part, and what to do.
        """

    @abstractmethod
    def loads(self, data: Data) -> Any:
        """The value of `data`, which may be hostile: nothing in it is a reason to run code.

        A serializer may take another argument, ``owned: bool = False``. If it is True, `data` is a
        writable buffer to which nothing else refers, now or later: parts of the value may stay in
        it, while any other buffer must be copied from.

        Raises:
            RestoreError: the data is damaged, or of a class that the program did not vouch for.
        """

    def loads_for_looking(self, data: Data) -> Any:
        """The value of `data` for somebody who looks at what another program stored.

        Nothing may be imported or called that the data name, and no class of the program is needed:
        a part whose class nobody vouches for, here, becomes an `Instance`. By default it is what
        `loads` gives; of a serializer that requires a signature, nothing.

        Raises:
            RestoreError: the data are damaged, or can't be read without their classes.
            NotSupportedError: `loads` might run what is in the data.
        """
        if self.requires_signature:
            raise NotSupportedError(
                f"what the serializer {self.name!r} stored is not loaded to be looked at, since "
                "that may run it: take the raw bytes"
            )
        return self.loads(data)

    def vouching(self, types: Iterable[Any]) -> SerializerBase:
        """A serializer that also restores these classes; `self` if it takes no classes.

        Called once, when a function is decorated, with the types of its return annotation
        (`list[Answer]` as well as `Answer`).
        """
        del types
        return self

    def supporting(self, types: Mapping[str, TypeSupport]) -> SerializerBase:
        """A serializer that also stores the classes that plug-ins support; `self` if it can't.

        Called once, when a function is marked, and before `vouching`.

        Args:
            types: a class's ``module:qualified name`` -> the `TypeSupport` that names it.
        """
        del types
        return self

    def register(
        self,
        cls: type[Any],
        *,
        encode: Callable[[Any], object] | None = None,
        decode: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> None:
        """Vouch for a class, and say how to write it if the serializer can't know.

        Args:
            cls: the class.
            encode: turns an instance into a value that can be stored.
            decode: turns that value into an equal instance.
            name: the class's name in stored bytes; default the module and qualified name. Give it
                to keep old results readable when the class moves.
        """
        raise NotSupportedError(f"the serializer {self.name!r} takes no types ({cls.__qualname__})")


OF_DATA: Final = frozenset(
    {
        *("PIL", "altair", "dateutil", "geopandas", "matplotlib", "networkx", "numpy", "omegaconf"),
        *("pandas", "plotly", "polars", "pyarrow", "pytz", "scipy", "shapely", "torch", "xarray"),
    }
)
"""The libraries whose types `beautyspot-data` brings, by their top-level package."""

NO_DATA: Final = "has no form without the plug-in beautyspot-data"


def get_data() -> str:
    """What to do where a type has no form without that plug-in."""
    from importlib.util import find_spec  # nothing else needs it

    if find_spec("beautyspot_data") is None:
        return "install it (docs/install.md)"
    return (
        "it is installed, so give the serializer, or the KeyGen, to a Spot, which passes on its "
        "types (unless BEAUTYSPOT_PLUGINS leaves it out)"
    )


class Buffer:
    """Bytes at the end of a list that `TypeSupport.encode` returns, written without another copy.

    `TypeSupport.decode` gets a `memoryview` in their place.

    Args:
        content: the bytes, or a function that appends them to the output that it is called with.
    """

    __slots__ = ("content",)

    def __init__(self, content: Data | Callable[[bytearray], object]) -> None:
        self.content = content

    def fill(self, out: bytearray) -> None:
        """Append the bytes to `out`."""
        if callable(self.content):
            self.content(out)
        else:
            out += memoryview(self.content)


class TypeSupport(Backend):
    """Says how values of some classes count in a key, and how they are stored, as plain values.

    It is not selected: each Spot that has the plug-in uses it. It is made without arguments, and
    called from many threads at once. Its module is imported when the first function is marked, so
    import the library that it is for inside the methods.

    Class attributes:
        name: part of every stored value and of every key. Change it when an earlier `encode` can
            no longer be decoded.
        classes: the classes that it is for, each as ``module:qualified name``, as the class itself
            says where it is defined: ``f"{cls.__module__}:{cls.__qualname__}"``. Not those that
            beautyspot stores by itself.
        subclasses: True if it takes the subclasses of these classes as well.
        by_name: True if the name of a class says all of it in a key. For classes that a library
            makes when it runs, to which no name leads: else all that makes up such a class counts,
            which may take a second, and changes with each release of the library.
        for_looking: True if who looks at a stored value, in the dashboard say, is to get the value
            itself; else it is an `Instance` with what `encode` gave as its fields.
        media: the content types as which `to_media` writes values, in lower case. A function with
            such a ``content_type=`` has its results of these classes stored so.
        drawn: True if no value can be made of such a file again. Then a function with such a
            ``content_type=`` gives the file's bytes in the place of the value that it returned, at
            its first call as at a hit.
    """

    classes: ClassVar[tuple[str, ...]] = ()
    subclasses: ClassVar[bool] = False
    by_name: ClassVar[bool] = False
    for_looking: ClassVar[bool] = False
    media: ClassVar[tuple[str, ...]] = ()
    drawn: ClassVar[bool] = False

    @abstractmethod
    def key(self, value: Any) -> object:
        """What counts of `value` if it is an argument, or a part of one.

        Returns a value that has a stable form, such as a tuple of texts and numbers: equal for
        equal values, distinct for distinct ones, the same in every process. The class counts
        in any case. `value` must not change. Of much data return a digest: it is quicker than
        to return the data.

        Raises:
            UnstableKeyError: the value has no such form, as a stream that is not read yet. The
                message goes on "it is a ..., which", and ends in what to do.
        """

    def counted_as(self, cls: type) -> type:
        """The class as which instances of `cls` count, and come back; by default `cls` itself.

        For classes whose instances are as good as those of another one.
        """
        return cls

    def own_names(self, cls: type) -> Callable[[str], object] | None:
        """What says which attributes of instances of `cls` are the library's own, by their names.

        It gives something true for these. Others, which a program has set, count beside `key`, and
        a value that has some is not stored. By default all are the library's own.
        """
        del cls
        return None

    def encode(self, value: Any) -> object:
        """A value that can be stored, from which `decode` makes an equal instance.

        It may contain values of other supported classes. If it is a list, its last item may be a
        `Buffer`, for large data. `value` must not change, but for a stream that has to be read.

        Raises:
            SerializationError: it can't be stored. The message goes on "a ...", and ends in what
                to do.
        """
        raise NotSupportedError(f"the types {self.name!r} can't be stored ({type(value).__name__})")

    def decode(self, value: Any) -> Any:
        """The instance for what `encode` returned. `value` may be hostile, or of another release.

        Where a `Buffer` was is a `memoryview` of what is stored. The instance may keep it as its
        memory if it is writable, for then nothing else uses it; copy one that is read-only.

        A result of another class than the stored value's is an error, and a miss. Import the
        library here: a value may be restored before the program has imported it.
        """
        kind = type(value).__name__
        raise NotSupportedError(f"the types {self.name!r} can't be restored ({kind})")

    def to_media(self, value: Any, content_type: str) -> tuple[Data, object]:
        """The value as a file that viewers open, and what of it such a file does not hold.

        The second is a value that can be stored, None if it is nothing. What was written is read
        at once, and the file is stored only if that gives a value with the same key.

        Args:
            value: of one of `classes`.
            content_type: one of `media`.

        Raises:
            SerializationError: it is none of these files; says why.
        """
        del content_type
        raise NotSupportedError(f"the types {self.name!r} are no files ({type(value).__name__})")

    def from_media(self, data: Data, content_type: str, beside: Any) -> Any:
        """The value again, for what `to_media` returned.

        Args:
            data: the file. It may be hostile.
            content_type: as `to_media` got it.
            beside: what the file does not hold of the value; may be hostile, too.
        """
        del data, beside
        raise NotSupportedError(f"the types {self.name!r} can't be read from {content_type}")


def class_name(cls: type) -> str:
    """The name of a class, as in `TypeSupport.classes`."""
    return f"{cls.__module__}:{cls.__qualname__}"


def support_of(types: Types, cls: type) -> tuple[str, TypeSupport] | None:
    """The support of a class, with the name in `classes` that matched."""
    for base in cls.__mro__ if types else ():
        name = class_name(base)
        support = types.get(name)
        if support is not None and (base is cls or support.subclasses):
            return name, support
    return None


def needs_data_plugin(types: Types, cls: type) -> bool:
    """Whether a class is of a library whose types `beautyspot-data` brings, and that is missing."""
    found = OF_DATA.intersection(str(base.__module__).partition(".")[0] for base in cls.__mro__)
    return not found <= {name.partition(":")[0].partition(".")[0] for name in types}

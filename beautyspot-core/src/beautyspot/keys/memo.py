"""Remembers the keys of calls with small plain arguments.

Flat arguments, of exactly `str`, `int`, `float`, `bool` and None, are looked up by equality: no key
function can be registered for these. Their types are a part of the look-up, since `1`, `1.0` and
`True` are equal, but three calls. A float zero is never remembered: `0.0` equals `-0.0`.

Lists, tuples and dicts may be changed between two calls, and hold anything: see `Nested`. So are
calls looked up that have named arguments, as for parameters behind a ``*``.
"""

from __future__ import annotations

from marshal import dumps, loads
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

Address = tuple[str, str]
"""A call's key and its `input_id`."""

FLAT: Final = frozenset({str, int, float, bool, type(None)})
CONTAINERS: Final = frozenset({list, tuple, dict})

CALLS: Final = 4096
"""The number of calls of a function that are remembered; then the memo starts afresh."""

LONGEST: Final = 256
"""The longest text that is remembered, in characters. Bounds the memory."""

LARGEST: Final = 1024
"""The bytes of the largest nested arguments that are remembered."""

FAILURES: Final = 16
"""After so many calls that can't be remembered, those with arguments of these types never are.

It bounds what they cost: large parts are copied to find out.
"""

_LARGEST_INT: Final = 1 << 512
_FORMAT: Final = 4  # of `marshal`: writes what occurs twice once, so cycles end


class Nested:
    """Keys by what arguments hold at the moment of the look-up, as `marshal` writes it.

    Equal bytes are equal arguments, part for part: `marshal` tells the builtin types apart, and
    `0.0` from `-0.0`, and refuses subclasses. Only buffers are all written as bytes are; so calls
    are remembered whose parts are containers and flat values, and nothing else. Equal arguments may
    have other bytes, where parts are used elsewhere as well: then they are remembered twice.

    Args:
        is_plain: whether containers count by their parts, and not by a key function.

    Attributes:
        failures: calls that could not be remembered.
    """

    __slots__ = ("_addresses", "_is_plain", "failures")

    def __init__(self, is_plain: Callable[[], bool]) -> None:
        self._addresses: dict[bytes, Address] = {}
        self._is_plain = is_plain
        self.failures = 0

    def __getitem__(self, arguments: tuple[Any, ...]) -> Address:
        try:
            address = self._addresses[dumps(arguments, _FORMAT)]
        except Exception:  # not remembered, or one that can't be written
            raise KeyError from None
        if not self._is_plain():
            raise KeyError
        return address

    def add(self, arguments: tuple[Any, ...], make: Callable[..., Address]) -> Address:
        """Make the address of a copy of the arguments, and remember it.

        Of a copy, since another thread may change the arguments meanwhile.

        Raises:
            Exception: they are not small and plain.
        """
        data = dumps(arguments, _FORMAT)
        if len(data) > LARGEST:
            raise ValueError("too large")
        address = self._addresses[data] = make(*loads(data))  # noqa: S302 - written just now
        return address


class Memo:
    """Keys by arguments, for one function.

    Args:
        is_plain: see `Nested`; None where all but flat arguments are not to be remembered.

    Attributes:
        by_types: the types of positional arguments -> arguments -> address. It is replaced when it
            is full, and never emptied: a thread that reads it keeps the old one.
        named: positional and named arguments -> address, of calls with named ones.
    """

    __slots__ = ("_is_plain", "_room", "by_types", "named")

    def __init__(self, is_plain: Callable[[], bool] | None = None) -> None:
        self._is_plain = is_plain
        self.forget()

    def forget(self) -> None:
        """Start afresh."""
        self.by_types: dict[tuple[type, ...], _Addresses] = {}
        self.named: _Addresses = {} if self._is_plain is None else Nested(self._is_plain)
        self._room = CALLS

    def get(self, args: tuple[Any, ...], named: dict[str, Any]) -> Address | None:
        """The address of a call with these arguments; None if it is not remembered."""
        try:
            return self.named[args, named] if named else self.by_types[_types(args)][args]
        except (KeyError, TypeError):  # not remembered, or not hashable
            return None

    def put(self, args: tuple[Any, ...], address: Address) -> None:
        """Remember a call whose arguments are small and flat, and none is named."""
        if all(map(_is_small, args)):
            self._make_room()
            by_args = self.by_types.setdefault(_types(args), {})
            by_args[args] = address  # type: ignore[index]  # flat types have no `Nested`
            self._room -= 1

    def add(
        self,
        args: tuple[Any, ...],
        named: dict[str, Any],
        make: Callable[[tuple[Any, ...], dict[str, Any]], Address],
    ) -> Address | None:
        """Make and remember the address of a call with containers or named arguments.

        None where it has neither, or something that is not small and plain.

        Args:
            args, named: the arguments.
            make: makes the address of a copy of them, and raises where a part is not plain.
        """
        types = _types(args)
        if self._is_plain is None or not _PLAIN.issuperset((*types, *map(type, named.values()))):
            return None
        if not named and FLAT.issuperset(types):
            return None
        self._make_room()
        nested = self.named if named else self.by_types.setdefault(types, Nested(self._is_plain))
        if not isinstance(nested, Nested):
            return None
        try:
            if named:
                address = nested.add((args, named), make)
            else:
                address = nested.add(args, lambda *copied: make(copied, {}))
        except Exception:  # the ordinary way meets the cause again
            nested.failures += 1
            if nested.failures >= FAILURES:
                self._give_up(types, named)
            return None
        self._room -= 1
        return address

    def _give_up(self, types: tuple[type, ...], named: dict[str, Any]) -> None:
        if named:
            self.named = {}
        else:
            self.by_types[types] = {}

    def _make_room(self) -> None:
        if self._room <= 0:
            self.forget()


_Addresses = dict[tuple[Any, ...], Address] | Nested
_PLAIN: Final = FLAT | CONTAINERS


def _types(args: tuple[Any, ...]) -> tuple[type, ...]:
    return tuple(map(type, args))


def _is_small(value: Any) -> bool:
    kind = type(value)
    if kind not in FLAT:
        return False
    if kind is str:
        return len(value) <= LONGEST
    if kind is float:
        return bool(value != 0.0)
    return kind is not int or -_LARGEST_INT < value < _LARGEST_INT

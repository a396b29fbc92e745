"""Two functions of one identity: each gets the other's results, so the mistake is told.

A function that is known by its name alone (see `functions.identity`) is noted when its first key
is made; one whose code is in its key has no twin. Whether two are of the same code is asked only
when a second one comes: what is kept until then are code objects, which hold no function, no module
and no Spot.

There is no lock: each step is one operation of a dict, so a fork may come at any time.
"""

from __future__ import annotations

import weakref
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import ConfigError
from beautyspot.functions.names import chain, identifier_of, is_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from beautyspot.calls.engine import Engine
    from beautyspot.functions.identity import Identity

    Key = tuple[str, str | None]

_known: weakref.WeakKeyDictionary[Engine, Twins] = weakref.WeakKeyDictionary()

MOST: Final = 1000
"""Identities that a Spot keeps in mind; after that it starts afresh."""


class Twins:
    """Which function came first, of each identity and version that a Spot met."""

    __slots__ = ("_first", "_told")

    def __init__(self) -> None:
        self._first: dict[Key, Marked] = {}
        self._told: dict[Key, Marked] = {}

    def other(self, key: Key, marked: Marked, *, enter: bool = True) -> Marked | None:
        """The function that came first, if that is another one; else this is it from now on."""
        first = self._first.get(key)
        if first is None and enter:
            if len(self._first) >= MOST:
                self._first.clear()
            first = self._first.setdefault(key, marked)
        return None if first is None or first.is_like(marked) else first

    def is_news(self, key: Key, marked: Marked) -> bool:
        """Whether this is the one to tell of an identity: nobody did."""
        if len(self._told) >= MOST:
            return False
        return self._told.setdefault(key, marked) is marked


class Marked:
    """What is kept of a function: its code, and where it stands."""

    __slots__ = ("_codes", "_function", "place")

    def __init__(self, named: Any) -> None:
        functions = [step for step in _functions(named) if not is_ours(step)]
        self._codes: tuple[CodeType, ...] = tuple(step.__code__ for step in functions)
        self._function = _reference(named)
        self.place = _place(self._codes[-1]) if self._codes else identifier_of(named)

    def is_like(self, other: Marked) -> bool:
        """Whether both do the same, as far as their own code goes."""
        if self._codes == other._codes:
            return bool(self._codes) or self.place == other.place
        from beautyspot.functions.code.digest import bytecode, code_digest

        one, two = ([tuple(bytecode(code)) for code in x._codes] for x in (self, other))
        if one == two:  # also where lines were moved, or a file was edited since it was read
            return True
        first, second = self._function(), other._function()
        if first is None or second is None:
            return False
        return code_digest(first) == code_digest(second)


def check(engine: Engine, identifier: str, key: Key, identity: Identity) -> None:
    """Note a function by its identity, and report another one of the same.

    Args:
        engine: of the Spot that it is marked in.
        identifier: what the identity is called.
        key: the whole identity, and the version.
        identity: of the function.

    Raises:
        ConfigError: there is another one, and the Spot is strict.
    """
    marked = Marked(identity.named)
    twins = _known.setdefault(engine, Twins())
    other = twins.other(key, marked) or _elsewhere(engine, key, marked)
    if other is None or not (engine.reporter.strict or twins.is_news(key, marked)):
        return
    where = f"{other.place} and {marked.place}"
    if other.place == marked.place:
        where = f"{marked.place}, before and after an edit,"
    of = "" if key[1] is None else f" and version ({key[1]})"
    error = ConfigError(f"{where} have one identity{of}, so each gets the other's results")
    advice = (
        'Give each a name of its own, mark(name="…"); where one is an edit of the other, raise its '
        'version=, or let version="auto" follow the code'
    )
    engine.reporter.report("tell functions apart", identifier, error, advice)


def _elsewhere(engine: Engine, key: Key, marked: Marked) -> Marked | None:
    """Another function of the same identity in another Spot of the same store."""
    for reference in _known.keyrefs():
        spot = reference()
        if spot is None or spot is engine:
            continue
        other = _known[spot].other(key, marked, enter=False)
        if other is not None and _share(engine, spot):
            return other
    return None


def _share(one: Engine, two: Engine) -> bool:
    """Whether two Spots have one store. A store that may block is not asked for this alone."""
    first, second = one.cache.metadata.real, two.cache.metadata.real
    if first is second:
        return True
    if first.blocking or second.blocking or two.closed:
        return False
    try:
        return first.store_id == second.store_id
    except Exception:  # it can't be reached: then it gives no wrong result either
        return False


def _functions(named: Any) -> list[FunctionType]:
    """The functions that make up a function, or that stand in a class."""
    if isinstance(named, type):
        from beautyspot.functions.code.digest import methods_of

        return list(methods_of(named).values())
    return [step for step in chain(named) if isinstance(step, FunctionType)]


def _place(code: CodeType) -> str:
    return f"{code.co_filename}:{code.co_firstlineno}"


def _reference(named: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(named)
    except TypeError:
        return lambda: None

"""`Lazily`: an attribute that is computed when it is first asked for, without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Lazily(Generic[T]):
    """Decorates a method, and gives way to its value in the instance's `__dict__`.

    `functools.cached_property` has a lock before Python 3.12, of all instances of a class together:
    a child that is forked while another thread computes would stand still at its first look, and
    two threads that import could wait for each other. Here two may compute the same, and the last
    is kept.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = vars(instance)[self._name] = self._compute(instance)
        return value

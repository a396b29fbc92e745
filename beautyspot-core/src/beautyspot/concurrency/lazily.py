"""What is computed or imported when it is first asked for: an attribute, the names of a package."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        if instance is None:
            return self  # type: ignore[return-value]  # of the class, as its documentation asks
        value = vars(instance)[self._name] = self._compute(instance)
        return value


def later(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package that imports what it names when that is first used.

    As PEP 562 has it, ``__getattr__, __dir__ = later(__name__, {"FooStorage": "storage"})``.

    Args:
        package: its name.
        modules: by each name, the module of the package that has it.
    """

    def value_of(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return value_of, lambda: sorted({*vars(sys.modules[package]), *modules})

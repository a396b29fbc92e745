"""What travels to another process as the arguments that it was made with."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")


class Remade:
    """Is made again where its pickle arrives, and connects there; no lock or socket is sent.

    Its pickle holds a password that it was given, as that of a Spot does. One of the environment is
    read where it arrives.
    """

    _made_by: Callable[[], object]

    def __reduce__(self) -> tuple[Any, ...]:
        return self._made_by, ()


R = TypeVar("R", bound=Remade)


def remembered(
    init: Callable[Concatenate[R, P], None],
) -> Callable[Concatenate[R, P], None]:
    """A constructor that keeps its arguments for `Remade`."""

    @wraps(init)
    def made(self: R, /, *args: P.args, **options: P.kwargs) -> None:
        self._made_by = partial(type(self), *args, **options)
        init(self, *args, **options)

    return made

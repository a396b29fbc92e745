"""What travels to another process as the arguments that it was made with."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from beautyspot_postgres.address import PASSWORD_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot_postgres.server import Server

P = ParamSpec("P")


class Remade:
    """Is made again where its pickle arrives, and connects there; no lock or socket travels.

    Nor a password: pickles lie in queues, and in the memory of schedulers. One of the environment,
    or of a password file, is read where it arrives.
    """

    _server: Server
    _made_by: Callable[[], object]

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is made again.

        Raises:
            TypeError: it was given a password.
        """
        if self._server.address.holds_secret:
            raise TypeError(
                "it holds a password, which does not travel: leave that out, and set the "
                f"environment variable {PASSWORD_VARIABLE} in each process"
            )
        return self._made_by, ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._server.url}>"


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

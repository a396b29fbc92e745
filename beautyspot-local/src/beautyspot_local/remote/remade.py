"""What is made of a URL, and travels to another process as the arguments that it was made with."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Context

P = ParamSpec("P")


class Remade:
    """Is made again where its pickle arrives, and connects there; no lock or socket travels.

    Nor a password: pickles lie in queues, and in the memory of schedulers. One of the environment,
    or of a password file, is read where it arrives.
    """

    _server: Any
    """Has `address`, with `holds_secret` and `password_variable`; `url`, without it; `close`."""

    _made_by: Callable[[], object]

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name, as the namespace."""
        return {"namespace": context.name}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The URL itself."""
        return {"url": url}

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is made again.

        Raises:
            TypeError: it was given a password.
        """
        server = self._server
        if server.address.holds_secret:
            raise TypeError(
                "it holds a password, which does not travel: leave that out, and set the "
                f"environment variable {server.address.password_variable} in each process"
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

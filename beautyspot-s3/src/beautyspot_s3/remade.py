"""What travels to another process as the arguments that it was made with."""

from __future__ import annotations

from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

_SECRETS = ("aws_secret_access_key", "aws_session_token")


class Remade:
    """Is made again where its pickle arrives, and connects there; no lock or socket travels.

    Nor a secret: pickles lie in queues, and in the memory of schedulers. What boto3 finds in the
    environment, in files or by the machine's role is found where it arrives.
    """

    _made_by: partial[Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is made again.

        Raises:
            TypeError: it was given a secret, or a client.
        """
        given = self._made_by.keywords
        if any(given.get(name) is not None for name in _SECRETS):
            raise TypeError(
                "it holds a secret, which does not travel: leave out the credentials, and set them "
                "in the environment or by the role of each process"
            )
        if given.get("client") is not None:
            raise TypeError("it was given a client, which does not travel: give options instead")
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

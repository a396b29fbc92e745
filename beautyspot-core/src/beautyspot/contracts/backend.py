"""What the backends of all extension points have in common."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from beautyspot.contracts.examination import Finding

Data = bytes | bytearray | memoryview
"""Bytes to be stored. A backend only reads them, and keeps no reference."""


class Readable(Protocol):
    """What can be read once, from its beginning to its end, such as a file opened for bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, or all that are left; none where there are no more."""
        ...


class Context(NamedTuple):
    """What a Spot tells a backend that it makes by name: the Spot's own name and places.

    Attributes:
        name: the Spot's; of one of several limits, with a point and the limit's name behind.
        directory, db_path: the Spot's places.
        part: the name of one of several limits, else "".
    """

    name: str
    directory: Path
    db_path: Path
    part: str = ""


class Backend(ABC):
    """What the backends of all extension points have in common.

    Class attributes:
        name: what a user writes to select it, such as ``"s3"``; lower case, without ``:``.
        schemes: the URL schemes that select it, such as ``("s3",)``.
        blocking: False if every operation takes microseconds. An operation that blocks ends by
            itself, with an error, within a time-out of the backend's own: core waits for it as
            long as it takes.
        local: True if an operation that blocks only calls this machine's kernel (a file, not a
            network). An instance whose files are elsewhere sets False; see
            `beautyspot.files.network_file_system`.
        remote: True if every machine that is given the same options reaches the same content.
    """

    name: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]] = ()
    blocking: ClassVar[bool] = True
    local: ClassVar[bool] = False
    remote: bool = False

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """Values for options that the user does not give; they go to the constructor.

        Args:
            context: the Spot for which the backend is made, and what for.
        """
        del context
        return {}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The constructor's options that `url` contains, *without* those of its query part.

        Raises:
            ConfigError: this backend has no URL form, or the URL misses something.
        """
        raise ConfigError(f"{cls.name!r} can't be selected by a URL ({url!r}): use a table")

    def examine(self) -> Iterable[Finding]:
        """What is known of its health beyond what any backend can be asked; for `examine`.

        Such as that a disk is nearly full, or that a server has evicted keys. It changes nothing
        that lasts. By default there is nothing.
        """
        return ()

    def close(self) -> None:  # noqa: B027 - most backends hold nothing
        """Release what the backend holds. Called once, by the Spot that made it."""

    def __repr__(self) -> str:
        """Name the class and nothing else: an option may be a secret."""
        return f"<{type(self).__name__}>"

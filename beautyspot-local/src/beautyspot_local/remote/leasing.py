"""Leases in a server: what the process knows that holds them, whichever server it is."""

from __future__ import annotations

import json
import os
import secrets
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING

from beautyspot.contracts import Lease

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


class ServerLease(Lease):
    """The lease of a key, of the process that took it: a forked child has none of its parent's.

    Attributes:
        is_ending: whether the server has been asked to end it as it puts the row, and may have.
    """

    def __init__(self, held_by: HeldLeases, key: str) -> None:
        self.key = key
        self.token = secrets.token_hex(8)
        self.released = self.is_ending = False
        self._held_by, self._pid = held_by, os.getpid()

    @property
    def is_ours(self) -> bool:
        """Whether this process holds it, as far as it knows."""
        return not self.released and self._pid == os.getpid()

    def release(self) -> None:
        """See the base class; it asks nothing where the result was put."""
        if self.is_ours:
            self._held_by.release(self)


class HeldLeases(ABC):
    """The leases of one store that this process holds. A member adds how its server is asked.

    Attributes:
        held: by key, those that this instance holds, or has lost without knowing.
    """

    def __init__(self) -> None:
        self.held: dict[str, ServerLease] = {}
        self._who = secrets.token_hex(8)
        self._waits = ""

    @abstractmethod
    def _renew(self, leases: list[ServerLease]) -> set[ServerLease]:
        """Renew leases in the server; those that it still had."""

    @abstractmethod
    def _end(self, lease: ServerLease) -> None:
        """End a lease in the server, if it still has it. What goes wrong is a `MetadataError`."""

    @abstractmethod
    def _exchange(self, process: str, waits: str) -> Iterable[str | bytes]:
        """Keep what this process waits for, "" for nothing; what others have kept there."""

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Those that were lost; also keep what others know of this process's waits."""
        ours = [lease for lease in leases if isinstance(lease, ServerLease) and lease.is_ours]
        kept = self._renew(ours)
        if self._waits:
            self._exchange(self._process, self._waits)
        # One may have been released meanwhile: `is_ending` is set before that, `released` after.
        return {
            lease for lease in ours if lease not in kept and not lease.is_ending and lease.is_ours
        }

    def release(self, lease: ServerLease) -> None:
        """End one."""
        self.forget(lease)
        self._end(lease)

    def forget(self, lease: ServerLease) -> None:
        """Say that the server has ended it."""
        lease.released = True
        if self.held.get(lease.key) is lease:
            self.held.pop(lease.key, None)

    def held_for(self, key: str) -> ServerLease | None:
        """The lease of a key that this process holds, as far as it knows."""
        lease = self.held.get(key)
        return lease if lease is not None and lease.is_ours else None

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """See `MetadataStoreBase.share_waits`."""
        self._waits = json.dumps({key: [*held] for key, held in waits.items()}) if waits else ""
        found: dict[str, set[str]] = {}
        for text in self._exchange(self._process, self._waits):
            for key, held in _read(text):
                found.setdefault(key, set()).update(held)
        return found

    @property
    def _process(self) -> str:
        """What tells this process, and this instance, from others."""
        return f"{self._who}:{os.getpid()}"


@contextmanager
def ending(leases: Collection[ServerLease]) -> Iterator[None]:
    """While the server is asked to end leases: the thread that renews them may see it first."""
    for lease in leases:
        lease.is_ending = True
    try:
        yield
    finally:
        for lease in leases:
            lease.is_ending = False


def this_process() -> str:
    """The holder of a lease, for people."""
    import socket  # only who takes a lease needs it

    return f"process {os.getpid()} on {socket.gethostname()}"


def _read(text: str | bytes) -> list[tuple[str, list[str]]]:
    """What another process waits for; nothing where it is no such text."""
    try:
        table = json.loads(text)
        return [
            (key, [other for other in held if isinstance(other, str)])
            for key, held in table.items()
        ]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []

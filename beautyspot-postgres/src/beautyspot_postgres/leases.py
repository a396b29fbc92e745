"""Leases in the server: a row with a token and a time, over which it falls unless it is renewed."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Lease

from beautyspot_postgres import arrays, texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from beautyspot_postgres.server import Server
    from beautyspot_postgres.values import Row

PART: Final = 1000
"""Leases that are asked for at once."""

_BEGIN: Final = "SELECT * FROM {schema}.begin_calls($1, $2, $3, $4, $5, $6, $7)"
_RENEW: Final = "SELECT * FROM {schema}.renew_leases($1, $2, $3, $4)"
_RELEASE: Final = "SELECT FROM {schema}.release_leases($1, $2, $3)"
_WAITS: Final = "SELECT * FROM {schema}.share_waits($1, $2, $3, $4)"
_LEASED: Final = (
    "SELECT cache_key FROM {schema}.leases WHERE namespace = $1 AND cache_key = ANY ($2) "
    "AND ends_at > date_part('epoch', clock_timestamp())"
)
_HOLDER: Final = (
    "SELECT holder FROM {schema}.leases WHERE namespace = $1 AND cache_key = $2 "
    "AND ends_at > date_part('epoch', clock_timestamp())"
)


class PostgresLease(Lease):
    """The lease of a key, of the process that took it: a forked child has none of its parent's.

    Attributes:
        is_ending: whether the server has been asked to end it as it puts the row, and may have.
    """

    def __init__(self, keeper: LeaseKeeper, key: str) -> None:
        self.key = key
        self.token = secrets.token_hex(8)
        self.released = self.is_ending = False
        self._keeper, self._pid = keeper, os.getpid()

    @property
    def is_ours(self) -> bool:
        """Whether this process holds it, as far as it knows."""
        return not self.released and self._pid == os.getpid()

    def release(self) -> None:
        """See the base class; it asks nothing where the result was put."""
        if self.is_ours:
            self._keeper.release(self)


class LeaseKeeper:
    """The leases of one store: takes, renews and releases them.

    Args:
        namespace: as it stands in the tables.
        seconds: for which a lease holds.

    Attributes:
        held: by key, those that this instance holds, or has lost without knowing.
    """

    def __init__(self, server: Server, namespace: str, seconds: float) -> None:
        self._server, self._namespace = server, namespace
        self._seconds = seconds
        self.held: dict[str, PostgresLease] = {}
        self._who = secrets.token_hex(8)
        self._waits: str | None = None

    # --------------------------------------------------------------------------- to have one

    def begin(
        self, keys: Iterable[str], *, look: bool, most: int
    ) -> dict[str, tuple[PostgresLease, Row]]:
        """Take the leases of these keys that are free; each comes with what `begin_calls` gives.

        Args:
            look: whether that also tells of the row, of the generation, and of the time.
            most: bytes of data that it tells of a row.
        """
        begun: dict[str, tuple[PostgresLease, Row]] = {}
        try:
            for part in _parts(keys):
                begun.update(self._begin(part, look=look, most=most))
        except BaseException:
            for lease, _ in begun.values():
                lease.release()
            raise
        return begun

    def _begin(
        self, keys: list[str], *, look: bool, most: int
    ) -> dict[str, tuple[PostgresLease, Row]]:
        leases = {texts.short(key): PostgresLease(self, key) for key in keys}
        tokens = arrays.texts(lease.token for lease in leases.values())
        given = arrays.texts(leases), tokens, _this_process(), self._seconds, look, most
        try:
            answer = self._ask(_BEGIN, *given)
        except Exception:  # the server may have given them, or may yet: what is put ends them
            self.held.update({lease.key: lease for lease in leases.values()})
            raise
        begun = {leases[row[0]].key: (leases[row[0]], row) for row in answer}
        self.held.update({key: lease for key, (lease, _) in begun.items()})
        return begun

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Those that were lost; also keep what others know of this process's waits."""
        ours = [lease for lease in leases if isinstance(lease, PostgresLease) and lease.is_ours]
        kept: set[str] = set()
        for part in _parts(ours):
            answer = self._ask(_RENEW, *_keys_and_tokens(part), self._seconds)
            kept.update(token for (token,) in answer)
        if self._waits is not None:
            self._share()
        # One may have been released meanwhile: `is_ending` is set before that, `released` after.
        return {
            lease
            for lease in ours
            if lease.token not in kept and not lease.is_ending and lease.is_ours
        }

    def release(self, lease: PostgresLease) -> None:
        """End one."""
        self.forget(lease)
        self._ask(_RELEASE, *_keys_and_tokens([lease]))

    def forget(self, lease: PostgresLease) -> None:
        """Say that the server has ended it."""
        lease.released = True
        if self.held.get(lease.key) is lease:
            self.held.pop(lease.key, None)

    def held_for(self, key: str) -> PostgresLease | None:
        """The lease of a key that this process holds, as far as it knows."""
        lease = self.held.get(key)
        return lease if lease is not None and lease.is_ours else None

    # ------------------------------------------------------------------------ those of others

    def leased(self, keys: Iterable[str]) -> set[str]:
        """Which of these keys are leased now."""
        wanted = {texts.short(key): key for key in keys}
        found: set[str] = set()
        for part in _parts(wanted):
            found.update(wanted[key] for (key,) in self._ask(_LEASED, arrays.texts(part)))
        return found

    def holder(self, key: str) -> str:
        """The process that holds the lease of a key, for people."""
        found = self._ask(_HOLDER, texts.short(key))
        return texts.restored(found[0][0]) if found else ""

    # ------------------------------------------------------------------------------- deadlocks

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """See `MetadataStoreBase.share_waits`."""
        self._waits = json.dumps({key: [*held] for key, held in waits.items()}) if waits else None
        found: dict[str, set[str]] = {}
        for key, held in self._share():
            found.setdefault(key, set()).update(held)
        return found

    def _share(self) -> list[tuple[str, list[str]]]:
        process = f"{self._who}:{os.getpid()}"
        others = self._ask(_WAITS, process, self._waits, self._seconds)
        return [wait for (other,) in others for wait in _read(other)]

    def _ask(self, query: str, *params: Any) -> list[Row]:
        return self._server.run(self._server.sql(query), (self._namespace, *params))


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    several = [*values]
    for start in range(0, len(several), PART):
        yield several[start : start + PART]


def _keys_and_tokens(leases: Collection[PostgresLease]) -> tuple[Any, Any]:
    keys = arrays.texts(texts.short(lease.key) for lease in leases)
    return keys, arrays.texts(lease.token for lease in leases)


def _read(text: str) -> list[tuple[str, list[str]]]:
    try:
        table = json.loads(text)
        return [
            (key, [other for other in held if isinstance(other, str)])
            for key, held in table.items()
        ]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []


def _this_process() -> str:
    import socket

    return f"process {os.getpid()} on {texts.stored(socket.gethostname())}"

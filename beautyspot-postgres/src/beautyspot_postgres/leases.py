"""Leases in the server: a row with a token and a time, over which it falls unless it is renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot_local.remote.leasing import HeldLeases, ServerLease, this_process

from beautyspot_postgres import arrays, texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

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


class LeaseKeeper(HeldLeases):
    """The leases of one store: takes, renews and releases them.

    Args:
        namespace: as it stands in the tables.
        seconds: for which a lease holds.
    """

    def __init__(self, server: Server, namespace: str, seconds: float) -> None:
        super().__init__()
        self._server, self._namespace = server, namespace
        self._seconds = seconds

    # --------------------------------------------------------------------------- to have one

    def begin(
        self, keys: Iterable[str], *, look: bool, most: int
    ) -> dict[str, tuple[ServerLease, Row]]:
        """Take the leases of these keys that are free; each comes with what `begin_calls` gives.

        Args:
            look: whether that also tells of the row, of the generation, and of the time.
            most: bytes of data that it tells of a row.
        """
        begun: dict[str, tuple[ServerLease, Row]] = {}
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
    ) -> dict[str, tuple[ServerLease, Row]]:
        leases = {texts.short(key): ServerLease(self, key) for key in keys}
        tokens = arrays.texts(lease.token for lease in leases.values())
        given = (
            arrays.texts(leases),
            tokens,
            texts.stored(this_process()),
            self._seconds,
            look,
            most,
        )
        try:
            answer = self._ask(_BEGIN, *given)
        except Exception:  # the server may have given them, or may yet: what is put ends them
            self.held.update({lease.key: lease for lease in leases.values()})
            raise
        begun = {leases[row[0]].key: (leases[row[0]], row) for row in answer}
        self.held.update({key: lease for key, (lease, _) in begun.items()})
        return begun

    def _renew(self, leases: list[ServerLease]) -> set[ServerLease]:
        kept: set[str] = set()
        for part in _parts(leases):
            answer = self._ask(_RENEW, *_keys_and_tokens(part), self._seconds)
            kept.update(token for (token,) in answer)
        return {lease for lease in leases if lease.token in kept}

    def _end(self, lease: ServerLease) -> None:
        self._ask(_RELEASE, *_keys_and_tokens([lease]))

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

    def _exchange(self, process: str, waits: str) -> list[str]:
        return [text for (text,) in self._ask(_WAITS, process, waits or None, self._seconds)]

    def _ask(self, query: str, *params: Any) -> list[Row]:
        return self._server.run(self._server.sql(query), (self._namespace, *params))


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    several = [*values]
    for start in range(0, len(several), PART):
        yield several[start : start + PART]


def _keys_and_tokens(leases: Collection[ServerLease]) -> tuple[Any, Any]:
    keys = arrays.texts(texts.short(lease.key) for lease in leases)
    return keys, arrays.texts(lease.token for lease in leases)

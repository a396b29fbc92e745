"""Leases in the server: a hash with a token, which expires unless it is renewed."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import MetadataError
from beautyspot_local.remote.leasing import HeldLeases, ServerLease, this_process

from beautyspot_redis import store_scripts
from beautyspot_redis.asking import each, each_and_field, parts, together, unless_other_type
from beautyspot_redis.names import key_bytes, key_text
from beautyspot_redis.rows import LARGE

if TYPE_CHECKING:
    from collections.abc import Collection

    from beautyspot_redis.asking import Run
    from beautyspot_redis.names import Names
    from beautyspot_redis.server import Server

SLICE: Final = 1.0
"""Seconds after which a thread that listens looks whether the store was closed."""

MOST_TOLD: Final = 1000
"""So many releases are read at a time."""


CONFIRMED: Final = 5.0
"""Seconds within which the server says that it lets us listen."""


class LeaseKeeper(HeldLeases):
    """The leases of one store: takes, renews and releases them, and hears of those of others.

    Args:
        names: of the keys.
        seconds: for which a lease holds.
    """

    def __init__(self, server: Server, names: Names, seconds: float) -> None:
        super().__init__()
        self.server, self.names = server, names
        self.milliseconds = max(1, round(seconds * 1000))
        self._listening: Any = None
        self._listens_in = 0
        self._listens = self._closed = False

    # --------------------------------------------------------------------------- to have one

    def begin(
        self, keys: Collection[str], *, look: bool = False
    ) -> dict[str, tuple[ServerLease, Any]]:
        """Take the leases of these keys that are free; each comes with what `BEGIN` gives.

        With `look`, also of the row, of the generation, and of the time.
        """
        begun: dict[str, tuple[ServerLease, Any]] = {}
        try:
            for part in parts(keys):
                begun.update(self._begin(part, look=look))
        except BaseException:
            for lease, _ in begun.values():
                lease.release()
            raise
        return begun

    def _begin(self, keys: list[str], *, look: bool) -> dict[str, tuple[ServerLease, Any]]:
        from redis.exceptions import ResponseError

        leases = [ServerLease(self, key) for key in keys]
        here, names = this_process(), self.names
        meta = [] if self.server.is_cluster else [names.meta]
        last = -1 if len(keys) == 1 else LARGE - 1  # of many, the data may be left out
        runs: list[Run] = [
            (
                [names.lease(lease.key), *([names.row(lease.key), *meta] if look else ())],
                (lease.token, here, self.milliseconds, last),
            )
            for lease in leases
        ]
        try:
            answers = self._answers(runs, look=look)
        except ResponseError:  # of one of them: others may have been taken
            with suppress(Exception):
                each(self.server, store_scripts.RELEASE, [self._releasing(one) for one in leases])
            raise
        except Exception:  # the server may have given them, or may yet: what is put ends them
            self.held.update({lease.key: lease for lease in leases})
            raise
        begun = {
            lease.key: (lease, answer)
            for lease, answer in zip(leases, answers, strict=True)
            if answer is not None
        }
        self.held.update({key: lease for key, (lease, _) in begun.items()})
        return begun

    def _answers(self, runs: list[Run], *, look: bool) -> list[Any]:
        server, script = self.server, store_scripts.BEGIN
        if not (look and server.is_cluster):
            return each(server, script, runs)
        answers, generation = each_and_field(server, script, runs, self.names.meta, "generation")
        for answer in filter(None, answers):
            answer[1] = generation
        return answers

    def _renew(self, leases: list[ServerLease]) -> set[ServerLease]:
        kept: set[ServerLease] = set()
        for part in parts(leases):
            runs = [
                ([self.names.lease(lease.key)], (lease.token, self.milliseconds)) for lease in part
            ]
            answers = each(self.server, store_scripts.RENEW, runs)
            kept.update(lease for lease, held in zip(part, answers, strict=True) if held)
        return kept

    def _end(self, lease: ServerLease) -> None:
        """End it; if another process waits for it, the server tells that."""
        with self.server.translated:
            each(self.server, store_scripts.RELEASE, [self._releasing(lease)])

    def _releasing(self, lease: ServerLease) -> tuple[list[bytes], tuple[Any, ...]]:
        names = self.names
        return [names.lease(lease.key)], (lease.token, names.released, key_bytes(lease.key))

    # ------------------------------------------------------------------------ those of others

    def leased(self, keys: Collection[str]) -> set[str]:
        """Which of these keys are leased now."""
        found: set[str] = set()
        for part in parts(keys):

            def ask(pipeline: Any, part: list[str] = part) -> None:
                for key in part:
                    pipeline.exists(self.names.lease(key))

            for key, answer in zip(part, together(self.server, ask), strict=True):
                if isinstance(answer, Exception):
                    raise answer
                if answer:
                    found.add(key)
        return found

    def holder(self, key: str) -> str:
        """The process that holds the lease of a key, for people."""
        client, name = self.server.client, self.names.lease(key)
        said = unless_other_type(lambda: client.hget(name, "h"), None)
        return said.decode("utf-8", "replace") if isinstance(said, bytes) else ""

    def next_releases(self, seconds: float) -> set[str] | None:
        """The keys whose leases were released within so many seconds; one connection listens.

        None where the server does not let us listen.
        """
        from redis.exceptions import NoPermissionError

        self._listens = True
        try:
            return self._heard(seconds)
        except NoPermissionError:
            self._hang_up()
            return None
        except BaseException:
            self._hang_up()
            raise
        finally:
            self._listens = False
            if self._closed:
                self._hang_up()

    def _heard(self, seconds: float) -> set[str]:
        found: set[str] = set()
        ends = time.monotonic() + seconds
        while len(found) < MOST_TOLD:
            left = 0.0 if found else max(0.0, ends - time.monotonic())
            if self._closed:
                raise MetadataError("the store was closed")
            if self._listening is None or self._listens_in != os.getpid():
                made = self._listening = self.server.client.pubsub()
                self._listens_in = os.getpid()
                made.subscribe(self.names.released)
                made.get_message(timeout=CONFIRMED)  # by which the server says that it lets us
            message = self._listening.get_message(timeout=min(left, SLICE))
            if message is None and (found or left <= SLICE):
                break
            if message is not None and message["type"] == "message":
                found.update(filter(None, [key_text(message["data"])]))
        return found

    def stop_listening(self) -> None:
        """Close the connection that listens, by the thread that uses it: redis-py mends others."""
        if not self._listens:
            self._hang_up()

    def _hang_up(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()

    # ------------------------------------------------------------------------------- deadlocks

    def _exchange(self, process: str, waits: str) -> list[bytes]:
        found: list[bytes] = store_scripts.WAITS.run(
            self.server.client, [self.names.waits], process, waits, self.milliseconds
        )
        return found

    def close(self) -> None:
        """Stop listening. Leases that are held stay so until they are released, or expire."""
        self._closed = True
        self.stop_listening()

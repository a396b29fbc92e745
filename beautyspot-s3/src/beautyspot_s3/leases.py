"""Leases in a bucket: an object with a token, which its holder writes anew again and again.

Whoever finds none puts one, on the condition that there is none. The holder renews it on the
condition that it is what it wrote last: so one that has lost its lease learns that, and takes
nothing from its successor. A lease is over when it was not renewed for its time, which the server's
clock tells: the date of an answer, less the time at which the object in it was written. Where that
clock tells nothing, or was set just now, it is over once it was seen unchanged for its time. Then
it is taken over, on the condition that it is still what was read.

Nothing is deleted here. A lease that is released says so, and may be taken; what lies there long
is removed by a sweep. Each body is another one, since equal bodies have one ETag.

A request whose answer was lost is sent again, and fails on what it has written itself. The token
tells that, and it is written once more.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.contracts import Lease

from beautyspot_s3.clock import least_age, ticks
from beautyspot_s3.failures import is_unanswered
from beautyspot_s3.objects import ABSENT, ConditionError
from beautyspot_s3.several import side_by_side
from beautyspot_s3.tries import tries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from beautyspot_s3.clock import ServerClock
    from beautyspot_s3.conditions import Conditions
    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Found, Objects

LONGEST: Final = 86400.0
"""Seconds that the lease of another process may hold, whatever it says of itself."""

MOST_SEEN: Final = 10_000
"""Leases of others of which is known since when they are unchanged."""


class Body(NamedTuple):
    """What a lease's object says.

    Attributes:
        token: of the lease; "" once it is released.
        holder: the process, for people.
        seconds: for which it holds from when it was written.
        beat: how often it was written before.
    """

    token: str
    holder: str
    seconds: float
    beat: int

    def written(self) -> bytes:
        """As the object's bytes."""
        return json.dumps(self._asdict()).encode()


def read(data: bytes) -> Body | None:
    """What an object says; None where it is none of ours, which nobody holds then."""
    try:
        table = json.loads(data)
        token, holder, beat = str(table["token"]), str(table["holder"]), int(table["beat"])
        seconds = float(table["seconds"])
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    if math.isnan(seconds):
        return None
    return Body(token, holder, min(seconds, LONGEST), beat)


class S3Lease(Lease):
    """The lease of a key, of the process that took it: a forked child has none of its parent's.

    Attributes:
        etag: of what was written last; None where no answer told it.
        beat: how often it was written.
        tokens: its own, and those of others that stand in nobody's way: this instance may have
            written them, though no answer said so, and nobody was given them.
        renewed: when it was written last, by `ticks`, at the latest.
        lock: held while it is renewed or released.
    """

    def __init__(self, keeper: LeaseKeeper, key: str) -> None:
        self.key = key
        self.token = secrets.token_hex(8)
        self.tokens = {self.token}
        self.released = False
        self.etag: str | None = None
        self.beat = 0
        self.renewed = ticks()
        self.lock = threading.Lock()
        self._keeper, self._pid = keeper, os.getpid()

    @property
    def is_ours(self) -> bool:
        """Whether this process holds it, as far as it knows."""
        return not self.released and self._pid == os.getpid()

    def release(self) -> None:
        """See the base class; it asks nothing where it was released before."""
        if self.is_ours:
            self._keeper.translated(partial(self._keeper.release, self))


class NoLease(Lease):
    """In place of a lease, where the server can't exclude anybody."""

    def release(self) -> None:
        """Nothing is held."""


class LeaseKeeper:
    """The leases of one store: takes, renews and releases them, and looks at those of others.

    Errors are those of boto3 and botocore, which who asks translates.

    Args:
        objects: the requests.
        names: of the objects.
        conditions: whether the server heeds them: else everybody gets a lease, at once.
        clock: the server's.
        seconds: for which a lease holds.
        translated: calls what it is given, whose errors leave as the contract has them.

    Attributes:
        held: by key, those that this instance holds, or may hold: no answer came, or it was lost.
    """

    def __init__(
        self,
        objects: Objects,
        names: Names,
        conditions: Conditions,
        clock: ServerClock,
        seconds: float,
        translated: Callable[[Callable[[], None]], None],
    ) -> None:
        self.translated = translated
        self.held: dict[str, S3Lease] = {}
        self._objects, self._names = objects, names
        self._conditions, self._clock = conditions, clock
        self._seconds = seconds
        self._seen: dict[str, tuple[str, float]] = {}
        self._holder = ""

    # --------------------------------------------------------------------------- to have one

    def take(self, key: str) -> Lease | None:
        """The lease of a key; None while another has it."""
        if not self._conditions.hold():
            return NoLease()
        lease = S3Lease(self, key)
        before = self.held_for(key)
        if before is not None and before.etag is None:
            lease.tokens |= before.tokens
        try:
            won = self._won(lease)
        except BaseException:  # it may have been written, or may yet: it ends with the row
            self._keep(lease)
            raise
        if won:
            self._keep(lease)
        return lease if won else None

    def take_all(self, keys: Collection[str]) -> dict[str, Lease]:
        """The leases of those of several keys that nobody else has, taken side by side."""
        taken: dict[str, Lease] = {}

        def take(key: str) -> None:
            lease = self.take(key)
            if lease is not None:
                taken[key] = lease

        try:
            self._conditions.hold()
            side_by_side(take, keys)
        except BaseException:
            self.release_all(taken.values())
            raise
        return taken

    def release_all(self, leases: Iterable[Lease]) -> None:
        """Give leases back under which nothing is done; what can't be told falls by itself."""

        def release(lease: Lease) -> None:
            with suppress(Exception):
                lease.release()

        side_by_side(release, [*leases])

    def _won(self, lease: S3Lease) -> bool:
        """Whether the lease was taken.

        It is written at once, unless another was seen to hold it lately: then it is read first,
        which is cheaper, and hinders nobody.
        """
        name, match, attempts = self._names.lease(lease.key), ABSENT, self._attempts(lease.key)
        looks = lease.key in self._seen
        while True:
            if looks:
                asked = ticks()
                found = self._objects.get(name)
                body = None if found is None else read(found.body)
                is_own = body is not None and body.token in lease.tokens
                if self._holds(lease.key, found, body, asked) and not is_own:
                    return False
                match = ABSENT if found is None else found.etag
            next(attempts)  # not before the look: who lost, after whatever time, is to know it
            try:
                self._write(lease, match)
            except ConditionError:
                looks = True
            except Exception as error:
                if not is_unanswered(error) or not self._is_others(lease):
                    raise
                return False
            else:
                return True

    def _is_others(self, lease: S3Lease) -> bool:
        """Whether another has a lease by now that was to be written, though no answer came.

        Some servers answer late where many write one object, and those who waited have lost.
        """
        body = self._held_by(lease.key)
        return body is not None and body.token not in lease.tokens

    def _keep(self, lease: S3Lease) -> None:
        if len(self.held) >= MOST_SEEN:
            for key, other in [*self.held.items()]:
                if self._is_overdue(other):
                    self.held.pop(key, None)
        self._seen.pop(lease.key, None)
        self.held[lease.key] = lease

    def _write(self, lease: S3Lease, match: str) -> None:
        """Have a lease hold from now on, where its object is still what it replaces."""
        lease.beat += 1
        body = Body(lease.token, self._who(), self._seconds, lease.beat)
        sent = ticks()
        lease.etag = self._objects.put(self._names.lease(lease.key), body.written(), match)
        lease.renewed = sent

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Those that were lost.

        Raises:
            Exception: not one could be renewed. Of several, those that failed are tried at the
                next beat, and are lost once their time is over.
        """
        ours = [lease for lease in leases if isinstance(lease, S3Lease) and lease.is_ours]
        failed: list[Exception] = []

        def is_kept(lease: S3Lease) -> bool:
            try:
                return self._is_kept(lease)
            except Exception as error:
                failed.append(error)
                return not self._is_overdue(lease)

        kept = side_by_side(is_kept, ours) if ours else []
        if failed and len(failed) == len(ours):
            raise failed[0]
        return [lease for lease, held in zip(ours, kept, strict=True) if not held]

    def _is_kept(self, lease: S3Lease) -> bool:
        """Whether it was renewed, or needs no more to be."""
        attempts = self._attempts(lease.key)
        with lease.lock:
            if not lease.is_ours or lease.etag is None:  # to release it failed just now
                return True
            while not self._is_overdue(lease):
                next(attempts)
                try:
                    self._write(lease, lease.etag)
                except ConditionError:
                    found = self._objects.get(self._names.lease(lease.key))
                    body = None if found is None else read(found.body)
                    if found is None or body is None or body.token != lease.token:
                        return False
                    lease.etag = found.etag  # an attempt of ours has written it
                else:
                    return True
            return False

    def _is_overdue(self, lease: S3Lease) -> bool:
        """Whether its time is over: another may have taken it, and may be done by now."""
        return ticks() - lease.renewed >= self._seconds

    def release(self, lease: S3Lease) -> None:
        """End one, unless it has a successor."""
        with lease.lock:
            if lease.released:
                return
            try:
                self._write_released(lease)
            except BaseException:
                lease.etag = None  # it may have been written
                raise
            lease.released = True
            if self.held.get(lease.key) is lease:
                self.held.pop(lease.key, None)

    def _write_released(self, lease: S3Lease) -> None:
        name, match, attempts = self._names.lease(lease.key), lease.etag, self._attempts(lease.key)
        free = json.dumps({"token": "", "was": lease.token, "holder": "", "seconds": 0, "beat": 0})
        while True:
            if match is None:
                found = self._objects.get(name)
                body = None if found is None else read(found.body)
                if found is None or body is None or body.token not in lease.tokens:
                    return
                match = found.etag
            next(attempts)
            try:
                self._objects.put(name, free.encode(), match)
            except ConditionError:
                match = None
            else:
                return

    def end(self, key: str) -> None:
        """Release what this process holds of a key, or may hold, since its row was put.

        Where that fails, the holder is told as it releases the lease itself.
        """
        lease = self.held_for(key)
        if lease is not None:
            with suppress(Exception):
                self.release(lease)

    def held_for(self, key: str) -> S3Lease | None:
        """The lease of a key that this process holds, or may hold."""
        lease = self.held.get(key)
        return lease if lease is not None and lease.is_ours else None

    def _attempts(self, key: str) -> Iterator[None]:
        return tries(self._objects.timeout, f"the lease of {key:.80}")

    def _who(self) -> str:
        import socket  # botocore has imported it

        if not self._holder.startswith(f"process {os.getpid()} "):
            self._holder = f"process {os.getpid()} on {socket.gethostname()}"
        return self._holder

    # ------------------------------------------------------------------------ those of others

    def leased(self, keys: Collection[str]) -> set[str]:
        """Which of these keys are leased now."""
        keys = list(keys)
        if not keys or self._objects.honours is False:
            return set()
        bodies = side_by_side(self._held_by, keys)
        return {key for key, body in zip(keys, bodies, strict=True) if body is not None}

    def holder(self, key: str) -> str:
        """The process that holds the lease of a key, for people."""
        body = self._held_by(key)
        return "" if body is None else body.holder

    def _held_by(self, key: str) -> Body | None:
        asked = ticks()
        found = self._objects.get(self._names.lease(key))
        body = None if found is None else read(found.body)
        return body if self._holds(key, found, body, asked) else None

    def _holds(self, key: str, found: Found | None, body: Body | None, asked: float) -> bool:
        """Whether a lease that was read, and asked for at these ticks, keeps others out."""
        if found is None or body is None or not body.token:
            self._seen.pop(key, None)
            return False
        etag, since = self._seen.get(key, ("", asked))
        if etag != found.etag:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen[key] = found.etag, ticks()
        elif asked - since >= body.seconds:
            return False
        age = least_age(found.date, found.modified)
        return age is None or age < body.seconds or not self._clock.is_steady(body.seconds)

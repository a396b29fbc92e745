"""`Objects`: the requests of a metadata store, with conditions, and tried again where that helps.

The ETag of an object is what conditions go by: a `put` may be made to replace exactly what was
read, or nothing. Each request ends within the time-out. What failed on the way is sent again: so a
conditional `put` may meet what it has put itself. Its caller tells that by a nonce in the body.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from beautyspot_s3.clock import ticks
from beautyspot_s3.failures import (
    PAST_THE_END,
    code,
    is_missing,
    is_of_network,
    is_passing,
    is_refused,
    is_unknown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beautyspot_s3.place import Place

FIRST_PAUSE: Final = 0.05
"""Seconds before what failed is sent again; each further time twice as long."""

LONGEST_PAUSE: Final = 1.0

BROKEN: Final = 3
"""How often a request is sent whose connections break."""

ABSENT: Final = ""
"""In the place of an ETag: there must be no such object."""


class Found(NamedTuple):
    """An object that was read.

    Attributes:
        etag: of this content.
        body: its bytes, or those that were asked for.
        size: of all of it, in bytes.
        modified: when it was put, by the server's clock, as Unix time in whole seconds.
        date: the header of that name; "" where the server does not say when it answered.
    """

    etag: str
    body: bytes
    size: int
    modified: float
    date: str


UNCHANGED: Final = Found(ABSENT, b"", 0, 0.0, "")
"""In the place of an object that is still what the caller has."""


class Listed(NamedTuple):
    """An object in a listing; the fields are those of `Found`."""

    name: str
    etag: str
    size: int
    modified: float


class ConditionError(Exception):
    """There is another object than the condition says, or none: look what there is."""


class Clock(Protocol):
    """What is told the time in each answer."""

    def hear(self, date: str, sent: float, received: float) -> None:
        """Note the header `Date` of an answer.

        Args:
            date: as it stands there; "" where it is missing.
            sent, received: when the request was sent and its answer had come, by `ticks`.
        """
        ...


class Objects:
    """The objects of a place.

    Errors are those of boto3 and botocore: who asks translates them.

    Args:
        place: where they are.
        timeout: seconds within which a request has to succeed.
        clock: is told the time in each answer.

    Attributes:
        honours: whether the server heeds conditions; None as long as nobody knows. Where it is
            False, conditions are left out.
    """

    def __init__(self, place: Place, timeout: float, clock: Clock | None = None) -> None:
        self.place: Final = place
        self.timeout: Final = timeout
        self.honours: bool | None = None
        self._clock = clock
        self._bucket: Final = place.bucket

    def get(
        self, name: str, *, unless: str | None = None, first: int | None = None
    ) -> Found | None:
        """An object, or its first bytes; None where there is none.

        Args:
            name: its whole key.
            unless: an ETag: `UNCHANGED` is returned where the object still has it.
            first: at most so many bytes, 1 or more.
        """
        options: dict[str, Any] = {}
        if unless:
            options["IfNoneMatch"] = unless
        if first is not None:
            options["Range"] = f"bytes=0-{first - 1}"
        try:
            return _found(self._asked("get_object", Key=name, **options))
        except Exception as error:
            if is_missing(error):
                return None
            if unless and code(error) in ("304", "NotModified"):
                return UNCHANGED
            if first is not None and code(error) in PAST_THE_END:  # the object is empty
                return self.get(name, unless=unless)
            raise

    def head(self, name: str) -> Found | None:
        """What is known of an object, without its bytes; None where there is none."""
        try:
            return _found(self._asked("head_object", Key=name))
        except Exception as error:
            if is_missing(error):
                return None
            raise

    def put(self, name: str, body: bytes, match: str | None = None) -> str:
        """Put an object; its ETag.

        Args:
            name: its whole key.
            body: its bytes.
            match: the ETag of what it may replace; `ABSENT` where it may replace nothing; None
                where it may replace anything.

        Raises:
            ConditionError: there is something else. It may be this very body: an attempt whose
                answer was lost may have put it.
        """
        condition: dict[str, Any] = {}
        if match is not None and self.honours is not False:
            condition = {"IfMatch": match} if match else {"IfNoneMatch": "*"}

        try:
            etag: str = self._asked("put_object", Key=name, Body=body, **condition)["ETag"]
            return etag
        except Exception as error:
            if condition and (is_refused(error) or is_missing(error)):
                raise ConditionError(name) from error
            if condition and is_unknown(error) and not self.honours:
                self.honours = False
                return self.put(name, body, match)
            raise

    def delete(self, name: str, match: str | None = None) -> None:
        """Remove an object; one that is missing is no error.

        Args:
            name: its whole key.
            match: the ETag of what may be removed; None where it may be anything. Some servers take
                no notice of it.

        Raises:
            ConditionError: there is something else by now.
        """
        condition = {"IfMatch": match} if match and self.honours is not False else {}
        try:
            self._asked("delete_object", Key=name, **condition)
        except Exception as error:
            if condition and is_unknown(error) and not self.honours:
                self._asked("delete_object", Key=name)
            elif condition and is_refused(error):
                raise ConditionError(name) from error
            elif not is_missing(error):
                raise

    def list(self, prefix: str, *, after: str = "", page: int = 1000) -> Iterator[list[Listed]]:
        """All objects whose names begin with `prefix`, by pages, in the order of names.

        Args:
            prefix: with which the names begin.
            after: begin behind this name.
            page: objects a page.
        """
        following: dict[str, Any] = {"StartAfter": after} if after else {}
        while True:
            answer = self._asked("list_objects_v2", Prefix=prefix, MaxKeys=page, **following)
            yield [
                Listed(one["Key"], one["ETag"], one["Size"], one["LastModified"].timestamp())
                for one in answer.get("Contents", ())
            ]
            if not answer.get("IsTruncated") or not answer.get("NextContinuationToken"):
                return
            following = {"ContinuationToken": answer["NextContinuationToken"]}

    def folders(self, prefix: str, *, most: int) -> Sequence[str]:
        """What the first names below `prefix` have up to the next ``/``.

        Args:
            prefix: with which the names begin, up to a ``/``.
            most: how many are asked for.
        """
        answer = self._asked("list_objects_v2", Prefix=prefix, Delimiter="/", MaxKeys=most)
        return [each["Prefix"][len(prefix) : -1] for each in answer.get("CommonPrefixes", ())]

    # --------------------------------------------------------------------------- one request

    def _asked(self, operation: str, **options: Any) -> Any:
        """What a request gives; sent again within the time-out where that may help."""
        ends = time.monotonic() + self.timeout
        attempt = 1
        while True:
            try:
                return self._once(operation, options)
            except Exception as error:
                self.place.forget_after(error)
                pause = _pause(attempt, error)
                if pause is None or time.monotonic() + pause >= ends:
                    raise
            time.sleep(pause)
            attempt += 1

    def _once(self, operation: str, options: dict[str, Any]) -> Any:
        sent = ticks()
        try:
            answer = getattr(self.place.client, operation)(Bucket=self._bucket, **options)
        except Exception as error:
            self._hear(getattr(error, "response", None), sent)
            raise
        self._hear(answer, sent)
        if operation == "get_object":
            with answer["Body"] as body:
                answer["Body"] = body.read()  # raises where the connection ends too early
        return answer

    def _hear(self, answer: Any, sent: float) -> None:
        if self._clock is not None and answer is not None:
            self._clock.hear(_header(answer, "date"), sent, ticks())


def _pause(attempt: int, error: Exception) -> float | None:
    """Seconds until a request is sent again; None where it is not."""
    if not is_passing(error) and not (is_of_network(error) and attempt < BROKEN):
        return None
    longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that those who met do not again


def _header(answer: Any, name: str) -> str:
    try:
        return str(answer["ResponseMetadata"]["HTTPHeaders"].get(name, ""))
    except (TypeError, KeyError, AttributeError):
        return ""


def _found(answer: Any) -> Found:
    whole = _header(answer, "content-range").rpartition("/")[2]
    size = int(whole) if whole.isdigit() else answer["ContentLength"]
    body = answer.get("Body", b"")
    date = _header(answer, "date")
    return Found(answer["ETag"], body, size, answer["LastModified"].timestamp(), date)

"""`S3MetadataStore`: the metadata store that needs nothing but a bucket.

It is a `KeyValueStore` whose operations are one request each, with conditions by ETags; what it
keeps under which name is told there. All names lie below ``<prefix>/store/<namespace>/``.
"""

from __future__ import annotations

import json
import re
import time
from functools import partial
from os import urandom
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from beautyspot.contracts import KeyValueStore, checked
from beautyspot.errors import ConfigError, MetadataBusyError, MetadataError, SchemaError

from beautyspot_s3.bucket import Bucket, answer_of, code, options_of
from beautyspot_s3.clock import ERROR, clock_of, ticks
from beautyspot_s3.several import side_by_side
from beautyspot_s3.storage import S3Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta

    from beautyspot import Finding
    from beautyspot.contracts import Context
    from mypy_boto3_s3.client import S3Client

    from beautyspot_s3.bucket import AddressingStyle

T = TypeVar("T")
R = TypeVar("R")

FORM: Final = 1
"""The number of the form in which this release keeps a store."""

ROW: Final = 2**30
"""Bytes of data, at most, that a row may be allowed to hold: it is sent in one request."""

LONGEST: Final = 200
"""Characters of a namespace in a name: some servers keep objects as files."""

_OTHERS: Final = '"00000000000000000000000000000000"'
"""An ETag that no object has."""

_NO_CONDITIONS: Final = "its server takes no notice of conditional writes (If-None-Match, If-Match)"
_WITHOUT_THEM: Final = (
    "use a server that knows them, such as AWS S3 or a newer release of yours; or keep results in "
    "another store, and only large ones there, by storage="
)


class S3MetadataStore(KeyValueStore):
    """A metadata store in a bucket of AWS S3, MinIO, SeaweedFS and their like.

    The server has to heed the conditions of writes. Where it does not heed those of removals, what
    is removed leaves an empty object in its place.

    Args:
        bucket_name, prefix, endpoint_url, region_name, profile_name: where it is, as for
            `S3Storage`.
        aws_access_key_id, aws_secret_access_key, aws_session_token, addressing_style: how it is
            reached, likewise.
        namespace: what keeps the results of one team, or one program, apart from those of others;
            by default the name of the Spot.
        lease_time: for how long a lease holds when its process no longer renews it: seconds, or a
            text such as ``"1 min"``. The server's clock tells whole seconds: give some at least.
        largest_data: of data that a row may hold, in bytes or as "4 MiB"; larger results go to the
            storage.
        demands_signing: whether a Spot without a `signing_key` is refused. True is kept in the
            bucket: each instance that opens the store later has it too, whatever it was given.
        timeout: seconds within which a request has to succeed, in three attempts.
        client: a boto3 S3 client to use as it is; see `S3Storage`.

    Raises:
        ConfigError: an option is not what it has to be, or options contradict each other.
    """

    name: ClassVar[str] = "s3"
    schemes: ClassVar[tuple[str, ...]] = ("s3",)
    remote = True
    most_leases = 1000  # of which the last one is told before the first one is to be renewed
    clock_error = ERROR

    def __init__(
        self,
        bucket_name: str,
        prefix: str = "",
        *,
        namespace: str = "beautyspot",
        lease_time: float | str | timedelta = 30.0,
        largest_data: int | str = 16 * 2**20,
        demands_signing: bool = False,
        timeout: float | str | timedelta = 10.0,
        endpoint_url: str | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        addressing_style: AddressingStyle = "auto",
        client: S3Client | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "endpoint_url": endpoint_url,
            "region_name": region_name,
            "profile_name": profile_name,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "addressing_style": addressing_style,
            "client": client,
        }
        self.lease_time = checked.lease_time(lease_time)
        self.largest_data = checked.size("largest_data", largest_data, most=ROW)
        self.demands_signing = checked.switch("demands_signing", demands_signing)
        self.patience = limit = checked.duration("timeout", timeout, least=0.1)
        self._bucket: Final = Bucket(
            bucket_name,
            prefix,
            options,
            timeout=limit,
            failed=MetadataError,
            busy=MetadataBusyError,
        )
        if self._bucket.name.endswith("--x-s3"):
            raise ConfigError(
                f"bucket_name={bucket_name!r} is a directory bucket, which lists its objects in no "
                "order: give a general purpose bucket"
            )
        self._namespace = checked.name("namespace", namespace)
        self._stores = f"{self._bucket.folder}store/"
        self._root: Final = f"{self._stores}{_segment(namespace)}/"
        self._place: Final = f"the store s3://{bucket_name}/{self._root}"
        self._clock = clock_of(f"{client.meta.endpoint_url if client else endpoint_url}")
        self._closed = False
        self._about: dict[str, Any] = {}  # what the object `id` says
        self._removes: bool | None = None  # whether the server heeds conditions of removals
        self._storage = partial(S3Storage, bucket_name, prefix, **options)
        own: dict[str, Any] = {
            "namespace": namespace,
            "lease_time": lease_time,
            "largest_data": largest_data,
            "demands_signing": demands_signing,
            "timeout": timeout,
        }
        self._made_by = partial(type(self), bucket_name, prefix, **own, **options)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name, as the namespace."""
        return {"namespace": context.name}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Read ``s3://bucket/prefix`` (percent-encoded where need be)."""
        return options_of(url, "a metadata store in S3")

    def own_storage(self) -> S3Storage:
        """A storage at the same place; see the base class."""
        return self._storage()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._bucket.root} {self._namespace!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """It is made again where its pickle arrives, with what boto3 finds there.

        No secret travels: pickles lie in queues, and in the memory of schedulers.

        Raises:
            TypeError: it was given a secret, or a client.
        """
        given = self._made_by.keywords
        if given["aws_secret_access_key"] or given["aws_session_token"]:
            raise TypeError(
                "it holds a secret, which does not travel: leave out the credentials, and set them "
                "in the environment or by the role of each process"
            )
        if given["client"] is not None:
            raise TypeError("it was given a client, which does not travel: give options instead")
        return self._made_by, ()

    # ------------------------------------------------------------------------------ the store

    def open(self, *, look: bool = False) -> None:
        """Read the object `id`, and write it where it is not there, was cut, or demands less.

        Raises:
            SchemaError: a newer release wrote what this one can't read.
        """
        self.looks = look
        tries = self._tries("id")
        while True:
            next(tries)
            found = self.read("id")
            said = {} if found is None else _said(found[0])
            if said.get("form", FORM) > FORM:
                raise SchemaError(
                    f"{self._place} has the form {said['form']} of a later release: upgrade "
                    "beautyspot-s3"
                )
            demands = bool(self.demands_signing or said.get("demands_signing"))
            about = {"form": FORM, "id": urandom(16).hex(), **said, "demands_signing": demands}
            self._about = said if look else about
            if look or about == said or self.write("id", _bytes(about), found and found[1]):
                self.demands_signing = demands
                return

    @property
    def store_id(self) -> str:
        """Random, 32 hex digits."""
        if not self._about:
            self.open(look=self.looks)
        if not self._about:
            _, answer = self._ask("list_objects_v2", Prefix=self._stores, Delimiter="/")
            there = [one["Prefix"] for one in answer.get("CommonPrefixes", ())]
            raise MetadataError(
                f"{self._place} has no ID yet: a Spot that uses it gives it one; or give the name "
                f"of one of those that are there: {', '.join(there) or 'none'}"
            )
        return str(self._about["id"])

    def now(self) -> float:
        """The server's clock, by the dates of its answers; this machine's where they have none."""
        if not self._clock.heard:
            self._ask("head_object", 403, 404, Key=f"{self._root}id")
        told = self._clock.now()
        return time.time() if told is None else told

    def each(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Side by side; see the base class."""
        return side_by_side(work, items)

    def examine(self) -> Iterator[Finding]:
        """Conditions, versions, rules of the bucket; see the base class."""
        from beautyspot_s3.examination import examined  # rarely asked for

        return examined(self._ask, self._check_conditions, self._root)

    def close(self) -> None:
        """Close its connections; nothing can be asked after that."""
        self._closed = True
        self._bucket.close()

    # --------------------------------------------------------------------- the four operations

    def read(self, name: str) -> tuple[bytes, str] | None:
        """One GET."""
        return self._got(name)

    def _got(self, name: str, **options: Any) -> tuple[bytes, str] | None:
        status, answer = self._ask("get_object", 404, 416, Key=self._root + name, **options)
        if status == 416:  # an empty object has no part
            return self._got(name)
        return None if status == 404 else (answer["Body"], answer["ETag"])

    def read_head(self, name: str, size: int) -> tuple[bytes, str] | None:
        """One GET of the first bytes."""
        return self._got(name, Range=f"bytes=0-{size - 1}")

    def write(self, name: str, data: bytes, expected: str | None) -> str | None:
        """One PUT with a condition, and a GET where the answer to one before was lost."""
        whole = self._root + name
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        passing = (404, 409, 412, 501)
        status, answer = self._ask("put_object", *passing, Key=whole, Body=data, **condition)
        if status == 501:
            raise self._bucket.refused(self._place, _NO_CONDITIONS, _WITHOUT_THEM)
        if status < 300:
            return str(answer["ETag"])
        was_repeated = answer["ResponseMetadata"].get("RetryAttempts")
        found = self.read(name) if was_repeated else None  # as an attempt before may have left it
        return found[1] if found is not None and found[0] == data else None

    def remove(self, name: str, expected: str) -> bool:
        """One DELETE with a condition; where the server does not heed that, a PUT of nothing."""
        if not self._removes:
            return self.write(name, b"", expected) is not None
        passing = (404, 409, 412)
        status, _ = self._ask("delete_object", *passing, Key=self._root + name, IfMatch=expected)
        return status < 300

    def names(self, prefix: str, after: str, limit: int) -> list[str]:
        """One LIST of up to a thousand, less what is empty; more where nothing else is in it."""
        options = {"Prefix": self._root + prefix, "MaxKeys": min(limit, 1000)}
        following = {"StartAfter": self._root + after}
        while True:
            _, answer = self._ask("list_objects_v2", **options, **following)
            there = [one["Key"] for one in answer.get("Contents", ()) if one["Size"]]
            if there or not answer.get("IsTruncated"):
                return [key[len(self._root) :] for key in there]
            following = {"ContinuationToken": answer["NextContinuationToken"]}

    # ------------------------------------------------------------------------------- conditions

    def _check_may_change(self) -> None:
        """The first time, ask for conditions as well; who only reads needs none."""
        super()._check_may_change()
        if self._removes is None:
            self._removes = self._check_conditions()

    def _check_conditions(self) -> bool:
        """Whether the server heeds conditions of removals.

        Raises:
            MetadataError: it does not heed those of writes.
        """
        self.store_id  # noqa: B018 - which sees to it that there is an object
        about = _bytes(self._about)
        if self.write("id", about, None) and self.write("id", about, None):
            raise self._bucket.refused(self._place, _NO_CONDITIONS, _WITHOUT_THEM)
        probe = f"{self._root}probe"
        for _ in range(2):
            status, _ = self._ask("delete_object", 403, 404, 412, 501, Key=probe, IfMatch=_OTHERS)
            if status != 404:
                return status == 412
            self._ask("put_object", Key=probe, Body=b"tells whether conditions are heeded")
        return False

    def _ask(self, operation: str, *passing: int, **options: Any) -> tuple[int, Any]:
        """The status of a request and what it gives; of an error only where `passing` has it."""
        if self._closed:
            raise MetadataError("the store is closed: make a new one")
        sent, answer = ticks(), dict[str, Any]()
        with self._bucket.asked(self._place) as client:
            try:
                answer = getattr(client, operation)(Bucket=self._bucket.name, **options)
                if operation == "get_object":
                    with answer["Body"] as body:
                        answer["Body"] = body.read()  # raises where the connection ends too early
            except Exception as error:
                answer = answer_of(error)
                if _status(answer) not in passing or code(error) == "NoSuchBucket":
                    raise
            finally:
                headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
                self._clock.hear(headers.get("date", ""), sent, ticks())
        return _status(answer), answer


def _status(answer: dict[str, Any]) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _segment(namespace: str) -> str:
    """A namespace as a part of a path: what not every server takes is escaped byte by byte."""
    name = re.sub(
        r"[^0-9A-Za-z_.-]|^\.|\.(?=\.|\Z)",
        lambda found: "".join(f"~{byte:02x}" for byte in found[0].encode("utf-8", "surrogatepass")),
        namespace,
    )
    if len(name) > LONGEST:
        raise ConfigError(f"namespace={namespace!r:.80} is too long: give a shorter one")
    return name


def _bytes(about: dict[str, Any]) -> bytes:
    return json.dumps(about).encode()


def _said(data: bytes) -> dict[str, Any]:
    """What the object `id` says; nothing where it was cut, or is none of ours."""
    try:
        said = json.loads(data)
        sound = re.fullmatch("[0-9a-f]{8,64}", said["id"]) and type(said["form"]) is int
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return said if sound else {}

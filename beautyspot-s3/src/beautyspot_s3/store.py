"""`S3MetadataStore`: the metadata store that needs nothing but a bucket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import checked
from beautyspot.errors import MetadataError

from beautyspot_s3 import counts as counted
from beautyspot_s3.connection import Patience
from beautyspot_s3.leasing import S3Leasing
from beautyspot_s3.looking import LookingStore
from beautyspot_s3.names import Names
from beautyspot_s3.place import Place, options_of
from beautyspot_s3.reading import CLOSED
from beautyspot_s3.remade import Remade, remembered
from beautyspot_s3.several import side_by_side
from beautyspot_s3.storage import S3Storage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from beautyspot.contracts import (
        Context,
        Counts,
        Invalidation,
        MetadataStoreBase,
        TaskRecord,
    )
    from mypy_boto3_s3.client import S3Client

    from beautyspot_s3.connection import AddressingStyle


ROW: Final = 2**30
"""Bytes of data, at most, that a row may be allowed to hold: it is sent in one request."""


class S3MetadataStore(S3Leasing, Remade):
    """A metadata store in a bucket of AWS S3, MinIO, SeaweedFS and their like.

    Args:
        bucket_name, prefix, endpoint_url, region_name, profile_name: where it is, as for
            `S3Storage`.
        aws_access_key_id, aws_secret_access_key, aws_session_token, addressing_style: how it is
            reached, likewise.
        namespace: what keeps the results of one team, or one program, apart from those of others;
            by default the name of the Spot.
        lease_time: for how long a lease holds when its process no longer renews it: seconds, or a
            text such as ``"1 min"``.
        largest_data: of data that a row may hold, in bytes or as "4 MiB"; larger results go to the
            storage.
        demands_signing: whether a Spot without a `signing_key` is refused. True is kept in the
            bucket: each instance that opens the store later has it too, whatever it was given.
        timeout: seconds within which a request has to succeed.
        client: a boto3 S3 client to use as it is; see `S3Storage`.

    Raises:
        ConfigError: an option is not what it has to be, or options contradict each other.
    """

    schemes: ClassVar[tuple[str, ...]] = ("s3",)
    invalidations: ClassVar[bool] = True

    @remembered
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
        limit = checked.duration("timeout", timeout, least=0.1)
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
        self._own_storage = partial(S3Storage, bucket_name, prefix, **options)
        patience = Patience(limit, limit, 1)
        self._again = partial(Place, bucket_name, prefix, **options, patience=patience)
        place = self._again()
        names = Names(place.folder, checked.name("namespace", namespace))
        super().__init__(place, names, limit, checked.duration("lease_time", lease_time, least=0.1))
        self.largest_data = checked.size("largest_data", largest_data, most=ROW)
        self.demands_signing = checked.switch("demands_signing", demands_signing)
        self._adding = counted.Adding(self._objects, names)

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
        return self._own_storage()

    # ------------------------------------------------------------------------------ the store

    def open(self) -> None:
        """Reach the bucket, and make there what is not there yet; see the base class.

        Raises:
            SchemaError: a newer release wrote what this one can't read.
        """
        if self._closed:
            raise MetadataError(CLOSED)
        make = partial(self._meta.make, demands_signing=self.demands_signing)
        self.demands_signing = self._translated(make).demands_signing
        self._is_open = True

    @property
    def store_id(self) -> str:
        """Random, 16 hex digits."""
        return self._asked(lambda: self._meta.store_id)

    def for_looking(self) -> MetadataStoreBase:
        """One that changes nothing; see the base class."""
        return LookingStore(self._again(), self._names, self._objects.timeout)

    # ----------------------------------------------------------------------------- what changes

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        self._asked(lambda: self._putter.put(record))

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """Side by side; each of them is put or not: there is no transaction."""
        self._asked(lambda: side_by_side(self._putter.put, records))

    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """Put it in exchange for what was there as its call began; see the base class."""
        return self._asked(lambda: self._putter.put_valid(record, since))

    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        """The same for many, side by side; see the base class."""
        given = list(rows)
        return self._asked(lambda: self._putter.put_many_valid(given))

    def delete(self, key: str) -> bool:
        """Leave a tombstone in its place; see the base class."""
        recent = self._recent.pop(key, None)  # core looks at what it removes
        etag = None if recent is None else recent.etag
        return self._asked(lambda: self._putter.delete(key, etag))

    def touch(self, used: Mapping[str, float]) -> None:
        """Write an object beside the rows; see the base class."""
        self._asked(lambda: self._uses.add(used))

    def add_counts(self, counts: Iterable[Counts]) -> None:
        """In one object of the hour; see the base class."""
        added = list(counts)
        if added:
            self._asked(lambda: self._adding.add(added))

    def remark(self, remarks: Mapping[str, str]) -> None:
        """In what the store says of itself; see the base class."""
        self._asked(lambda: self._meta.remark(remarks))

    def sweep(self, older_than: float, *, dry_run: bool = False) -> int:
        """Remove tombstones and leases, merge last uses and counts; see the base class.

        What is younger than a day stays in any case.
        """
        return self._asked(lambda: self._sweep(older_than, dry_run=dry_run))

    def _sweep(self, older_than: float, *, dry_run: bool) -> int:
        from beautyspot_s3.sweeping import AGE, Sweeper  # rarely asked for

        before = self.now() - max(older_than, AGE)
        sweeper = Sweeper(self._objects, self._names, self._uses, before, dry_run=dry_run)
        return sweeper.sweep(self.try_lease)

    # ------------------------------------------------------------------------ what was invalidated

    def note_invalidation(self, what: Invalidation) -> None:
        """Write it into the object `meta`; see the base class."""
        self._asked(lambda: self._meta.note(what))
        if what.cache_key is not None:
            self._putter.note(what.cache_key)

    def generation(self) -> int:
        """The number of the last one; see the base class."""
        return self._asked(self._meta.now).generation

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """See the base class."""
        return self._asked(self._meta.now).since(generation)

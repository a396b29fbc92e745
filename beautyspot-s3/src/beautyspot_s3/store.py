"""`S3MetadataStore`: the metadata store that needs nothing but a bucket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts import MetadataStoreBase
from beautyspot.errors import NotSupportedError

from beautyspot_s3 import checked
from beautyspot_s3.connection import Patience
from beautyspot_s3.names import Names
from beautyspot_s3.objects import Objects
from beautyspot_s3.place import Place, options_of
from beautyspot_s3.remade import Remade, remembered
from beautyspot_s3.storage import S3Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from beautyspot.contracts import Context, TaskRecord
    from mypy_boto3_s3.client import S3Client

    from beautyspot_s3.connection import AddressingStyle


class S3MetadataStore(MetadataStoreBase, Remade):
    """A metadata store in a bucket of AWS S3, MinIO, SeaweedFS and their like.

    Args:
        bucket_name, prefix, endpoint_url, region_name, profile_name, aws_access_key_id,
            aws_secret_access_key, aws_session_token, addressing_style: where it is, and how it is
            reached, as for `S3Storage`.
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

    name: ClassVar[str] = "s3"
    schemes: ClassVar[tuple[str, ...]] = ("s3",)
    blocking = True
    keeps_deadlines = True
    remote = True

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
        self._place = Place(bucket_name, prefix, **options, patience=Patience(limit, limit, 1))
        self._objects = Objects(self._place, limit)
        self._names = Names(self._place.folder, checked.name("namespace", namespace))
        self.lease_time = checked.lease_time(lease_time)
        self.largest_data = checked.size("largest_data", largest_data)
        self.demands_signing = checked.switch("demands_signing", demands_signing)

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

    @property
    def store_id(self) -> str:
        """Random, 16 hex digits."""
        raise NotSupportedError

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        raise NotSupportedError

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        raise NotSupportedError

    def delete(self, key: str) -> bool:
        """See the base class."""
        raise NotSupportedError

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """See the base class."""
        raise NotSupportedError

    def close(self) -> None:
        """Close its connections."""
        self._place.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._place.root} {self._names.namespace!r}>"

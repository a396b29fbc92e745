"""`S3Storage`: blobs as objects in a bucket of AWS S3, MinIO, SeaweedFS and their like.

A blob's location is its URI, ``s3://bucket/prefix/key``. Atomicity is S3's own: an object shows
only once all of it has arrived, and a reader gets the old one or the new one
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import NO_KEY, BlobInfo, BlobStorageBase, checked_key
from beautyspot.errors import BlobLocationError, BlobNotFound

from beautyspot_s3.bucket import MISSING, Bucket, code, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts import Data, Readable
    from mypy_boto3_s3.client import S3Client

    from beautyspot_s3.bucket import AddressingStyle

LONGEST: Final = 1024
"""Bytes of a whole key, prefix included: the limit of S3."""

MULTIPART_FROM: Final = 100 * 2**20
"""Bytes from which a blob is sent in parts: where AWS advises it, for the sake of several
connections and cheaper retries. Below, one request is faster: 64 MiB to SeaweedFS take two thirds.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

PART: Final = 16 * 2**20
"""Bytes of each part of a file that is sent; S3 takes 10,000 parts."""

PARTS_AT_ONCE: Final = 4


class S3Storage(BlobStorageBase):
    """Stores each blob in an object of its own, under `prefix` in the bucket `bucket_name`.

    Credentials are found as boto3 finds them (environment, ``~/.aws``, container, instance role)
    unless given here. boto3 is imported and its client made when the first blob is saved or loaded.
    The client gives up a connection after 5 s and a silent server after 60 s, and makes three
    attempts in all; for other settings give `client`.

    Args:
        bucket_name: the bucket, which must exist, or the ARN of an access point.
        prefix: a folder in the bucket; ``"app"`` never touches what is in ``"app2"``.
        endpoint_url: the server, if it is not AWS: ``"http://localhost:9000"``.
        region_name: the bucket's region.
        profile_name: a profile of ``~/.aws/config``.
        aws_access_key_id: with its secret, in place of the usual chain.
        aws_secret_access_key: the secret.
        aws_session_token: for temporary credentials.
        addressing_style: ``"path"``, ``"virtual"``, or ``"auto"``: path with an `endpoint_url`.
        client: a boto3 S3 client to use as it is, in place of all options before it. It is not
            closed. A forked child shares its connections: give no client if processes fork after
            its first use.

    Raises:
        ConfigError: an option is malformed. Whether bucket and credentials are good shows later.
    """

    name: ClassVar[str] = "s3"
    schemes: ClassVar[tuple[str, ...]] = ("s3",)
    remote = True

    def __init__(
        self,
        bucket_name: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        addressing_style: AddressingStyle = "auto",
        client: S3Client | None = None,
    ) -> None:
        options = {
            "endpoint_url": endpoint_url,
            "region_name": region_name,
            "profile_name": profile_name,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "addressing_style": addressing_style,
            "client": client,
        }
        self._bucket: Final = Bucket(bucket_name, prefix, options)
        self._endpoint_url: Final = endpoint_url
        self.bucket_name: Final = self._bucket.name
        self.prefix: Final = self._bucket.prefix
        self._folder: Final = self._bucket.folder
        self._root: Final = self._bucket.root

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Read ``s3://bucket/prefix`` (percent-encoded where need be)."""
        return options_of(url, "an S3 storage")

    # ------------------------------------------------------------------------------- one blob

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """Store `data` as the object `key` under the prefix, with `content_type`; return its URI.

        Raises:
            BlobLocationError: the key is no relative path, or too long for S3.
            StorageError: no such bucket, no permission, no connection, …; says what to do.
        """
        whole = self._folder + self._checked(key)
        # boto3 takes no memoryview, but a bytearray, of which its stubs do not know.
        content: Any = bytes(data) if isinstance(data, memoryview) else data
        described: Any = _described(content_type)
        with self._asked("save", self._root + key) as client:
            if len(content) < MULTIPART_FROM:
                client.put_object(Bucket=self.bucket_name, Key=whole, Body=content, **described)
            else:
                source = BytesIO(content)
                client.upload_fileobj(source, self.bucket_name, whole, ExtraArgs=described)
        return self._root + key

    def save_file(self, key: str, file: Readable, *, content_type: str | None = None) -> str:
        """As `save`, from a file that is sent in parts of 16 MiB, some at a time: up to 156 GiB.

        Raises:
            BlobLocationError, StorageError: as by `save`.
        """
        from boto3.s3.transfer import TransferConfig

        whole = self._folder + self._checked(key)
        parts = TransferConfig(PART, max_concurrency=PARTS_AT_ONCE, multipart_chunksize=PART)
        described = _described(content_type)
        with self._asked("save", self._root + key) as client:
            source: Any = _Once(file)
            client.upload_fileobj(
                source, self.bucket_name, whole, ExtraArgs=described, Config=parts
            )
        return self._root + key

    def load(self, location: str) -> bytes:
        """The bytes of the object at `location`, a URI that `save` returned.

        Raises:
            BlobNotFound: no object is there.
            BlobLocationError: the URI is of another bucket or prefix, or is none.
            StorageError: no such bucket, no permission, no connection, …; says what to do.
        """
        whole = self._whole_key(location)
        with self._asked("load", location) as client:
            found = client.get_object(Bucket=self.bucket_name, Key=whole)
            with found["Body"] as body:
                return body.read()  # raises where the connection ends too early

    def load_part(self, location: str, start: int, size: int) -> bytes:
        """See the base class; asks for this range alone.

        Raises:
            BlobNotFound, BlobLocationError, StorageError: as by `load`.
        """
        whole = self._whole_key(location)
        span = f"bytes={start}-{start + max(size, 1) - 1}"
        with self._asked("load", location) as client:
            try:
                found = client.get_object(Bucket=self.bucket_name, Key=whole, Range=span)
            except client.exceptions.ClientError as error:
                if code(error) in ("InvalidRange", "416"):  # the blob ends before
                    return b""
                raise
            with found["Body"] as body:
                return body.read()[:size]

    def delete(self, location: str) -> None:
        """Remove the object at `location`.

        Raises:
            BlobLocationError: the URI is of another bucket or prefix, or is none.
            StorageError: no such bucket, no permission, no connection, …; says what to do.
        """
        whole = self._whole_key(location)
        try:
            with self._asked("delete", location) as client:
                client.delete_object(Bucket=self.bucket_name, Key=whole)
        except BlobNotFound:  # AWS does not mind, but some servers do
            return

    # ---------------------------------------------------------------------------- many blobs

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """All blobs whose key starts with `prefix`, a thousand a request, in the server's order.

        Objects whose key none of ours can have, such as ``folder/``, are passed over.

        Raises:
            BlobLocationError: the prefix leads out of this storage's own.
            StorageError: no such bucket, no permission, no connection, …; says what to do.
        """
        if prefix:
            self._checked(prefix.removesuffix("/"))
        with self._asked("list", self._root + prefix) as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=self._folder + prefix
            )
            for page in pages:
                found: Any  # the stubs take every key for optional
                for found in page.get("Contents", ()):
                    key = found["Key"][len(self._folder) :]
                    if not re.search(NO_KEY, key):
                        modified = found["LastModified"].timestamp()
                        yield BlobInfo(self._root + key, found["Size"], modified)

    def sweep(self, older_than: float = 86400.0, prefix: str = "", *, dry_run: bool = False) -> int:
        """Abort uploads in parts that were never finished, and return how many that was.

        Their parts take space that is paid for, and no listing of blobs shows them.

        Args:
            older_than: seconds; leave younger ones alone, since they may be under way.
            prefix: look only below this, such as ``"9f2c41d8/"``.
            dry_run: True counts them only.

        Raises:
            BlobLocationError: the prefix leads out of this storage's own.
            StorageError: no such bucket, no permission, no connection, …; says what to do.
        """
        if prefix:
            self._checked(prefix.removesuffix("/"))
        removed, oldest = 0, time.time() - older_than
        with self._asked("sweep", self._root + prefix) as client:
            pages = client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=self._folder + prefix):
                upload: Any  # as above
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"].timestamp() > oldest:
                        continue
                    removed += 1
                    if not dry_run:
                        client.abort_multipart_upload(
                            Bucket=self.bucket_name, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
        return removed

    def close(self) -> None:
        """Close the connections of a client made here; one that was given stays open."""
        self._bucket.close()

    def __beautyspot_key__(self) -> tuple[str, str | None]:
        """Which place it is, for the key of a call that takes it: credentials change no result."""
        return self._root, self._endpoint_url

    # ------------------------------------------------------------------------------- helpers

    @contextmanager
    def _asked(self, action: str, place: str) -> Iterator[S3Client]:
        """The client, whose errors leave as ours."""
        with self._bucket.asked(f"to {action} {place:.300}") as client:
            try:
                yield client
            except Exception as error:
                if code(error) in MISSING:
                    raise BlobNotFound(f"no blob at {place:.300}: make it again") from error
                raise

    def _whole_key(self, location: str) -> str:
        """The object's key of a location, which may be hostile."""
        if not isinstance(location, str) or not location.startswith(self._root):
            raise BlobLocationError(
                f"{location!r:.300} is no blob of {self._root}: use the storage that saved it"
            )
        return self._folder + self._checked(location[len(self._root) :])

    def _checked(self, key: str) -> str:
        checked_key(key, self._root)
        if len((self._folder + key).encode()) > LONGEST:
            raise BlobLocationError(
                f"{key!r:.80}… is too long for S3: use at most {LONGEST} bytes, with the prefix"
            )
        return key


def _described(content_type: str | None) -> dict[str, Any]:
    """What boto3 is to say of an object."""
    return {"ContentType": content_type or "application/octet-stream"}


class _Once:
    """A file of which boto3 sees `read` alone: it would read another twice, to try again.

    To boto3 the file ends where it gets fewer bytes than it asks for.
    """

    def __init__(self, file: Readable) -> None:
        self._file = file

    def read(self, size: int = PART) -> bytes:
        """The next `size` bytes, fewer at the end; without a size what is left after that: none."""
        parts = [self._file.read(size)]
        while parts[-1] and (left := size - sum(map(len, parts))):
            parts.append(self._file.read(left))
        return b"".join(parts)  # of one, that itself

"""S3 for beautyspot: a storage and a metadata store in AWS S3, MinIO and their like.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and says where its classes are; one is imported when it is asked for, and boto3 with
the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import hookimpl, later

if TYPE_CHECKING:
    from beautyspot_s3.storage import S3Storage
    from beautyspot_s3.store import S3MetadataStore

__all__ = ["S3MetadataStore", "S3Storage"]

__getattr__, __dir__ = later(__name__, {"S3MetadataStore": "store", "S3Storage": "storage"})


@hookimpl
def beautyspot_register_metadata() -> dict[str, str]:
    """The metadata store `s3`."""
    return {"s3": "beautyspot_s3.store:S3MetadataStore"}


@hookimpl
def beautyspot_register_storage() -> dict[str, str]:
    """The blob storage `s3`."""
    return {"s3": "beautyspot_s3.storage:S3Storage"}

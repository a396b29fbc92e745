"""S3 for beautyspot: a storage and a metadata store in AWS S3, MinIO and their like.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and states what its classes are called; one is imported when it is asked for, and boto3
with the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_s3.storage import S3Storage
    from beautyspot_s3.store import S3MetadataStore

__all__ = ["S3MetadataStore", "S3Storage"]

beautyspot_api = 1

beautyspot_offers = {"metadata": ["s3"], "storage": ["s3"]}


@hookimpl
def beautyspot_register_metadata() -> type[S3MetadataStore]:
    """The metadata store `s3`."""
    from beautyspot_s3.store import S3MetadataStore

    return S3MetadataStore


@hookimpl
def beautyspot_register_storage() -> type[S3Storage]:
    """The blob storage `s3`."""
    from beautyspot_s3.storage import S3Storage

    return S3Storage


def __getattr__(name: str) -> Any:
    """Import a class when it is first used (PEP 562)."""
    if name == "S3Storage":
        globals()[name] = beautyspot_register_storage()
    elif name == "S3MetadataStore":
        globals()[name] = beautyspot_register_metadata()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

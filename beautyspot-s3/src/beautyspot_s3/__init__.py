"""S3 storage of beautyspot: results as objects in AWS S3, MinIO and their like.

The module is a plug-in, which core imports when a `Spot` is made. So it imports nothing but the
hook marker, and states what its class is called; that is imported when it is asked for,
and boto3 with the first blob.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.hookspecs import hookimpl

if TYPE_CHECKING:
    from beautyspot_s3.storage import S3Storage

__all__ = ["S3Storage"]

beautyspot_api = 1

beautyspot_offers = {"storage": ["s3"]}


@hookimpl
def beautyspot_register_storage() -> type[S3Storage]:
    """The blob storage `s3`."""
    from beautyspot_s3.storage import S3Storage

    return S3Storage


def __getattr__(name: str) -> Any:
    """Import `S3Storage` when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from beautyspot_s3.storage import S3Storage

    globals()[name] = S3Storage
    return S3Storage


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

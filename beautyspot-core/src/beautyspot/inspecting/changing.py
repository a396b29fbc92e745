"""What a store is changed by: the same cache that a Spot stores its results through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.resilience.guarded_backends import GuardedStore, Health, guarded_storage
from beautyspot.resilience.reporting import Reporter
from beautyspot.results.cache import Cache
from beautyspot.results.placement import Placement

if TYPE_CHECKING:
    from beautyspot.contracts import MetadataStoreBase
    from beautyspot.inspecting.backends import Backends


def make_cache(backends: Backends, metadata: MetadataStoreBase) -> Cache:
    """A cache of this metadata store and the storage, which stores nothing by itself."""
    context, config = backends.context, backends.config
    reporter = Reporter(context.name)
    health = Health(reporter)
    placement = Placement(
        GuardedStore(metadata, health),
        guarded_storage(backends.storage, health),
        health,
        reporter,
        context.directory,
        blob_threshold=config["blob_threshold"],
    )
    return Cache(placement, signing_keys=config["signing_key"])

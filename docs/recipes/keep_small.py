"""Keep a cache small: run it by cron, with the folder of the cache behind its name."""

import sys

import beautyspot as bs

place = sys.argv[1] if len(sys.argv) > 1 else ".beautyspot"

for store in bs.open_stores(place):  # each Spot of another name has a store of its own there
    with store:
        store.prune(function="*:thumbnail", older_than="7d")  # one function has a limit of its own
        pruned = store.prune(unused_for="30d", max_size="5 GB")
        orphans = store.collect()
        if pruned.entries or orphans.blobs:
            print(
                f"{store.place}: {pruned.entries} results ({pruned.size / 1e6:.1f} MB) went: "
                f"{pruned.expired} had expired, {pruned.unused} were unused for 30 days, "
                f"{pruned.evicted} were over 5 GB; and {orphans.blobs} blobs without a result"
            )

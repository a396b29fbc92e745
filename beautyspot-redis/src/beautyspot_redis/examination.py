"""What is wrong, or soon will be, with the server: memory, eviction, persistence, replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beautyspot import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.contracts.selection import FindingState

NEARLY: Final = 0.9
"""Part of its memory above which a server that evicts nothing is nearly full."""

_WRITES: Final = ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status")


def of_server(info: bytes, subject: str) -> Iterator[Finding]:
    """What there is to say of a server that holds results, by what INFO gives."""
    parts = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    said = {name: value for name, _, value in parts}
    policy, evicted = said.get("maxmemory_policy", ""), said.get("evicted_keys", "0")
    replicas = said.get("connected_slaves", "0")
    used, most = int(said.get("used_memory", 0)), int(said.get("maxmemory", 0))
    name = "Valkey" if "valkey_version" in said else "Redis"
    server = f"{name} {said.get(f'{name.lower()}_version')}"
    memory = f"{used:,} of {most:,} bytes" if most else f"{used:,} bytes"
    failed = [name for name in _WRITES if said.get(name, "ok") != "ok"]
    keeps = "keeps its content in an append-only file"
    if said.get("aof_enabled") != "1":
        keeps = "forgets at a restart what is in no snapshot (it has no append-only file)"
    is_full = policy == "noeviction" and 0 < most * NEARLY <= used
    found: tuple[tuple[bool, FindingState, str], ...] = (
        (
            *(said.get("role") == "slave", "problem"),
            "the server is a replica, so no result is stored: name its master in the address",
        ),
        (
            *(is_full, "problem" if used >= most else "warning"),
            (
                f"the server is full, or nearly so ({memory}), and takes no results then: raise "
                "maxmemory, set maxmemory-policy to allkeys-lru, or prune"
            ),
        ),
        (
            *(evicted != "0", "warning"),
            (
                f"the server has evicted {evicted} keys since its start, by {policy}: raise "
                "maxmemory if they are made again too often"
            ),
        ),
        (
            *(policy.startswith("volatile-"), "warning"),
            (
                f"maxmemory-policy {policy} evicts leases, and no result that never expires: set "
                "it to allkeys-lru or noeviction"
            ),
        ),
        (
            *(bool(failed), "problem"),
            f"the server could not write its data to disk ({', '.join(failed)}): see its log",
        ),
        (True, "ok", f"{server} answers, uses {memory}, has {replicas} replicas, and {keeps}"),
    )
    for is_so, state, text in found:
        if is_so:
            yield Finding(state, subject, text)

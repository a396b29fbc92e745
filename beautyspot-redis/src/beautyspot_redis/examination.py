"""What is wrong, or soon will be, with the servers: memory, eviction, persistence, replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEARLY: Final = 0.9
"""Part of its memory above which a server that evicts nothing is nearly full."""


def of_servers(clients: Iterable[Any], subject: str) -> Iterator[Finding]:
    """What there is to say of each server that holds keys."""
    for client in clients:
        said = client.info()
        for look in (_of_role, _of_memory, _of_eviction, _of_saving):
            yield from look(said, subject)
        yield Finding("ok", subject, _summary(said, _saves(client, said)))


def of_answers(clients: Iterable[Any], subject: str) -> Iterator[Finding]:
    """That the servers answer, which is all that a limiter needs of them."""
    for client in clients:
        client.ping()
    yield Finding("ok", subject, "its server answers")


def _of_role(said: dict[str, Any], subject: str) -> Iterator[Finding]:
    if said.get("role") == "slave":
        text = "the server is a replica, so no result is stored: name its master in the address"
        yield Finding("problem", subject, text)


def _of_memory(said: dict[str, Any], subject: str) -> Iterator[Finding]:
    used, most = _number(said, "used_memory"), _number(said, "maxmemory")
    if not most or said.get("maxmemory_policy") != "noeviction" or used < most * NEARLY:
        return
    advice = "raise maxmemory, set maxmemory-policy to allkeys-lru, or prune"
    sizes = f"{used:,} of {most:,} bytes"
    if used >= most:
        text = f"the server is full ({sizes}), and takes no results: {advice}"
        yield Finding("problem", subject, text)
    else:
        text = f"the server is nearly full ({sizes}), and will take no results then: {advice}"
        yield Finding("warning", subject, text)


def _of_eviction(said: dict[str, Any], subject: str) -> Iterator[Finding]:
    policy, evicted = str(said.get("maxmemory_policy")), _number(said, "evicted_keys")
    if evicted:
        advice = "raise maxmemory if they are made again too often"
        text = f"the server has evicted {evicted:,} keys since its start, by {policy}: {advice}"
        yield Finding("warning", subject, text)
    if policy.startswith("volatile-"):
        advice = "set it to allkeys-lru or noeviction"
        text = f"maxmemory-policy {policy} evicts leases, and no result that never expires"
        yield Finding("warning", subject, f"{text}: {advice}")


def _of_saving(said: dict[str, Any], subject: str) -> Iterator[Finding]:
    for name in ("rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"):
        if said.get(name, "ok") != "ok":
            text = f"the server could not write its data to disk ({name}): see its log"
            yield Finding("problem", subject, text)


def _saves(client: Any, said: dict[str, Any]) -> str:
    """How the server's content outlives a restart, for people."""
    if _number(said, "aof_enabled"):
        return "keeps its content in an append-only file"
    try:
        points = client.config_get("save").get("save")
    except Exception:  # most users may not ask for that
        return "may forget its content at a restart (no append-only file)"
    return "saves snapshots of its content" if points else "forgets its content at a restart"


def _summary(said: dict[str, Any], saves: str) -> str:
    name = "Valkey" if "valkey_version" in said else "Redis"
    version = said.get("valkey_version") or said.get("redis_version")
    most = _number(said, "maxmemory")
    memory = f"{_number(said, 'used_memory'):,} bytes" + (f" of {most:,}" if most else "")
    replicas = _number(said, "connected_slaves")
    return f"{name} {version} answers, uses {memory}, has {replicas} replicas, and {saves}"


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0

"""One server for all: beautyspot, other caches and limiters, and redis-py with next to nothing.

They are loaded by name: none of them is needed to read or check this file. Where `directory` is
asked for, it is for files; which server it is says `server`.
"""

from __future__ import annotations

from importlib import import_module as load
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import adapter
from benchmarks.adapters.limiters import Acquire, Limiter
from benchmarks.adapters.ours import spot_in
from benchmarks.adapters.references import DATA
from benchmarks.workload import work_async

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workload import Function

OURS = "beautyspot over Redis"
OURS_ASYNC = "beautyspot over Redis (async)"
GET, GET_ASYNC = "redis-py GET", "redis-py GET (async)"
SET = "redis-py SET"
PERMIT = "redis-py EVALSHA, GCRA without waiting"
OURS_PERMIT = "beautyspot, RedisLimiter"


servers: list[str] = []
"""The address of the server that was started, the last one's last."""


def server() -> str:
    """The address of the server."""
    return servers[-1]


def _host_and_port() -> dict[str, Any]:
    host, port = server().removeprefix("redis://").split("/")[0].split(":")
    return {"host": host, "port": int(port)}


# -------------------------------------------------------------------------------------- caches


@adapter(GET, needs="redis")
def get(directory: Path, function: Function) -> Iterator[Function]:
    """One key by its name, and nothing else."""
    del directory, function
    with load("redis").Redis.from_url(server()) as client:
        client.set("bare", DATA)
        yield lambda *_: client.get("bare")


@adapter(SET, needs="redis")
def put(directory: Path, function: Function) -> Iterator[Function]:
    """One key a call."""
    del directory, function
    with load("redis").Redis.from_url(server()) as client:
        yield lambda number, *_: client.set(f"bare {number}", DATA)


@adapter(GET_ASYNC, needs="redis")
def get_async(directory: Path, function: Function) -> Iterator[Function]:
    """The same, awaited; its client is bound to the loop that runs it first.

    Over a hundred at once, it raises an error unless its pool has them wait.
    """
    del directory, function
    library = load("redis.asyncio")
    pool = library.BlockingConnectionPool.from_url(server(), max_connections=100, timeout=None)
    client = library.Redis(connection_pool=pool)
    with load("redis").Redis.from_url(server()) as preparing:
        preparing.set("bare", DATA)

    async def got(*_: Any) -> Any:
        return await client.get("bare")

    yield got


@adapter(OURS, needs="beautyspot-redis")
def ours(directory: Path, function: Function) -> Iterator[Function]:
    """As it comes."""
    with spot_in(directory, metadata=server()) as spot:
        yield spot.mark(function)


@adapter(OURS_ASYNC, needs="beautyspot-redis")
def ours_async(directory: Path, function: Function) -> Iterator[Function]:
    """The same, of the coroutine function."""
    del function
    with spot_in(directory, metadata=server()) as spot:
        yield spot.mark(work_async)


@adapter("dogpile.cache, redis", needs="dogpile.cache")
def dogpile(directory: Path, function: Function) -> Iterator[Function]:
    """Pickle."""
    del directory
    region = load("dogpile.cache").make_region()
    region.configure("dogpile.cache.redis", arguments=_host_and_port())
    yield region.cache_on_arguments()(function)


@adapter("cachier, redis", needs="cachier")
def cachier(directory: Path, function: Function) -> Iterator[Function]:
    """Pickle, in a hash a call."""
    del directory
    client = load("redis").Redis.from_url(server())
    yield load("cachier").cachier(backend="redis", redis_client=client)(function)
    client.close()


@adapter("cashews, redis (async)", needs="cashews")
def cashews(directory: Path, function: Function) -> Iterator[Function]:
    """Pickle."""
    del directory, function
    cache = load("cashews").Cache()
    cache.setup(server())
    yield cache(ttl="1h")(work_async)


@adapter("aiocache, redis (async)", needs="aiocache")
def aiocache(directory: Path, function: Function) -> Iterator[Function]:
    """Pickle."""
    del directory, function
    library = load("aiocache")
    serializer = load("aiocache.serializers").PickleSerializer()
    where: dict[str, Any] = {"endpoint": _host_and_port()["host"], "port": _host_and_port()["port"]}
    yield library.cached(cache=library.Cache.REDIS, serializer=serializer, **where)(work_async)


CACHES = [dogpile, cachier, cashews, aiocache]

# ------------------------------------------------------------------------------------ limiters

_GCRA = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
local tat = math.max(at, tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%.6f', tat + ARGV[1]), 'EX', 60)
return string.format('%.6f', tat - at)
"""


def _bare(rate: int) -> Acquire:
    """The least that keeps a rate between machines; it does not wait."""
    client = load("redis").Redis.from_url(server())
    script = client.register_script(_GCRA)
    return lambda: script(keys=["bare gcra"], args=[1 / rate])


def _ours(rate: int) -> Acquire:
    limiter: Any = load("beautyspot_redis").RedisLimiter(server(), rate=rate, namespace="benchmark")
    acquire: Acquire = limiter.consume
    return acquire


def _throttled(rate: int) -> Acquire:
    library = load("throttled")
    quota, store = library.per_sec(rate), library.RedisStore(server=server())
    limit = library.Throttled(key="key", using="gcra", quota=quota, store=store, timeout=60).limit
    return lambda: limit()


def _limits(rate: int) -> Acquire:
    storage = load("limits.storage").RedisStorage(server())
    hit = load("limits.strategies").MovingWindowRateLimiter(storage).hit
    item = load("limits").RateLimitItemPerSecond(rate)
    return lambda: hit(item, "key")


def _pyrate_limiter(rate: int) -> Acquire:
    library = load("pyrate_limiter")
    client = load("redis").Redis.from_url(server())
    rates = [library.Rate(rate, library.Duration.SECOND)]
    bucket = library.RedisBucket.init(rates, client, "pyrate")
    acquire = library.Limiter(bucket).try_acquire
    return lambda: acquire("key")


LIMITERS = [
    Limiter(PERMIT, _bare, "redis"),
    Limiter(OURS_PERMIT, _ours, "beautyspot-redis"),
    Limiter("throttled-py, GCRA, redis", _throttled, "throttled-py"),
    Limiter("limits, moving window, redis", _limits, "limits"),
    Limiter("pyrate-limiter, redis", _pyrate_limiter, "pyrate-limiter"),
]

"""What was counted: a hash for each hour, a field for each function and number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Counts

from beautyspot_redis import store_scripts
from beautyspot_redis.asking import parts, unless_other_type
from beautyspot_redis.names import key_bytes, key_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot_redis.names import Names
    from beautyspot_redis.server import Server

_NUMBERS: Final = Counts._fields[2:]
_ZEROS: Final = tuple(Counts._field_defaults[name] for name in _NUMBERS)


def add(server: Server, names: Names, counts: Iterable[Counts]) -> None:
    """Add up to some hundreds of counts in one step each time."""
    for part in parts(counts):
        hours = {hour: number for number, hour in enumerate(dict.fromkeys(c.hour for c in part), 2)}
        keys = [names.hours, *map(names.counts, hours)]
        values: list[Any] = []
        for count in part:
            name = key_bytes(count.func_identifier)
            for field, number in enumerate(count[2:]):
                if number or not field:  # what was counted has a field at least
                    values += (hours[count.hour], count.hour, b"%d:%s" % (field, name), number)
        store_scripts.COUNT.run(server.client, keys, *values)


def read(server: Server, names: Names, function: str | None, since: int | None) -> Iterator[Counts]:
    """In the order of functions and hours."""
    client = server.client
    noted = unless_other_type(lambda: client.smembers(names.hours), set[bytes]())
    hours = [int(hour) for hour in noted if hour.isdigit()]
    found: dict[tuple[str, int], list[Any]] = {}
    for hour in hours:
        if since is None or hour >= since:
            for field, number in _fields(client, names.counts(hour)).items():
                _sum(found, hour, field, number, function)
    for name, hour in sorted(found):
        yield Counts(name, hour, *found[name, hour])


def _fields(client: Any, name: bytes) -> dict[bytes, bytes]:
    return unless_other_type(lambda: client.hgetall(name), {})


def _sum(
    found: dict[tuple[str, int], list[Any]],
    hour: int,
    field: bytes,
    number: bytes,
    function: str | None,
) -> None:
    which, _, rest = field.partition(b":")
    name = key_text(rest)
    if name is None or function not in (None, name) or not which.isdigit():
        return
    place = int(which)
    if place < len(_NUMBERS):
        row = found.setdefault((name, hour), [*_ZEROS])
        row[place] = type(_ZEROS[place])(_number(number))


def _number(text: bytes) -> float:
    """What another program wrote that is no number is 0."""
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0

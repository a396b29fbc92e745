"""What a server is, asked once when it is first reached: whether it is one that can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from beautyspot_redis.address import Address
    from beautyspot_redis.failures import Translated

OLDEST: Final = (6, 2)
"""The version of Redis that a server has to have at least; every Valkey is newer."""

_NEWER: Final = "take Redis 6.2, Valkey 7.2 or newer"

_OTHER_MODE: Final = {
    b"cluster": ("it is a node of a cluster", "write redis+cluster://host:port"),
    b"sentinel": (
        "it is a Sentinel and holds no data",
        "write redis+sentinel://host:26379/service, or the port of the server itself (6379)",
    ),
    b"standalone": ("it is no node of a cluster", "write redis://host:port"),
}


def greet(client: Any, address: Address, translated: Translated) -> None:
    """Refuse a server that is too old, or is of another mode than the address says.

    Raises:
        BeautyspotError: it is; says what to write, or to install.
    """
    from redis.exceptions import NoPermissionError, ResponseError

    target = {"target_nodes": client.get_random_node()} if address.mode == "cluster" else {}
    try:
        answer = client.execute_command("HELLO", **target)
    except NoPermissionError:
        return  # what it is shows when it is used
    except ResponseError as error:
        if "HELLO" not in str(error).upper():
            raise
        raise translated.refused("it does not know HELLO", _NEWER) from None
    told = dict(zip(answer[::2], answer[1::2], strict=False))
    _check_mode(told.get(b"mode", b""), address, translated)
    if told.get(b"server") == b"redis":
        _check_version(told.get(b"version", b"").decode(), translated)


def _check_mode(mode: bytes, address: Address, translated: Translated) -> None:
    wanted = b"cluster" if address.mode == "cluster" else b"standalone"
    if mode != wanted and mode in _OTHER_MODE:
        raise translated.refused(*_OTHER_MODE[mode])


def _check_version(version: str, translated: Translated) -> None:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if len(numbers) == 2 and numbers < OLDEST:
        raise translated.refused(f"it is Redis {version}", _NEWER)

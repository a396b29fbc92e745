"""Sizes as people write them: one language, for ``max_size="5GB"`` as for ``memory="64 MiB"``."""

from __future__ import annotations

import re
from typing import Final

SIZE: Final = (
    'a number of bytes, not negative, or a text such as "500MB" or "1.5 GiB" '
    "(units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)"
)
"""What `byte_count` takes, for messages."""

_BYTES: Final = {
    unit.lower(): base**power
    for base, units in ((1000, "B kB MB GB TB"), (1024, "B KiB MiB GiB TiB"))
    for power, unit in enumerate(units.split())
}
_PARTS: Final = r"(\d+(?:\.\d+)?)\s*([a-z]+)"


def byte_count(value: object) -> int:
    """A size in bytes: a whole number, or a text such as ``"500MB"`` or ``"1.5 GiB"``.

    Units: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024).

    Raises:
        TypeError, ValueError: it is none of these, or negative.
    """
    if isinstance(value, str):
        parts = re.fullmatch(_PARTS, value.lower().strip())
        if parts is not None and parts[2] not in _BYTES:
            raise ValueError(f"no unit {parts[2]!r}")
        value = int(value) if parts is None else int(float(parts[1]) * _BYTES[parts[2]])
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no number of bytes")
    if value < 0:
        raise ValueError("negative")
    return value

"""What is in an array of numbers: lowest, highest, mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    Array = np.ndarray[Any, Any]

_SAMPLE: Final = 2_000_000


def is_numeric(array: Array) -> bool:
    """Whether it holds numbers on a line, truths among them."""
    return array.dtype.kind in "biuf"


def facts(array: Array) -> list[tuple[str, str]]:
    """Names and values of what tells the numbers of an array."""
    return list(_facts(array)) if is_numeric(array) and array.size else []


def _facts(array: Array) -> Iterator[tuple[str, str]]:
    import numpy as np

    flat = array.reshape(-1)
    step = -(-flat.size // _SAMPLE)
    sample = flat[::step]
    about = "" if step == 1 else f" (of each {step}th)"
    missing = int(np.isnan(sample).sum()) if array.dtype.kind == "f" else 0
    known = sample[np.isfinite(sample)] if array.dtype.kind == "f" else sample
    if known.size:
        yield f"Lowest{about}", _text(known.min())
        yield f"Highest{about}", _text(known.max())
        with np.errstate(all="ignore"):
            yield f"Mean{about}", f"{float(known.mean(dtype=np.float64)):.6g}"
    if missing:
        yield f"Not a number{about}", f"{missing:,}"
    infinite = sample.size - known.size - missing
    if infinite:
        yield f"Infinite{about}", f"{infinite:,}"


def _text(number: Any) -> str:
    value = number.item()
    return f"{value:.6g}" if isinstance(value, float) else str(value)

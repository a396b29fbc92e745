"""The forms of Torch's tensors and constants: type, shape and bytes, and what a tensor carries."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.state import NOTHING, state
from beautyspot.keys.canonical.text import blob, quote, tag
from beautyspot.keys.canonical.walk import ATTRIBUTE
from beautyspot.libraries.torch_common import gradient, lacks, raw

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


def _tensor(walk: Walk, value: Any) -> str:
    if reason := lacks(value):
        walk.refuse(value, reason)
    head = [str(value.dtype), str(value.device.type), value.requires_grad, [*value.shape]]
    parts = [walk.named(type(value)), walk.array(head), blob(raw(value))]
    carried = state(walk, value, sys.modules["torch"].Tensor)  # a subclass's, or set by anybody
    grad = gradient(value)
    if grad is not None or carried != NOTHING:
        parts += [walk.at(ATTRIBUTE, "grad", grad), carried]
    return tag("tensor", f"[{','.join(parts)}]")


def _constant(_walk: Walk, value: Any) -> str:
    return tag("special", quote(str(value)))


FORMS: Final[dict[str, Form]] = {}

FAMILIES: Final[dict[str, Form]] = {
    "torch:Size": _constant,
    "torch:Tensor": _tensor,
    "torch:device": _constant,
    "torch:dtype": _constant,
    "torch:layout": _constant,
    "torch:memory_format": _constant,
}

"""The forms of Torch's tensors and constants: type, shape, bytes, gradient and attributes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from beautyspot.keys.canonical.forms import of_text
from beautyspot.keys.canonical.state import NOTHING, state
from beautyspot.keys.canonical.text import blob, tag
from beautyspot.keys.canonical.walk import ATTRIBUTE
from beautyspot.libraries.torch_common import gradient, lacks, raw

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


def _tensor(walk: Walk, value: Any) -> str:
    if reason := lacks(value):
        walk.refuse(value, reason)
    head = [str(value.dtype), str(value.device.type), value.requires_grad, [*value.shape]]
    parts = [walk.named(type(value)), walk.array(head), blob(raw(value))]
    carried = state(walk, value, sys.modules["torch"].Tensor)  # of a subclass, or set later
    grad = gradient(value)
    if grad is not None or carried != NOTHING:
        parts += [walk.at(ATTRIBUTE, "grad", grad), carried]
    return tag("tensor", f"[{','.join(parts)}]")


_CONSTANT: Final = of_text("special", str)

FAMILIES: Final[dict[str, Form]] = {
    "torch:Size": _CONSTANT,
    "torch:Tensor": _tensor,
    "torch:device": _CONSTANT,
    "torch:dtype": _CONSTANT,
    "torch:layout": _CONSTANT,
    "torch:memory_format": _CONSTANT,
}

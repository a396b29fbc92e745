"""Tensors and constants of Torch: as arguments of a call, and as results.

In a key a tensor counts by type, shape, bytes, gradient and attributes.

Stored are dense tensors on the CPU: data type, shape, order of the axes, raw bytes. The order of
the axes in memory is kept, so "channels last" comes back as that. Refused: all that the bytes don't
show, such as a graph, a gradient, attributes, another device, subclasses.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError
from beautyspot.keys.canonical.state import NOTHING, state
from beautyspot.keys.canonical.text import blob, tag
from beautyspot.keys.canonical.walk import ATTRIBUTE, of_text
from beautyspot.serialization.codecs.contract import Codec, Refused, check

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk
    from beautyspot.serialization.codecs.contract import Read, Write


_TORCH: Final[Any] = import_module("torch")  # by name: type checkers need no Torch then


def _lacks(tensor: Any) -> str:
    """Why the content of a tensor can't be read as bytes; "" if it can."""
    if tensor.layout is not _TORCH.strided or tensor.is_quantized or tensor.is_nested:
        return "is sparse, nested or quantised, and only dense tensors have a stable form"
    return "is on the device meta, and has no content" if tensor.device.type == "meta" else ""


def _raw(tensor: Any) -> Any:
    """The bytes of a dense tensor in C order, as a NumPy array.

    As bytes, since NumPy lacks some of Torch's types, such as bfloat16. A lazy conjugation or
    change of sign is applied first, since the bytes do not show it.
    """
    here = tensor.detach().cpu().resolve_conj().resolve_neg()
    return here.contiguous().reshape(-1).view(_TORCH.uint8).numpy()


def _gradient(tensor: Any) -> Any:
    """The gradient of a tensor that may have one; reading `grad` of others gives a warning."""
    return tensor.grad if tensor.is_leaf or tensor.retains_grad else None


# ------------------------------------------------------------------------------------------- keys


def _tensor(walk: Walk, value: Any) -> str:
    if reason := _lacks(value):
        walk.refuse(value, reason)
    if value.grad_fn is not None:
        walk.refuse(value, "has the graph that made it: pass it with .detach(), or else")
    head = [str(value.dtype), str(value.device.type), value.requires_grad, [*value.shape]]
    parts = [walk.named(type(value)), walk.array(head), blob(_raw(value))]
    carried = state(walk, value, _TORCH.Tensor)  # of a subclass, or set later
    grad = _gradient(value)
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

# ----------------------------------------------------------------------------------------- values

_TYPES: Final = frozenset(
    {
        *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
        *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
        *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
    }
)
"""The data types whose bytes mean the same value on every machine, as attributes of `torch`."""


def _check(value: Any) -> None:
    """Refuse a tensor that would come back changed."""
    if reason := _lacks(value):
        raise Refused(f"a tensor that {reason}: return it in another form")
    if value.device.type != "cpu":
        raise Refused(f"a tensor on {value.device}: return it with .cpu()")
    if value.grad_fn is not None:
        raise Refused("a tensor with the graph that made it: return it with .detach()")
    if _gradient(value) is not None or value.__dict__:
        raise Refused("a tensor with a gradient or attributes: return them beside it")
    if _name(value) not in _TYPES or sys.byteorder != "little":
        raise Refused(f"a tensor of {value.dtype} has no stored form: convert it, with .to(…)")


def _name(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")


def _axes(value: Any) -> list[int]:
    """The axes from the outermost in memory to the innermost; in their order if there are gaps."""
    axes = sorted(range(value.dim()), key=lambda axis: -value.stride(axis))
    return axes if value.permute(axes).is_contiguous() else list(range(value.dim()))


def _encode(value: Any, write: Write) -> list[object]:
    _check(value)
    axes = _axes(value)
    content = _raw(value.permute(axes))
    return [
        _name(value),
        list(value.shape),
        axes,
        value.requires_grad,
        write.buffer(content.nbytes, lambda out: out.__iadd__(content.data)),
    ]


def _decode(parts: list[Any], read: Read) -> Any:
    name, shape, axes, trains, part = check(parts, str, list, list, bool, (bytes, int))
    check(shape, *[int] * len(shape))
    if name not in _TYPES or sorted(check(axes, *[int] * len(shape))) != [*range(len(shape))]:
        raise RestoreError(f"a tensor of the type {name:.40} and the axes {axes!r:.40}")
    dtype, view = getattr(_TORCH, name), read.buffer(part)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(view):
        raise RestoreError("a tensor whose shape does not fit its data")
    inner = [shape[axis] for axis in axes]
    outer = [axes.index(axis) for axis in range(len(axes))]
    # A copy of the bytes: Torch expects its memory to be aligned. It takes no empty buffer.
    flat = _TORCH.frombuffer(bytearray(view), dtype=dtype) if view else _TORCH.empty(0, dtype=dtype)
    return flat.reshape(inner).permute(outer).requires_grad_(trains)


CODECS: Final[dict[type, Codec]] = {_TORCH.Tensor: Codec(115, _encode, _decode)}

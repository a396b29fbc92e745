"""Tensors and constants of Torch: as arguments of a call, and as results.

In a key a tensor counts by type, shape, bytes, gradient and attributes.

Stored are sizes, devices and data types by their names or numbers, and dense tensors on the CPU:
data type, shape, order of the axes, raw bytes. The order of
the axes in memory is kept, so "channels last" comes back as that. Refused: all that the bytes don't
show, such as a graph, a gradient, attributes, another device, subclasses.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Buffer
from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

from beautyspot_data.parts import PICKLE_IT, check, digest

if TYPE_CHECKING:
    from collections.abc import Callable

_TORCH: Final[Any] = import_module("torch")  # by name: type checkers need no Torch then


def _check_dense(tensor: Any, wrong: type[Exception]) -> None:
    """Refuse a tensor whose content can't be read as bytes."""
    is_dense = tensor.layout is _TORCH.strided and not (tensor.is_quantized or tensor.is_nested)
    if not is_dense or tensor.device.type == "meta":
        raise wrong(
            "is sparse, nested, quantised or without content, and only dense tensors have a stable "
            "form: take it in another form"
        )


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


def _is_named(value: Any) -> bool:
    """Whether it is several tensors with names, as of `torch.max`."""
    return type(value).__module__ == "torch.return_types"


def key(value: Any) -> object:
    """See `TypeSupport.key`."""
    if _is_named(value):
        return [*value]
    if not isinstance(value, _TORCH.Tensor):
        return str(value)
    _check_dense(value, UnstableKeyError)
    if value.grad_fn is not None:
        raise UnstableKeyError("has the graph that made it: pass it with .detach()")
    head = str(value.dtype), value.device.type, value.requires_grad, [*value.shape]
    return head, digest([_raw(value)]), _gradient(value)


def own_names(_cls: type) -> Callable[[str], object]:
    """See `TypeSupport.own_names`: Torch keeps nothing of its own there."""
    return ().__contains__


# ----------------------------------------------------------------------------------------- values

_TYPES: Final = frozenset(
    {
        *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
        *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
        *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
    }
)
"""The data types whose bytes mean the same value on every machine, as attributes of `torch`."""


def encode(value: Any) -> object:
    """See `TypeSupport.encode`."""
    if _is_named(value) or isinstance(value, _TORCH.Size):
        return [type(value).__name__, [*value]]
    if not isinstance(value, _TORCH.Tensor):
        return [type(value).__name__, str(value)]
    _check(value)
    axes = _axes(value)
    name, content = _name(value), Buffer(_raw(value.permute(axes)))
    return [name, [*value.shape], axes, value.requires_grad, content]


def _check(value: Any) -> None:
    """Refuse a tensor that would come back changed."""
    if type(value) is not _TORCH.Tensor:
        raise SerializationError(
            f"is not a type that can be stored: return a plain tensor, or, {PICKLE_IT}"
        )
    _check_dense(value, SerializationError)
    if value.device.type != "cpu" or value.grad_fn is not None or _gradient(value) is not None:
        raise SerializationError(
            "is on another device, or has the graph that made it, or a gradient: return it with "
            ".detach().cpu(), and a gradient beside it"
        )
    if _name(value) not in _TYPES or sys.byteorder != "little":
        raise SerializationError(f"of {value.dtype} has no stored form: convert it, with .to(…)")


def _name(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")


def _axes(value: Any) -> list[int]:
    """The axes from the outermost in memory to the innermost; in their order if there are gaps."""
    axes = sorted(range(value.dim()), key=lambda axis: -value.stride(axis))
    return axes if value.permute(axes).is_contiguous() else list(range(value.dim()))


def decode(form: Any) -> Any:
    """See `TypeSupport.decode`."""
    if len(form) == 2:
        name, parts = check(form, str, (list, str))
        if name in ("dtype", "layout", "memory_format"):
            return vars(_TORCH)[parts.removeprefix("torch.")]
        if name == "device" or (name == "Size" and {*map(type, parts)} <= {int}):
            return getattr(_TORCH, name)(parts)
        return getattr(_TORCH.return_types, name)(parts)
    name, shape, axes, trains, view = check(form, str, list, list, bool, memoryview)
    numbers = {*map(type, (*shape, *axes))} <= {int}
    if name not in _TYPES or not numbers or sorted(axes) != [*range(len(shape))]:
        raise RestoreError(f"a tensor of the type {name:.40} and the axes {axes!r:.40}")
    dtype = getattr(_TORCH, name)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(view):
        raise RestoreError("a tensor whose shape does not fit its data")
    inner = [shape[axis] for axis in axes]
    outer = [axes.index(axis) for axis in range(len(axes))]
    # A copy of the bytes: Torch expects its memory to be aligned. It takes no empty buffer.
    flat = _TORCH.frombuffer(bytearray(view), dtype=dtype) if view else _TORCH.empty(0, dtype=dtype)
    return flat.reshape(inner).permute(outer).requires_grad_(trains)

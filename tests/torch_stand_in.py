"""A stand-in for Torch, which takes a gigabyte: what beautyspot uses of it, over NumPy.

It is a module to be put in Torch's place. Where Torch is installed the same tests run with both.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class dtype:  # noqa: N801 - these are Torch's names
    __slots__ = ("beneath", "itemsize", "name")

    def __init__(self, name: str, beneath: str) -> None:
        self.name = name
        self.beneath = np.dtype(beneath)
        self.itemsize = self.beneath.itemsize

    def __str__(self) -> str:
        return f"torch.{self.name}"


class device:  # noqa: N801
    __slots__ = ("type",)

    def __init__(self, type: str) -> None:
        self.type = type

    def __str__(self) -> str:
        return self.type

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and self.type == other.type

    __hash__ = None  # type: ignore[assignment]


class layout(str):  # noqa: N801
    pass


class Size(tuple[int, ...]):
    __slots__ = ()


strided, sparse_coo = layout("strided"), layout("sparse_coo")
uint8, int64 = dtype("uint8", "u1"), dtype("int64", "i8")
float32, bfloat16 = dtype("float32", "f4"), dtype("bfloat16", "u2")
complex64, float128 = dtype("complex64", "c8"), dtype("float128", "f8")


class _Inside:
    """What no attribute of a tensor shows."""

    __slots__ = ("_values", "conjugated", "device", "dtype", "grad", "grad_fn", "is_nested")
    __slots__ += ("is_quantized", "layout", "negated", "requires_grad")


class Tensor(_Inside):
    retains_grad = False

    def __init__(self, values: Any, dtype: dtype = int64) -> None:
        self._values = np.asarray(values, dtype.beneath)
        self.dtype, self.device, self.layout = dtype, device("cpu"), strided
        self.is_nested = self.is_quantized = self.requires_grad = False
        self.conjugated = self.negated = False
        self.grad = self.grad_fn = None

    def _with(self, values: Any) -> Any:
        made = Tensor(0, self.dtype)
        made._values, made.conjugated, made.negated = values, self.conjugated, self.negated
        return made

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    def dim(self) -> int:
        return self._values.ndim

    def stride(self, axis: int) -> int:
        return self._values.strides[axis] // self.dtype.itemsize

    def is_contiguous(self) -> bool:
        return self._values.flags.c_contiguous

    def detach(self) -> Any:
        return self._with(self._values)

    cpu = detach

    def conj(self) -> Any:
        made = self._with(self._values)
        made.conjugated = not self.conjugated
        return made

    def resolve_conj(self) -> Any:
        made = self._with(self._values.conj() if self.conjugated else self._values)
        made.conjugated = False
        return made

    def resolve_neg(self) -> Any:
        made = self._with(-self._values if self.negated else self._values)
        made.negated = False
        return made

    def contiguous(self) -> Any:
        return self._with(np.ascontiguousarray(self._values).reshape(self._values.shape))

    def reshape(self, *shape: Any) -> Any:
        return self._with(self._values.reshape(*shape))

    def permute(self, axes: list[int]) -> Any:
        return self._with(self._values.transpose(axes))

    def view(self, dtype: dtype) -> Any:
        assert not self.conjugated
        assert not self.negated
        return Tensor(self._values.view(dtype.beneath), dtype)

    def numpy(self) -> Any:
        return self._values

    def requires_grad_(self, wanted: bool) -> Any:
        self.requires_grad = wanted
        return self


def tensor(values: Any, dtype: dtype = int64) -> Tensor:
    return Tensor(values, dtype)


def empty(*shape: int, dtype: dtype = float32) -> Tensor:
    return Tensor(np.empty(shape, dtype.beneath), dtype)


def _neg_view(of: Tensor) -> Tensor:
    made = of.detach()
    made.negated = not of.negated
    return made


def equal(one: Tensor, other: Tensor) -> bool:
    first, second = (tensor.resolve_conj().resolve_neg() for tensor in (one, other))
    return np.array_equal(first.numpy(), second.numpy())


def frombuffer(data: bytearray, dtype: dtype) -> Tensor:
    return Tensor(np.frombuffer(data, dtype.beneath), dtype)


for _cls in (dtype, device, layout, Size, Tensor):
    _cls.__module__ = "torch"

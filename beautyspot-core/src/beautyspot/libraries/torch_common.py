"""What keys and results both need of tensors of Torch, which the program has imported."""

from __future__ import annotations

import sys
from typing import Any


def lacks(tensor: Any) -> str:
    """Why the content of a tensor can't be read as bytes; "" if it can."""
    torch = sys.modules["torch"]
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested:
        return "is sparse, nested or quantised, and only dense tensors have a stable form"
    return "is on the device meta, and has no content" if tensor.device.type == "meta" else ""


def raw(tensor: Any) -> Any:
    """The bytes of a dense tensor in C order, as a NumPy array.

    As bytes, since NumPy lacks some of Torch's types, such as bfloat16. A lazy conjugation or
    change of sign is applied first, since the bytes do not show it.
    """
    torch = sys.modules["torch"]
    here = tensor.detach().cpu().resolve_conj().resolve_neg()
    return here.contiguous().reshape(-1).view(torch.uint8).numpy()


def gradient(tensor: Any) -> Any:
    """The gradient of a tensor that may have one; reading `grad` of others gives a warning."""
    return tensor.grad if tensor.is_leaf or tensor.retains_grad else None

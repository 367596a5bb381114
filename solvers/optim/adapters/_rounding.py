"""Between the precision in which a rule computes and the one in which its values are kept."""

from __future__ import annotations

import torch

from slotforge.solvers.optim.adapters._chance import Chance


def precision(*kept: torch.dtype) -> torch.dtype:
    """Return the dtype to compute in: the widest of those kept, and no less than float32."""
    found = torch.float32
    for dtype in kept:
        found = torch.promote_types(found, dtype)
    return found


def store(into: torch.Tensor, value: torch.Tensor, chance: Chance | None) -> None:
    """Write a value where it is kept; to bfloat16 it is rounded up or down by chance, so that its mean is kept.

    Without this, a step that is small beside its parameter is lost each time.
    """
    if chance and into.dtype == torch.bfloat16 and value.dtype != torch.bfloat16:
        bits = value.to(torch.float32).view(torch.int32)
        shifted = ((bits + chance.bits(bits)) & -(1 << 16)).view(torch.float32)
        value = torch.where(torch.isfinite(value), shifted, value)
    into.copy_(value)

"""Random numbers of torch that are alike wherever the same steps are taken."""

from __future__ import annotations

import torch


class Chance:
    """The random numbers of one step.

    They follow from a seed and the step alone, whatever else is drawn in a process: so the replicas of a model stay
    alike, and a saved state goes on as it would have gone. DTensors draw in their own way, as their parts need it.
    """

    def __init__(self, seed: int) -> None:
        """Take in the seed; call `turn` before the first draw."""
        self.seed, self.turns, self.key = seed, 0, 0
        self._generators: dict[torch.device, torch.Generator] = {}

    def turn(self, t: int) -> None:
        """Begin with the next parameters of the step, for which it is number t."""
        self.turns += 1
        self.key = 0
        for number in (self.seed, t, self.turns):
            self.key = (self.key * 0x9E3779B97F4A7C15 + number) % (1 << 63)
        self._generators.clear()

    def normal(self, like: torch.Tensor) -> torch.Tensor:
        """Draw standard normal numbers."""
        return torch.empty_like(like).normal_(generator=self._generator(like))

    def bits(self, like: torch.Tensor) -> torch.Tensor:
        """Draw whole numbers of 16 bits."""
        drawn = torch.empty_like(like, dtype=torch.float32).uniform_(0, 1 << 16, generator=self._generator(like))
        return drawn.to(like.dtype)

    def _generator(self, like: torch.Tensor) -> torch.Generator | None:
        if like.is_meta:
            return None
        if like.device not in self._generators:
            self._generators[like.device] = torch.Generator(like.device).manual_seed(self.key)
        return self._generators[like.device]

"""How sure a share is that was counted in a simulation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of Clopper and Pearson (Biometrika 1934)."""
        from scipy.stats import beta

        low = float(beta.ppf(0.025, self.count, self.of - self.count + 1)) if self.count else 0.0
        high = float(beta.ppf(0.975, self.count + 1, self.of - self.count)) if self.count < self.of else 1.0
        return low, high

    @property
    def shown(self) -> str:
        """The share and its interval, in per cent."""
        if not self.of:
            return "-"
        low, high = self.bounds
        return f"{100 * self.count / self.of:.2f} % ({100 * low:.2f} to {100 * high:.2f})"

"""How sure a share is that was counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.05


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
        """The 95 % interval."""
        import numpy as np

        low, high = clopper_pearson(np.array([self.count]), self.of)
        return float(low[0]), float(high[0])

    @property
    def shown(self) -> str:
        """The share and its interval, in per cent."""
        if not self.of:
            return "-"
        low, high = self.bounds
        return f"{100 * self.count / self.of:.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def clopper_pearson(counts: np.ndarray, of: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of each share, counts out of so many (Clopper and Pearson, Biometrika 1934).

    Both may be fractions (Korn and Graubard, Survey Methodology 1998).
    """
    import numpy as np
    from scipy.special import betaincinv

    none, every = counts <= 0, counts >= of
    low = betaincinv(np.where(none, 1, counts), of - counts + 1, LEVEL / 2)
    high = betaincinv(counts + 1, np.where(every, 1, of - counts), 1 - LEVEL / 2)
    return np.where(none, 0.0, low), np.where(every, 1.0, high)

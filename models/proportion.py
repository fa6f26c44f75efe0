"""Shares of patients with intervals that stay honest for few patients."""

from __future__ import annotations

import numpy as np

_Z = 1.959963984540054  # two-sided 95 %


def wilson(held: np.ndarray, weight: np.ndarray | None = None) -> dict[str, float] | None:
    """Weighted share of True in `held` [n] with its 95 % Wilson interval (1927); None for no rows.

    With unequal weights the interval is that of Kish's effective number of rows.

    >>> wilson(np.array([True, True, True]))
    {'estimate': 1.0, 'low': 0.4385, 'high': 1.0}
    """
    w = np.ones(len(held)) if weight is None else np.asarray(weight, np.float64)
    total = float(w.sum())
    if total <= 0:
        return None
    share = float((w * held).sum()) / total
    n = total**2 / float((w**2).sum())
    centre = share + _Z**2 / (2 * n)
    spread = _Z * float(np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)))
    low, high = (centre - spread) / (1 + _Z**2 / n), (centre + spread) / (1 + _Z**2 / n)
    # rounding must not put the share outside its own interval
    share = round(share, 4)
    return {"estimate": share, "low": min(max(round(low, 4), 0.0), share), "high": max(min(round(high, 4), 1.0), share)}

"""Polynomials through few solutions: the coefficients that `heatrisk.physics.lanes` reads.

At a node of the sky view factor the answers are solved for three shares of the beam, three warmths of the
ground and, among trees, three shares of the sky behind crowns. Through them go parabolas; between two nodes
the leading coefficients are linear.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from heatrisk.physics.kernel import kernel, lent
from heatrisk.physics.lanes import COLUMNS, TERMS

# Where the polynomials meet the solutions.
SHARES: Final = (0.0, 0.5, 1.0)  # of the beam
WARMTHS: Final = (0.5 - 0.25 * 3.0**0.5, 0.5, 0.5 + 0.25 * 3.0**0.5)  # of the span of warmths: Chebyshev's
HIDDEN: Final = (0.0, 0.5, 1.0)  # shares of the sky above the walls that crowns hide

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@kernel
def parabola(x: tuple[float, float, float], y: tuple[float, float, float]) -> tuple[float, float, float]:
    """Coefficients of the parabola through three points, from the constant up."""
    first = (y[1] - y[0]) / (x[1] - x[0])
    second = ((y[2] - y[1]) / (x[2] - x[1]) - first) / (x[2] - x[0])
    slope = first - second * (x[0] + x[1])
    return y[0] - x[0] * (slope + x[0] * second), slope, second


@kernel
def fit_powers(answers: Floats, warmths: Floats, fit: Floats) -> None:
    """Turn answers by share and warmth into coefficients of their powers, column by column."""
    x = warmths[0], warmths[1], warmths[2]
    for column in range(COLUMNS):
        for i in range(3):
            y = answers[i, 0, column], answers[i, 1, column], answers[i, 2, column]
            fit[i, 0, column], fit[i, 1, column], fit[i, 2, column] = parabola(x, y)
        for j in range(3):
            fit[0, j, column], fit[1, j, column], fit[2, j, column] = parabola(
                SHARES, (fit[0, j, column], fit[1, j, column], fit[2, j, column])
            )


@kernel
def write_interval(low: Floats, high: Floats, rows: Floats32) -> None:
    """Write the coefficients of one interval of the sky view factor as `heatrisk.physics.lanes` reads them.

    ``low`` and ``high`` are the fits at its ends, shape (hidden, 3, 3, COLUMNS).
    """
    low, high, rows = lent(low), lent(high), lent(rows)
    place, more = 0, TERMS
    for i in range(3):
        for j in range(3):
            if i + j < 2:  # a, b, d: linear in the sky view factor
                for column in range(COLUMNS):
                    rows[place, column] = low[0, i, j, column]
                    rows[place + 1, column] = high[0, i, j, column] - low[0, i, j, column]
                place += 2
                if low.shape[0] > 1:
                    _write_hidden(low[:, i, j], high[:, i, j], rows[more : more + 3])
                    more += 3
                continue
            for column in range(COLUMNS):
                middle = 0.5 * (low[0, i, j, column] + high[0, i, j, column])
                rows[place, column] = middle
                if low.shape[0] > 1 and i + j == 2:  # c, e, h: linear in what crowns hide
                    rows[more, column] = 0.5 * (low[2, i, j, column] + high[2, i, j, column]) - middle
            place += 1
            if low.shape[0] > 1 and i + j == 2:
                more += 1


@kernel
def _write_hidden(low: Floats, high: Floats, rows: Floats32) -> None:
    """Write how a coefficient changes with what crowns hide, shape (hidden, COLUMNS)."""
    for column in range(COLUMNS):
        ends = parabola(HIDDEN, (low[0, column], low[1, column], low[2, column]))
        others = parabola(HIDDEN, (high[0, column], high[1, column], high[2, column]))
        rows[0, column], rows[1, column] = ends[1], others[1] - ends[1]
        rows[2, column] = 0.5 * (ends[2] + others[2])

"""Polynomials through few solutions: the coefficients that `heatrisk.physics.lanes` reads.

At a node of the sky view factor the answers are solved for three shares of the beam, three warmths of the
ground and, among trees, three shares of the sky behind crowns. Through them go parabolas; between two nodes
the leading coefficients are linear, and how they bend with the crowns is the mean of both.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from heatrisk.physics.kernel import kernel, lent
from heatrisk.physics.lanes import COLUMNS, TERMS
from heatrisk.physics.order import crown_way

# Where the polynomials meet the solutions.
SHARES: Final = (0.0, 0.5, 1.0)  # of the beam
WARMTHS: Final = (0.5 - 0.25 * 3.0**0.5, 0.5, 0.5 + 0.25 * 3.0**0.5)  # of the span of warmths: Chebyshev's
HIDDEN: Final = (0.0, 0.475, 0.925)  # of the sky above the walls, by crowns: Chebyshev's from 0 on, nearly
_CROWNS: Final = (crown_way(HIDDEN[0]), crown_way(HIDDEN[1]), crown_way(HIDDEN[2]))

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
def fit_crowns(fit: Floats, warmths: Floats) -> None:
    """Turn coefficients by what crowns hide into those of its powers ``v``, at one node.

    `heatrisk.physics.lanes` has no term for nine of them. Left out, they would cost up to 0.08 K of ``tmrt``.
    So each is replaced by lower ones that follow it: what is lost is the part of ``g² - 2 m g - n``, small
    over all warmths, or of ``s (s - 1)``; of ``v²`` only the product of ``v (v - w)`` with one of these or
    with ``(s - 1/2) (g - m)``, where ``w`` stands for most of the sky hidden.

    Parameters
    ----------
    fit : array, shape (hidden, 3, 3, COLUMNS)
        Fits of `fit_powers`; changed in place.
    warmths : array, shape (3,)
        Where they meet the solutions. [K]
    """
    fit = lent(fit)
    middle = warmths[1]
    level = (warmths[2] - warmths[0]) ** 2 / 6.0 - middle * middle
    for i in range(3):
        for j in range(3):
            for column in range(COLUMNS):
                y = fit[0, i, j, column], fit[1, i, j, column], fit[2, i, j, column]
                fit[0, i, j, column], fit[1, i, j, column], fit[2, i, j, column] = parabola(_CROWNS, y)
    for column in range(COLUMNS):
        for n in range(1, 3):  # f, i, j have no term with v
            both = fit[n, 2, 2, column]
            sunny, warm = fit[n, 2, 1, column] + 2.0 * middle * both, fit[n, 1, 2, column]
            fit[n, 2, 0, column] += level * both
            fit[n, 1, 1, column] += sunny + 2.0 * middle * warm
            fit[n, 1, 0, column] += level * warm
        c, e, h = fit[2, 0, 2, column], fit[2, 1, 1, column], fit[2, 2, 0, column]  # no v²
        a, b, d = level * c - 0.5 * middle * e, 2.0 * middle * c + 0.5 * e, middle * e + h
        for i, j, bend in ((0, 0, a), (0, 1, b), (1, 0, d)):
            fit[2, i, j, column] += bend
            fit[1, i, j, column] -= bend * _CROWNS[2]
        for i, j, bend in ((0, 2, c), (1, 1, e), (2, 0, h)):
            fit[1, i, j, column] += bend * _CROWNS[2]


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
                    _write_crowns(low[:, i, j], high[:, i, j], rows[more : more + 3])
                    more += 3
                continue
            for column in range(COLUMNS):
                rows[place, column] = 0.5 * (low[0, i, j, column] + high[0, i, j, column])
                if low.shape[0] > 1 and i + j == 2:  # c, e, h
                    rows[more, column] = 0.5 * (low[1, i, j, column] + high[1, i, j, column])
            place += 1
            if low.shape[0] > 1 and i + j == 2:
                more += 1


@kernel
def _write_crowns(low: Floats, high: Floats, rows: Floats32) -> None:
    """Write how a coefficient changes with what crowns hide, shape (hidden, COLUMNS).

    Both ends share the mean of their bends, and their slopes make up for it: each still meets its solutions
    where crowns hide none and where they hide most of the sky.
    """
    for column in range(COLUMNS):
        more = high[2, column] - low[2, column]
        rows[0, column] = low[1, column] - 0.5 * more * _CROWNS[2]
        rows[1, column] = high[1, column] - low[1, column] + more * _CROWNS[2]
        rows[2, column] = 0.5 * (low[2, column] + high[2, column])

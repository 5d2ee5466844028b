"""Values as they are stored: 16-bit multiples of a resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FILL = -32768
NO_CLASS = -1


def pack(values: npt.NDArray[np.floating[Any]], resolution: float) -> npt.NDArray[np.int16]:
    """Return values as 16-bit multiples of a resolution.

    Parameters
    ----------
    values : numpy.ndarray
        Any shape; NaN becomes :data:`FILL`.
    resolution : float
        Step between two stored values, in the unit of ``values``; its inverse is a whole number.

    Returns
    -------
    numpy.ndarray of int16
        Same shape; what lies beyond 16 bits is stored as the extreme.
    """
    steps = np.asarray(values * values.dtype.type(1.0 / resolution))
    np.rint(steps, out=steps)
    np.clip(steps, -32767, 32767, out=steps)
    np.fmax(steps, FILL, out=steps)  # takes the number where the other is NaN
    return np.asarray(steps, np.int16)


def unpack(packed: npt.NDArray[np.int16], resolution: float) -> npt.NDArray[np.float64]:
    """Return the values behind :func:`pack`, each the double nearest to its decimal number.

    Parameters
    ----------
    packed : numpy.ndarray of int16
        Any shape; :data:`FILL` becomes NaN.
    resolution : float
        As given to :func:`pack`.
    """
    return np.where(packed == FILL, np.nan, packed / (1.0 / resolution))

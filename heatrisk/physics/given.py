"""What callers give: of arrays what is masked is unknown, and what cannot be meant is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatrisk.errors import InputError
from heatrisk.words import Words


def unmasked(values: ArrayLike) -> NDArray[Any]:
    """Give an array whose masked elements are NaN; what lies under a mask is a mark, not a value.

    Parameters
    ----------
    values : array_like
        Any numbers, perhaps a `numpy.ma.MaskedArray`.

    Returns
    -------
    ndarray
        The same numbers, floating-point if any could be masked; not copied if none could.
    """
    if not isinstance(values, np.ma.MaskedArray):
        return np.asarray(values)
    numbers: NDArray[Any] = np.ma.filled(values.astype(_floating(values.dtype)), np.nan)
    return numbers


def raster(name: str, values: ArrayLike) -> NDArray[Any]:
    """Give a raster of floating-point heights in rows, NaN where masked; refuse anything else.

    Raises
    ------
    InputError
        It is not two-dimensional.
    """
    array = unmasked(values)
    if array.ndim != 2:
        raise InputError(f"{name} is no raster", expected="two dimensions", got=f"shape {array.shape}")
    return np.ascontiguousarray(array, _floating(array.dtype))


def _floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which numbers of a type are kept: single precision where they have that."""
    return dtype.newbyteorder("=") if dtype in (np.float32, np.float64) else np.dtype(np.float64)


def check_cell_size(cell_size: float) -> None:
    """Refuse what cannot be the side of a cell."""
    if not (math.isfinite(cell_size) and cell_size > 0):
        raise InputError("cell_size cannot be used", expected="metres > 0", got=str(cell_size))


def check_range(name: str, number: float, most: float) -> None:
    """Refuse a number that is negative, above the most that it may be, or none."""
    if not (math.isfinite(number) and 0.0 <= number <= most):
        raise InputError(
            Words(f"{name} が範囲外です", f"{name} is out of range"),
            expected=f"0 to {most:g}",
            got=str(number),
        )


def check_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse what is none of the known choices."""
    if value not in (choices := list(known)):
        raise InputError(
            Words(f"{name} に指定できない値です", f"{name} has no such choice"),
            expected=", ".join(choices),
            got=str(value),
        )

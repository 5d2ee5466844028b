"""A layer: its colours from low to high, the lines of its legend, and the code of every value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk.cube import FILL, pack
from heatrisk.quantities import QUANTITIES
from heatrisk.words import Words

CODE_OUTSIDE, CODE_BUILDING, CODE_MISSING, CODE_FIRST = 0, 1, 2, 3

#: Said of values that follow from the weather alone.
UNANCHORED = Words("公式の予測に合わせていません。", "Not anchored to an official forecast.")
#: Quantities that the official forecast lifts or lowers, where there is one.
ANCHORED = ("wbgt_moe", "wbgt_moe_shade", "wbgt_iso", "p_danger")

#: Codes that stand for no value: code, red-green-blue-alpha, words, pattern.
NO_DATA: tuple[tuple[int, tuple[int, int, int, int], Words, str], ...] = (
    (CODE_OUTSIDE, (0, 0, 0, 0), Words("対象範囲外（標高不明を含む）", "outside, or ground unknown"), "none"),
    (CODE_BUILDING, (138, 138, 138, 120), Words("建物", "building"), "solid"),
    (CODE_MISSING, (190, 170, 205, 170), Words("値なし", "no value"), "sparse-dots"),
)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Bin:
    """One colour of a layer: from ``lower`` (included) up to the next bin.

    Parameters
    ----------
    lower : float
        Lowest value of the bin, in the unit of the quantity; ``-inf`` for the first.
    colour : tuple of int
        Red, green, blue, 0 to 255.
    """

    lower: float
    colour: Colour


@dataclass(frozen=True)
class LegendClass:
    """One line of a legend.

    Parameters
    ----------
    lower, upper : float
        Values from ``lower`` (included) to ``upper`` (excluded); infinite at the ends.
    colour : tuple of int
        Red, green, blue that stand for the class.
    words : Words
        Name of the class.
    advice : Words, optional
        What the scale asks people to do.
    mark : str, optional
        What stands in the colour's field for those who cannot tell colours; the number of the class if
        omitted.
    """

    lower: float
    upper: float
    colour: Colour
    words: Words
    advice: Words | None = None
    mark: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer of the map.

    Parameters
    ----------
    name : str
        Name in URLs.
    quantity : str
        Variable of the run whose values are drawn; a risk layer draws classes of ``wbgt_moe``, so that its
        overviews are the class of the mean and not a mean of classes.
    words, description : Words
        Short name, and what the layer shows.
    bins : tuple of Bin
        Colours from low to high, at most 253.
    classes : tuple of LegendClass
        Lines of the legend.
    percent : bool
        Numbers are shares and are shown in per cent.
    factor : float
        What the legend shows of a value of 1, in ``unit``.
    unit : str, optional
        Unit of the legend; that of the quantity if omitted.
    """

    name: str
    quantity: str
    words: Words
    description: Words
    bins: tuple[Bin, ...]
    classes: tuple[LegendClass, ...]
    percent: bool = False
    factor: float = 1.0
    unit: str = ""

    @property
    def units(self) -> str:
        """Unit of the numbers in the legend."""
        return self.unit or QUANTITIES[self.quantity].units

    @property
    def resolution(self) -> float:
        """Step at which the values are stored, in their unit."""
        return QUANTITIES[self.quantity].resolution or 0.01

    def described(self, anchored: bool) -> Words:
        """Return what the layer shows in a run that is, or is not, anchored to an official forecast."""
        if anchored or self.quantity not in ANCHORED:
            return self.description
        return Words(
            f"{self.description.ja}{UNANCHORED.ja}", f"{self.description.en.rstrip('.')}. {UNANCHORED.en}"
        )

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """Red, green, blue, alpha of every code, shape (codes, 4)."""
        rows = [rgba for _, rgba, _, _ in NO_DATA] + [(*one.colour, 255) for one in self.bins]
        return np.array(rows, dtype=np.uint8)

    @cached_property
    def _table(self) -> npt.NDArray[np.uint8]:
        """Code of every packed 16-bit value, indexed by its unsigned reading."""
        packed = np.arange(65536, dtype=np.uint16).view(np.int16)
        values = packed / (1.0 / self.resolution)
        lowers = np.array([one.lower for one in self.bins[1:]])
        table = (CODE_FIRST + np.searchsorted(lowers, values, side="right")).astype(np.uint8)
        table[packed == FILL] = CODE_MISSING
        return table

    def codes(self, values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
        """Return the code of every value.

        Values are first rounded to the resolution at which they are stored, so that a picture, a stored value
        and a point answer agree to the last class.

        Parameters
        ----------
        values : numpy.ndarray
            Values of ``quantity``, any shape, in its unit; NaN is no value.

        Returns
        -------
        numpy.ndarray of uint8
            ``CODE_MISSING`` or ``CODE_FIRST`` + index of the bin.
        """
        return self.coded(pack(values, self.resolution))

    def coded(self, packed: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
        """Return the code of every value that is packed already at :attr:`resolution`."""
        return self._table.take(packed.view(np.uint16))

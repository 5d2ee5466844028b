"""The sign of the page on a home screen: the sun, and a house whose wall lies half in the shade."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatrisk.tiles import true_colour

#: Sides of the pictures that browsers ask for: Apple's home screen, and the two that a web app must have.
SIDES = (180, 192, 512)
_SKY, _SUN, _WALL, _SHADE = (0x17, 0x32, 0x4D), (0xFF, 0xB0, 0x2E), (0xF4, 0xF7, 0xFA), (0x9F, 0xB3, 0xC8)
# Home screens cut pictures to a shape of their own; in a circle of 80 % of the width nothing is lost.
_ROOM = 0.86
_UNITS = 32.0


def drawn(side: int) -> bytes:
    """Return the sign as a PNG that fills its square.

    Parameters
    ----------
    side : int
        Pixels along each side.
    """
    pixel = _UNITS / (_ROOM * side)
    ends = (np.arange(side) + 0.5 - side / 2) * pixel + _UNITS / 2
    x, y = np.meshgrid(ends, ends)
    wall = np.minimum.reduce([x - 14, 26 - x, y - 14, 27 - y])
    slope = (13 * (x - 20) - 6 * (27 - y)) / np.hypot(13, 6)
    picture: npt.NDArray[np.float64] = np.full((side, side, 3), _SKY, np.float64)
    for within, colour in (
        (6 - np.hypot(x - 12, y - 12), _SUN),
        (wall, _WALL),
        (np.minimum(wall, slope), _SHADE),
    ):
        # How far a pixel lies within a shape is how much of it is covered: edges are smooth.
        covered = np.clip(within / pixel + 0.5, 0, 1)[..., None]
        picture += covered * (np.array(colour) - picture)
    return true_colour(np.rint(picture).astype(np.uint8))

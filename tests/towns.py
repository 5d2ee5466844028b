"""Tiny named scenes: surface models [m] with row 0 in the north, and a made town to measure on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.float64]


def plain(rows: int = 40, columns: int = 30, level: float = 0.0) -> Heights:
    return np.full((rows, columns), level)


def tower(size: int = 81, half: int = 3, height: float = 20.0) -> Heights:
    """One square tower of side ``2 half + 1`` in the middle of a plain."""
    town, middle = plain(size, size), size // 2
    town[middle - half : middle + half + 1, middle - half : middle + half + 1] = height
    return town


def canyon(width: int, height: float, length: int = 801) -> Heights:
    """Build a north-south street between two thin walls."""
    town = plain(length, width + 4, height)
    town[:, 2:-2] = 0.0
    return town


def court(side: int, height: float) -> Heights:
    town = plain(side + 8, side + 8, height)
    town[4:-4, 4:-4] = 0.0
    return town


def slope(rise: float, size: int = 60) -> Heights:
    """Terrain that rises northwards by ``rise`` [m] per cell."""
    return np.repeat(rise * np.arange(size, dtype=float)[::-1, None], size, axis=1)


def blocks(size: int = 500, cell_size: float = 5.0, seed: int = 0, cover: float = 0.3) -> Heights:
    """Cover 30 % of level ground with blocks, 10 to 60 m wide and 5 to 60 m high."""
    random, town, built = np.random.default_rng(seed), plain(size, size), 0
    while built < cover * town.size:
        height, width = (random.integers(10, 60, 2) / cell_size).astype(int)
        row, column = random.integers(0, size, 2)
        block = town[row : row + height, column : column + width]
        built += np.count_nonzero(block == 0.0)
        block[:] = random.uniform(5.0, 60.0)
    return town


def orchard(size: int = 120, trees: int = 90, seed: int = 0) -> tuple[Heights, Heights]:
    """Tops and bases [m] of round crowns of 7 m over a trunk zone of 2.5 m, scattered."""
    random = np.random.default_rng(seed)
    rows, columns = np.nonzero(np.hypot(*np.mgrid[-3:4, -3:4]) <= 3.0)
    top, base = plain(size, size), plain(size, size)
    for row, column in random.integers(0, size - 6, (trees, 2)):
        crown = row + rows, column + columns
        top[crown], base[crown] = np.maximum(top[crown], random.uniform(5.0, 12.0)), 2.5
    return top, base

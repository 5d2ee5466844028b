"""A town block by block: each with as much around it as can shade it, so that all of it is never prepared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from heatrisk.fields import sky_views
from heatrisk.grid import BLOCK, Window, within
from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.physics.skyline import around
from heatrisk.scene import Part, Scene


def block(scene: Scene, window: Window) -> Scene:
    """Return the scene of some cells, with as much around them as can shade them.

    Parameters
    ----------
    scene : Scene
        The town.
    window : tuple of int
        First row and column, rows and columns.

    Returns
    -------
    Scene
        Its rasters are views of the whole's, and its shade has the bits of the whole's.
    """
    _, _, rows, columns = window
    side, line, base = scene.factor, scene.skyline, scene.crown_base
    height, width = (size // side for size in scene.terrain.shape)
    north, west = (place + beyond for place, beyond in zip(window[:2], scene.margins[:2], strict=True))
    fall = scene.fine_grid.cell_size * math.tan(math.radians(LOWEST_SUN))
    reach = around(line, (north * side, west * side, rows * side, columns * side), fall)
    top, left = (first // side for first in reach[:2])
    # Squares at the edge reach beyond the rasters.
    bottom, right = min((reach[0] + reach[2]) // side, height), min((reach[1] + reach[3]) // side, width)
    inner = np.s_[top * side : bottom * side, left * side : right * side]
    return replace(
        scene,
        grid=scene.grid.windowed(window),
        terrain=scene.terrain[inner],
        roof=scene.roof[inner],
        land_cover=scene.land_cover[within(window)],
        crown_top=None if scene.crown_top is None else scene.crown_top[inner],
        crown_base=base[inner] if isinstance(base, np.ndarray) else base,
        part=Part(
            (north - top, west - left, bottom - north - rows, right - west - columns),
            (top * side + scene.origin[0], left * side + scene.origin[1]),
            scene.datum,
        ),
    )


def blocks(scene: Scene, longest: int = BLOCK) -> Iterator[tuple[Window, Scene]]:
    """Yield the blocks of a town with their windows; a town that is one block as it is.

    Parameters
    ----------
    scene : Scene
        The town.
    longest : int
        Longest side of a block [cells].
    """
    windows = list(scene.grid.blocks(longest))
    for window in windows:
        yield window, scene if len(windows) == 1 else block(scene, window)


def views_by_blocks(scene: Scene, longest: int = BLOCK) -> xr.Dataset:
    """Return the sky view factors of a town, computed block by block.

    Parameters
    ----------
    scene : Scene
        The town.
    longest : int
        Longest side of a block [cells].

    Returns
    -------
    xarray.Dataset
        ``svf`` and ``svf_buildings`` on (y, x), as :func:`heatrisk.fields.sky_views` has them. [1]
    """
    names = "svf", "svf_buildings"
    found = np.empty((len(names), *scene.grid.shape), np.float32)
    for window, part in blocks(scene, longest):
        views = sky_views(part.shade, part.grid, part.transmissivity, part.extinction)
        for name, whole in zip(names, found, strict=True):
            whole[within(window)] = views[name].values
    return xr.Dataset({name: (("y", "x"), whole) for name, whole in zip(names, found, strict=True)})

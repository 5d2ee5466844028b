"""The part of a town that light to one cell depends on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from affine import Affine

from heatrisk.grid import Grid
from heatrisk.physics.shadow import halo_width, shade_scene
from heatrisk.scene import Scene

Floats = npt.NDArray[np.float32]


def block(scene: Scene, row: int, column: int) -> Scene:
    """Return a scene of one cell, with as much around it as can shade it.

    Parameters
    ----------
    scene : Scene
        The town.
    row, column : int
        The cell.

    Returns
    -------
    Scene
        Its shade has the bits of the whole scene's.
    """
    side, fine = scene.factor, scene.fine_grid.cell_size
    lowest = float(np.nanmin(scene.terrain))
    tops = [scene.terrain, scene.roof]
    if scene.crown_top is not None:
        tops.append(scene.terrain + scene.crown_top)
    highest = max(float(np.fmax.reduce(top, axis=None)) for top in tops if np.isfinite(top).any())
    largest = max(scene.terrain.shape) // side
    halo = min(math.ceil(halo_width(max(highest - lowest, fine)) / scene.grid.cell_size), largest)
    top, left = ((scene.halo + place - halo) * side for place in (row, column))
    size = (2 * halo + 1) * side

    def cut(raster: Floats | None) -> Floats | None:
        return None if raster is None else _cut(raster, top, left, size)

    dx, _, west, _, dy, north = scene.grid.transform[:6]
    grid = Grid(scene.grid.crs, Affine(dx, 0.0, west + column * dx, 0.0, dy, north + row * dy), (1, 1))
    part = replace(
        scene,
        grid=grid,
        terrain=_cut(scene.terrain, top, left, size),
        roof=_cut(scene.roof, top, left, size),
        land_cover=scene.land_cover[row : row + 1, column : column + 1],
        halo=halo,
        crown_top=cut(scene.crown_top),
        crown_base=cut(scene.crown_base),
    )
    # Where a scene keeps its shade: with the whole's origin and datum the sweeps go the same way.
    vars(part)["shade"] = shade_scene(
        part.terrain, part.roof, cell_size=fine, factor=side, crown_top=part.crown_top,
        crown_base=part.crown_base, receptor_height=part.receptor_height, window=(halo, halo, 1, 1),
        origin=(top, left), datum=lowest,
    )  # fmt: skip
    return part


def _cut(raster: Floats, top: int, left: int, size: int) -> Floats:
    """Return a square of a raster; what lies beyond its edge is unknown, as it is to the whole."""
    out = np.full((size, size), np.nan, np.float32)
    rows, columns = raster.shape
    inner = np.s_[max(top, 0) : min(top + size, rows), max(left, 0) : min(left + size, columns)]
    part = raster[inner]
    at = (max(-top, 0), max(-left, 0))
    out[at[0] : at[0] + part.shape[0], at[1] : at[1] + part.shape[1]] = part
    return out

"""Land cover on a grid: the codes of a raster, as far as they name a class."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heatrisk.errors import InputError
from heatrisk.grid import Grid
from heatrisk.physics.surface import LandCover
from heatrisk.sources.raster import read_raster
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.words import Words

#: Unknown codes that are named one by one; of numbers that are no codes there may be thousands.
_NAMED = 20


def read_land_cover(
    path: Path, grid: Grid, classes: Collection[LandCover], default: int
) -> tuple[npt.NDArray[np.uint8], Reading]:
    """Read the class of the ground of every cell.

    Parameters
    ----------
    path : pathlib.Path
        GeoTIFF of codes; 0 and 255 are no data.
    grid : Grid
        Where they are wanted.
    classes : collection of LandCover
        The classes that are known.
    default : int
        Code of cells of which nothing is known.

    Returns
    -------
    codes : numpy.ndarray of uint8
        Shape of the grid.
    reading : Reading
        ``used`` and ``covered`` count cells with a known code; ``refused`` has a row for each unknown code.
        Facts: those of :func:`heatrisk.sources.raster.read_raster`, and ``unknown_cells``.

    Raises
    ------
    InputError
        No code of the area is known.
    SourceError
        As :func:`heatrisk.sources.raster.read_raster`.
    """
    values, reading = read_raster(path, grid, role="land_cover", resampling="nearest")
    known = np.isin(values, [row.code for row in classes])
    found, cells = np.unique(values[np.isfinite(values) & ~known], return_counts=True)
    order = np.argsort(-cells, kind="stable")
    unknown = [(f"{found[place]:g}", int(cells[place])) for place in order]
    if not known.any():
        raise InputError(
            Words("既知の土地被覆コードが 1 つもありません", "it holds not one known code of land cover"),
            where=path,
            expected=Words(
                "、".join(f"{row.code} {row.name_ja}" for row in classes),
                ", ".join(f"{row.code} {row.name}" for row in classes),
            ),
            got=", ".join(code for code, _ in unknown[:8]) + ", …" * (len(unknown) > 8),
            remedy=Words(
                "コードを書き換えるか、[surfaces] ground に各コードの性質を書いてください",
                "Rewrite its codes, or describe each of them in [surfaces] ground.",
            ),
        )
    rest = [(f"+{len(unknown) - _NAMED}", sum(count for _, count in unknown[_NAMED:]))]
    return np.where(known, values, default).astype(np.uint8), replace(
        reading,
        used=int(known.sum()),
        covered=round(float(known.mean()), 4),
        refused=tuple(_refusal(*row) for row in unknown[:_NAMED] + rest * (len(unknown) > _NAMED)),
        facts={**reading.facts, "unknown_cells": int(cells.sum())},
    )


def _refusal(code: str, cells: int) -> Refusal:
    return Refusal(
        code,
        Words(
            f"未知の土地被覆コードです（{cells:,} セル）",
            f"no known code of land cover ({cells:,} cell{'s' * (cells > 1)})",
        ),
    )

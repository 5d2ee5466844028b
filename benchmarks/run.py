"""A whole three-day run of a city of Mitaka's extent, stage by stage: ``python -m benchmarks.run``.

The town is the sample town repeated over 6.4 x 5.2 km, on 1 m sub-cells; the weather is the sample's.
Options: ``--sub-cell METRES``, ``--km WIDTH HEIGHT`` for another extent, ``--steps N`` for fewer steps.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely
from affine import Affine

from heatrisk.blocks import views_by_blocks
from heatrisk.city import ModelSection, read_city
from heatrisk.grid import Grid
from heatrisk.run import Simulation, simulate
from heatrisk.scene import Scene
from heatrisk.sources.intake import Inputs, read_inputs
from heatrisk.steps import step_times
from heatrisk.store import NewRun, RunStore
from heatrisk.tiles import build

CITY_FILE = Path(__file__).resolve().parent.parent / "sample_data" / "city.toml"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--km", nargs=2, type=float, default=(6.4, 5.2), metavar=("WIDTH", "HEIGHT"))
    options.add_argument("--steps", type=int, default=None)
    options.add_argument("--sub-cell", type=float, default=1.0, metavar="METRES")
    chosen = options.parse_args()
    rows: list[tuple[str, float]] = []

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        rows.append((stage, time.perf_counter() - begin))
        print(f"{stage:<28}{rows[-1][1]:8.2f} s", flush=True)

    inputs = sample(chosen.sub_cell)
    assert inputs.scene is not None and inputs.buildings is not None and inputs.weather is not None
    with timed("scene from footprints"):
        scene = repeated(inputs.scene, inputs.buildings, *chosen.km)
    simulate(inputs.scene, inputs.weather, steps=pd.DatetimeIndex(["2025-08-05T03:00"]))  # compiles, untimed
    with timed("sky view factor"):
        svf = views_by_blocks(scene)
    steps = step_times(inputs.weather)[0][: chosen.steps]
    with timed(f"{len(steps)} steps, stored"):
        store(Simulation(scene, inputs.weather, steps=steps, svf=svf))
    cells, peak = np.prod(scene.grid.shape), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = sum(seconds for _, seconds in rows)
    fine = np.prod(scene.fine_grid.shape)
    print(f"{'total':<28}{total:8.2f} s")
    print(
        f"{cells / 1e6:.2f} M cells, {fine / 1e6:.1f} M sub-cells, {len(inputs.buildings)} buildings a km2,"
        f" {numba.get_num_threads()} threads, peak memory {peak / 2**20:.2f} GiB"
    )


def sample(sub_cell: float) -> Inputs:
    """Return the inputs of the sample town on sub-cells of some metres."""
    city = read_city(CITY_FILE).model_copy(update={"model": ModelSection(sub_cell=sub_cell)})
    return read_inputs(city, CITY_FILE)


def store(run: Simulation) -> None:
    """Compute a run block by block into a store that does not last, and draw its pictures."""
    empty = {"type": "FeatureCollection", "features": []}
    manifest = {"run_id": "20250805T0000Z-00000000", "created": "2025-08-05T00:00:00Z"}
    with tempfile.TemporaryDirectory() as folder:
        new = NewRun(run.frame, manifest, build, empty, empty, blocks=run.blocks())
        RunStore(folder).write(new)


def repeated(town: Scene, buildings: gpd.GeoDataFrame, width: float, height: float) -> Scene:
    """Return the town repeated over some kilometres."""
    rows, columns = town.grid.shape
    edge, factor = town.halo * town.factor, town.factor
    shape = (round(height * 1000 / town.grid.cell_size), round(width * 1000 / town.grid.cell_size))
    times = tuple(-(-want // have) for want, have in zip(shape, (rows, columns), strict=True))

    def tiled(raster: np.ndarray, side: int) -> np.ndarray:  # type: ignore[type-arg]
        inner = raster[edge : edge + rows * factor, edge : edge + columns * factor] if side > 1 else raster
        return np.tile(inner, times)[: shape[0] * side, : shape[1] * side]

    grid = Grid(town.grid.crs, Affine(*town.grid.transform[:6]), shape)
    outlines = buildings.geometry.to_numpy()
    moved = [
        shapely.transform(outlines, (town.grid.cell_size * np.array([j * columns, -i * rows])).__add__)
        for i in range(times[0])
        for j in range(times[1])
    ]
    everywhere = gpd.GeoDataFrame(
        {"height": np.tile(buildings["height"].to_numpy(), len(moved))},
        geometry=np.concatenate(moved),
        crs=town.grid.crs,
    )
    canopy = None if town.crown_top is None else tiled(town.crown_top, factor)
    return Scene.from_buildings(
        grid,
        everywhere,
        terrain=tiled(town.terrain, factor),
        canopy=canopy,
        land_cover=tiled(town.land_cover, 1),
        factor=factor,
    )


if __name__ == "__main__":
    main()

"""Ours beside its peers, in one run on the same data: ``python -m benchmarks.peers``.

Peers that are not installed are named and left out; ``pip install 'heatrisk[peers]'`` installs them. Rounds
of ours and theirs alternate, so what else the machine does meets both; in each, either is called for a
quarter of a second at least. The ratio is of median times, beside it of the shortest, which a busy machine
distorts less.

Options: ``--only shadow sky step days wbgt utci vector``, ``--rounds N``, ``--json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple, TextIO

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely
from affine import Affine

from benchmarks.run import CITY_FILE, repeated, sample, store
from benchmarks.shadow import SUNS
from benchmarks.wbgt import weather
from heatrisk.blocks import views_by_blocks
from heatrisk.city import read_city
from heatrisk.fields import sky_views
from heatrisk.grid import Grid
from heatrisk.physics.shadow import sunlit, sunlit_fraction
from heatrisk.physics.sky import sky_view_factor
from heatrisk.physics.utci import utci
from heatrisk.physics.wbgt import liljegren
from heatrisk.run import Simulation, simulate
from heatrisk.scene import Scene
from heatrisk.sources.intake import read_inputs
from tests import naive, towns

NOON = "2025-08-05T03:00"  # UTC; the sample's weather has it
TURN = 0.25  # seconds that each has at a time: what sleeps between two calls of some ms wakes up slowly
SITE = 139.56, 35.68  # degrees east and north, of the step and of the vector shade


class Work(NamedTuple):
    """One thing that both do."""

    name: str
    peer: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    error: Callable[[Any, Any], str] = lambda ours, theirs: ""


class Row(NamedTuple):
    """What was measured: medians over the rounds, their ratio, and that of the shortest rounds."""

    name: str
    peer: str
    version: str
    ours_ms: float
    theirs_ms: float
    ratio: float
    shortest_ratio: float
    error: str


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", nargs="+", choices=list(WORKS), default=list(WORKS))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", action="store_true", help="print one JSON list and nothing else")
    chosen = options.parse_args()
    rows, table = [], sys.stderr if chosen.json else sys.stdout
    print(f"{numba.get_num_threads()} threads, medians of {chosen.rounds} rounds in turn", file=table)
    head = f"{'':<36}{'peer':<26}{'ours':>11}{'theirs':>12}{'ratio':>8}{'shortest':>11}  error"
    print(head, file=table)
    with redirect_stdout(sys.stderr):  # peers talk while they work
        for name in chosen.only:
            package, works = WORKS[name]
            try:
                import_module(package)
            except ImportError as missing:
                print(f"{name:<36}{package} cannot be imported, left out: {missing}", file=table)
                continue
            for work in works():
                rows.append(measure(work, chosen.rounds))
                show(rows[-1], table)
    if chosen.json:
        print(json.dumps([row._asdict() for row in rows], indent=1))


def measure(work: Work, rounds: int) -> Row:
    """Time both in turn, after one call each that compiles."""
    error = work.error(work.ours(), work.theirs())
    taken: list[list[float]] = [[], []]
    for _ in range(rounds):
        for side, call in enumerate((work.ours, work.theirs)):
            taken[side].append(1e3 * mean_time(call))
    ours, theirs = (statistics.median(side) for side in taken)
    ratios = theirs / ours, min(taken[1]) / min(taken[0])
    return Row(work.name, work.peer, version(work.peer), ours, theirs, *ratios, error)


def mean_time(call: Callable[[], Any]) -> float:
    """Return the mean time of a call [s], made again and again until a turn is long enough."""
    begun, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - begun < TURN:
        call()
        calls += 1
    return (time.perf_counter() - begun) / calls


def show(row: Row, table: TextIO) -> None:
    """Print one line of the table."""
    peer = f"{row.peer} {row.version}"
    times = f"{row.ours_ms:>8.1f} ms{row.theirs_ms:>9.0f} ms{row.ratio:>8.1f}{row.shortest_ratio:>11.1f}"
    print(f"{row.name:<36}{peer:<26}{times}  {row.error}", file=table, flush=True)


# --- shade and sky on a raster ------------------------------------------------------------------------------


def shadow_works() -> Iterator[Work]:
    """One sun on 2000 x 2000 cells of 5 m; errors on a quarter of it, against exact columns."""
    shadowing = solweig_shadowing()
    town = towns.blocks(2000).astype(np.float32)
    part, exact = np.ascontiguousarray(town[:1000, :1000]), naive.compiled(naive.sunlit)

    def theirs(raster: Any, elevation: float, azimuth: float) -> Any:
        relief = float(raster.max() - raster.min())
        return shadowing.calculate_shadows_wall_ht_25(azimuth, elevation, 5.0, relief, raster).bldg_sh

    for elevation, azimuth in SUNS:
        truth = exact(part.astype(float), 5.0, 90.0 - elevation, azimuth, 0.0)

        def wrong(*_: Any, sun: tuple[float, float] = (elevation, azimuth), truth: Any = truth) -> str:
            errors = sunlit(part, 5.0, 90.0 - sun[0], sun[1]) - truth, theirs(part, *sun) - truth
            return "; ".join(
                f"{who} {100 * np.mean(error != 0):.2f} % of cells wrong, bias {100 * error.mean():+.2f} %"
                for who, error in zip(("ours", "theirs"), errors, strict=True)
            )

        yield Work(
            f"sunlit raster, 4 M cells, sun at {elevation:.0f}",
            "solweig",
            lambda e=elevation, a=azimuth: sunlit(town, 5.0, 90.0 - e, a),
            lambda e=elevation, a=azimuth: theirs(town, e, a),
            wrong,
        )


def sky_works() -> Iterator[Work]:
    """Sky view factor of 1000 x 1000 cells; errors at 1000 of them, against the exact horizon."""
    solweig_shadowing()
    skyview = import_module("solweig.rustalgos").skyview
    town = np.ascontiguousarray(towns.blocks(2000)[:1000, :1000].astype(np.float32))
    no_trees, relief = np.zeros_like(town), float(town.max() - town.min())
    cells, exact = np.random.default_rng(0).integers(0, 1000, (1000, 2)), naive.compiled(naive.sky_view)

    def theirs() -> Any:
        runner = skyview.SkyviewRunner()
        return runner.calculate_svf(town, no_trees, no_trees, 5.0, False, relief, 2, 3.0).svf

    def rmse(*both: Any) -> str:
        truth = np.array([exact(town.astype(float), 5.0, i, j, 360) for i, j in cells])
        errors = [np.asarray(svf)[tuple(cells.T)] - truth for svf in both]
        return "; ".join(
            f"{who} rmse {np.sqrt(np.mean(error**2)):.4f}, bias {error.mean():+.4f}"
            for who, error in zip(("ours", "theirs"), errors, strict=True)
        )

    yield Work("sky view factor, 1 M cells", "solweig", lambda: sky_view_factor(town, 5.0), theirs, rmse)


def solweig_shadowing() -> Any:
    """Give the peer's shadow module, set to the processor: both are asked on the same machine."""
    shadowing = import_module("solweig.rustalgos").shadowing
    shadowing.disable_gpu()
    return shadowing


# --- a whole step -------------------------------------------------------------------------------------------


def step_works() -> Iterator[Work]:
    """Everything for one step of 1000 x 1000 cells, sky view known: ours 18 suns, theirs one."""
    town = np.ascontiguousarray(towns.blocks(2000)[:1000, :1000].astype(np.float32))
    ground = np.zeros_like(town)
    inputs = read_inputs(read_city(CITY_FILE), CITY_FILE)
    assert inputs.weather is not None
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25000.0, 0.0, -5.0, -33000.0), town.shape)
    scene = Scene.from_rasters(grid, town, ground)
    svf, steps = (
        sky_views(scene.shade, grid, scene.transmissivity, scene.extinction),
        pd.DatetimeIndex([NOON]),
    )
    yield Work(
        "one step of everything, 1 M cells",
        "solweig",
        lambda: simulate(scene, inputs.weather, steps=steps, svf=svf),
        solweig_step(dsm=town, dem=ground),
        lambda *_: "ours 18 suns, fluxes, WBGT, Tmrt, UTCI, risk; theirs one sun, Tmrt",
    )


def solweig_step(**rasters: Any) -> Callable[[], Any]:
    """Give the peer's step of a sunny noon over a town of 5 m cells; sky view and walls are prepared here."""
    solweig_shadowing()
    solweig = import_module("solweig")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        surface = solweig.SurfaceData.prepare(**rasters, pixel_size=5.0)
    place = solweig.Location(latitude=SITE[1], longitude=SITE[0], utc_offset=9)
    hour = solweig.Weather(datetime(2025, 8, 5, 12), ta=33.0, rh=60.0, global_rad=850.0, ws=2.0)

    def step() -> Any:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return solweig.calculate(surface, hour, place, output_dir=folder, outputs=["tmrt", "shadow"])

    return step


# --- three days ---------------------------------------------------------------------------------------------


def days_works() -> Iterator[Work]:
    """Three days of a city of 6.4 x 5.2 km on 1 m sub-cells, sky view known; theirs one step at 5 m."""
    inputs = sample(1.0)
    assert inputs.scene is not None and inputs.buildings is not None and inputs.weather is not None
    scene = repeated(inputs.scene, inputs.buildings, 6.4, 5.2)
    svf = views_by_blocks(scene)

    def cells(raster: Any) -> Any:
        rows, columns, edge = *scene.grid.shape, scene.halo * scene.factor
        inner = raster[edge : raster.shape[0] - edge, edge : raster.shape[1] - edge]
        return inner.reshape(rows, scene.factor, columns, scene.factor).max(axis=(1, 3)).astype(np.float32)

    def ours() -> None:
        store(Simulation(replace(scene), inputs.weather, svf=svf))  # a copy knows nothing of the town yet

    ground, trees = scene.terrain, np.nan_to_num(scene.crown_top)
    theirs = solweig_step(
        dsm=cells(np.fmax(scene.roof, ground)),
        dem=cells(ground),
        cdsm=cells(trees),
        smooth_quantized_dem=False,
    )
    yield Work(
        f"three days, {np.prod(scene.grid.shape) / 1e6:.1f} M cells",
        "solweig",
        ours,
        theirs,
        lambda *_: "ours 252 suns on 1 m, shade to pyramid; theirs one sun on 5 m, Tmrt",
    )


# --- the body -----------------------------------------------------------------------------------------------


def wbgt_works() -> Iterator[Work]:
    """WBGT from weather and sun, a million points."""
    thermofeel, data = import_module("thermofeel"), weather(1_000_000)
    ours = [data[name] for name in ("ta", "rh", "ps", "va", "ghi", "fdir", "cosz")]
    theirs = [data["ta"] + 273.15, *ours[1:]]
    yield Work(
        "WBGT after Liljegren, 1 M points",
        "thermofeel",
        lambda: liljegren(*ours),
        lambda: thermofeel.calculate_wbgt_liljegren(*theirs),
        lambda *_: "theirs takes the wind at 10 m and iterates to 0.02 K",
    )


def utci_works() -> Iterator[Work]:
    """UTCI, a million points."""
    models, random = import_module("pythermalcomfort.models"), np.random.default_rng(0)
    ta, rh = random.uniform(20.0, 40.0, 1_000_000), random.uniform(20.0, 80.0, 1_000_000)
    va, tmrt = random.uniform(0.5, 8.0, ta.size), ta + random.uniform(-5.0, 40.0, ta.size)

    def theirs() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return models.utci(tdb=ta, tr=tmrt, v=va, rh=rh, round_output=False).utci

    yield Work(
        "UTCI, 1 M points",
        "pythermalcomfort",
        lambda: utci(ta, rh, va, tmrt),
        theirs,
        lambda ours, theirs: f"largest difference {np.nanmax(np.abs(ours - theirs)):.4f} K",
    )


# --- shade of footprints ------------------------------------------------------------------------------------


def vector_works() -> Iterator[Work]:
    """Shade of a thousand footprints on 1 km2: ours from polygons to shares on cells, theirs to polygons."""
    peer, random = import_module("pybdshadow"), np.random.default_rng(0)
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25000.0, 0.0, -5.0, -33000.0), (200, 200))
    corners = np.array([-25000.0, -34000.0]) + random.uniform(20.0, 960.0, (1000, 2))
    sizes = random.uniform(8.0, 20.0, (1000, 2))
    boxes = shapely.box(*corners.T, *(corners + sizes).T)
    columns = {"height": random.uniform(4.0, 30.0, 1000), "building_id": np.arange(1000)}
    footprints = gpd.GeoDataFrame(columns, geometry=boxes, crs=grid.crs)
    abroad = footprints.to_crs(4326)
    moment = pd.Timestamp(datetime(2025, 8, 5, 6, tzinfo=UTC))

    def theirs() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return peer.bdshadow_sunlight(abroad.copy(), moment)

    yield Work(
        "shade of 1000 footprints",
        "pybdshadow",
        lambda: sunlit_fraction(Scene.from_buildings(grid, footprints).shade, 45.0, 250.0),
        theirs,
        lambda *_: "ours on 1 m sub-cells, theirs as polygons",
    )


WORKS: dict[str, tuple[str, Callable[[], Iterator[Work]]]] = {
    "shadow": ("solweig", shadow_works),
    "sky": ("solweig", sky_works),
    "step": ("solweig", step_works),
    "days": ("solweig", days_works),
    "wbgt": ("thermofeel", wbgt_works),
    "utci": ("pythermalcomfort", utci_works),
    "vector": ("pybdshadow", vector_works),
}

if __name__ == "__main__":
    main()

"""Speed and error of shade and sky view on a made town: ``python -m benchmarks.shadow``."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numba
import numpy as np

from heatrisk.physics.shadow import ShadeScene, shade_scene, sunlit, sunlit_fraction
from heatrisk.physics.sky import TOWN_SKY, sky_view_factor, sky_view_fraction
from tests import naive, towns

SUNS = [(35.0, 215.3), (10.0, 240.7), (65.0, 181.0)]


def best(call: Callable[[], object], repeats: int = 7) -> float:
    """Give the shortest of several runs [s], after one that compiles."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def row(name: str, cells: int, seconds: float) -> None:
    """Print one line of the table."""
    print(f"{name:<52}{1e3 * seconds:>10.1f} ms{cells / seconds / 1e6:>9.0f} Mcells/s")


@numba.njit(parallel=True)
def _total(values: np.ndarray) -> float:  # type: ignore[type-arg]
    sums = np.zeros(values.shape[0], np.float32)
    for i in numba.prange(values.shape[0]):
        lanes = np.zeros(64, np.float32)
        for left in range(0, values.shape[1] - 63, 64):
            for k in range(64):
                lanes[k] += values[i, left + k]
        sums[i] = lanes.sum()
    return sums.sum()


def bandwidth() -> float:
    """Measure and print what all threads read from memory [bytes s-1]: a sum, and nothing else to do."""
    values = np.ones((4096, 16384), np.float32)
    rate = values.nbytes / best(partial(_total, values))
    print(f"a sum reads {rate / 1e9:.1f} GB/s from memory")
    return rate


def town_scene(size: int, trees: bool) -> ShadeScene:
    """Build a town of houses on 1 m sub-cells, with or without an orchard."""
    town = np.minimum(towns.blocks(size, cell_size=1.0), 30.0)
    roof = np.where(town > 0.0, town, np.nan)
    top, base = towns.orchard(size, size * size // 1500) if trees else (None, None)
    return shade_scene(np.zeros_like(town), roof, crown_top=top, crown_base=base)


def speed(size: int = 3000) -> None:
    """Print throughput of the pipeline's form and of the surface forms."""
    print(f"{numba.get_num_threads()} threads; {size} x {size} sub-cells of 1 m to cells of 5 m")
    fastest = bandwidth()
    for trees in (False, True):
        scene = town_scene(size, trees)
        what = "buildings and trees" if trees else "buildings"
        for elevation, azimuth in SUNS:
            seconds = best(partial(sunlit_fraction, scene, 90.0 - elevation, azimuth))
            row(f"sunlit_fraction, {what}, sun at {elevation:.0f}", size**2, seconds)
            read = sum(part.nbytes for part in scene.by_row)
            print(f"{'':<52}{read / seconds / fastest:>10.0%} of the bandwidth")
        seconds = best(partial(sky_view_fraction, scene), repeats=1)
        row(f"sky_view_fraction, {what}, {TOWN_SKY[0]} x {TOWN_SKY[1]}", size**2, seconds)
    surface = towns.blocks(2000)
    for elevation, azimuth in SUNS:
        seconds = best(partial(sunlit, surface, 5.0, 90.0 - elevation, azimuth))
        row(f"sunlit, 4 M cells, sun at {elevation:.0f}", surface.size, seconds)
        moved = surface.nbytes + 4 * surface.size
        print(f"{'':<52}{moved / seconds / fastest:>10.0%} of the bandwidth, read and written")
    quarter = surface[:1000, :1000].copy()
    row("sky_view_factor, 1 M cells", quarter.size, best(partial(sky_view_factor, quarter, 5.0), repeats=2))


def errors(size: int = 1000) -> None:
    """Print cells wrong against exact column geometry, all cells."""
    surface, exact = towns.blocks(size), naive.compiled(naive.sunlit)
    print(f"\nagainst exact columns, {size} x {size} cells of 5 m")
    for elevation, azimuth in SUNS:
        truth = exact(surface, 5.0, 90.0 - elevation, azimuth, 0.0)
        error = sunlit(surface, 5.0, 90.0 - elevation, azimuth) - truth
        wrong, bias = 100.0 * np.mean(error != 0.0), 100.0 * error.mean()
        print(f"sun at {elevation:>2.0f}, azimuth {azimuth:>5.1f}:  {wrong:.2f} % wrong, bias {bias:+.3f} %")


if __name__ == "__main__":
    speed()
    errors()

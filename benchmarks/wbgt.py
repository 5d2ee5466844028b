"""Points per second of the exact WBGT solver: ``python -m benchmarks.wbgt``."""

from __future__ import annotations

import time
from collections.abc import Callable

import numba
import numpy as np

from heatrisk.physics.air import sky_longwave
from heatrisk.physics.constants import KELVIN, SIGMA
from heatrisk.physics.irradiance import direct_fraction
from heatrisk.physics.radiant import longwave, shortwave
from heatrisk.physics.wbgt import from_fluxes, liljegren

POINTS = 1_000_000
REPEATS = 5


def weather(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random days in a town: weather, sun and the place in the street."""
    rng = np.random.default_rng(seed)
    ta, rh = rng.uniform(20.0, 40.0, n), rng.uniform(25.0, 95.0, n)
    cosz = rng.uniform(0.05, 0.98, n)
    ghi = 1100.0 * cosz * rng.uniform(0.1, 0.9, n)
    fdir = direct_fraction(ghi, cosz)
    beam, diffuse = ghi * fdir / cosz, ghi * (1.0 - fdir)
    lit, svf = rng.integers(0, 2, n).astype(float), rng.uniform(0.1, 1.0, n)
    dni, sky, warm = lit * beam, sky_longwave(ta, rh), ta + rng.uniform(0.0, 20.0, n)
    kdown, kup = shortwave(beam, diffuse, cosz, lit, svf, svf, 0.1 * ghi, 0.0, 0.15)
    ldown, lup = longwave(sky, ta, svf, svf, SIGMA * (ta + KELVIN) ** 4, 0.0, warm, 0.95)
    return {
        "ta": ta, "rh": rh, "ps": rng.uniform(985.0, 1020.0, n), "va": rng.uniform(0.2, 5.0, n), "ghi": ghi,
        "fdir": fdir, "cosz": cosz, "dni": dni, "kdown": kdown, "kup": kup, "ldown": ldown, "lup": lup,
    }  # fmt: skip


def rate(work: Callable[[], object], points: int) -> tuple[float, float]:
    """Points per second of wall time and of processor time, the best of some repeats after a warm-up."""
    work()
    wall = processor = np.inf
    for _ in range(REPEATS):
        started = time.perf_counter(), time.process_time()
        work()
        wall = min(wall, time.perf_counter() - started[0])
        processor = min(processor, time.process_time() - started[1])
    return points / wall, points / processor


def main() -> None:
    """Print one table."""
    data = weather(POINTS)
    fluxes = [data[name] for name in ("ta", "rh", "ps", "va", "dni", "cosz", "kdown", "kup", "ldown", "lup")]
    program = [data[name] for name in ("ta", "rh", "ps", "va", "ghi", "fdir", "cosz")]
    print(f"{POINTS:,} random points; points/s of wall time, and per second of processor time")
    for threads in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        numba.set_num_threads(threads)
        for name, work in (
            ("from_fluxes", lambda: from_fluxes(*fluxes)),
            ("liljegren", lambda: liljegren(*program)),
        ):
            wall, processor = rate(work, POINTS)
            print(f"{name:12s} {threads:2d} thread(s) {wall:12,.0f} {processor:12,.0f}")
    one = [float(x[0]) for x in fluxes]
    single, _ = rate(lambda: [from_fluxes(*one) for _ in range(1000)], 1000)
    print(f"one point at a time {single:16,.0f}")


if __name__ == "__main__":
    main()

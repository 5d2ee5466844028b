"""One whole step of a run against its slow twin, which knows nothing but the equations."""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from heatrisk.forcing import forcing
from heatrisk.physics.surface import LAND_COVER, WALL, parameters
from heatrisk.run import simulate
from heatrisk.weather import Weather
from tests import naive_step
from tests.slab_town import BEHIND, GROVE, OPEN, cloudless, overcast, town

HOUR = pd.Timedelta("1h")
EDGE = (12, 12)  # at noon partly in the shade of the slab
GROUND, WALLS = parameters(LAND_COVER), parameters([WALL])[0]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: towns as small as these run faster so."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


def arrays(data: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): values.values for name, values in data.items() if values.ndim}


# The run knows one sun for three hours of the day before, and 0.01 of sky view factor lies between the two.
@pytest.mark.parametrize(
    ("weather", "when", "cell", "kind"),
    [
        (cloudless(), "2025-08-05T03:30", GROVE, 5),
        (cloudless(), "2025-08-05T03:30", EDGE, 6),
        (cloudless(), "2025-08-05T05:30", OPEN, 1),
        (cloudless(), "2025-08-05T03:30", BEHIND, 1),
        (overcast(), "2025-08-05T03:30", BEHIND, 5),
        (cloudless(), "2025-08-05T12:30", BEHIND, 1),
    ],
    ids=["grove", "edge", "sun-asphalt", "shaded-asphalt", "overcast", "night"],
)  # fmt: skip
def test_a_step_is_what_the_equations_say(
    weather: Weather, when: str, cell: tuple[int, int], kind: int
) -> None:
    scene = town(land_cover=np.full((24, 24), kind, np.uint8))
    steps = pd.DatetimeIndex([when])
    run = simulate(scene, weather, steps=steps, step=HOUR, anchor=False)
    drive = forcing(weather, steps, *scene.grid.centre_lonlat, anchor=False, step=HOUR)
    past, now = (arrays(part.isel(time=0)) for part in (drive.before, drive.data))
    tops = np.where(np.isnan(scene.roof), scene.terrain, scene.roof)
    assert scene.crown_top is not None
    rasters = (np.asarray(r, float) for r in (scene.terrain, tops, scene.crown_top, scene.crown_base))
    felt = naive_step.felt(naive_step.Town(*rasters), cell, past, now, GROUND[0], GROUND[kind - 1], WALLS)
    for name, within in (("wbgt_moe", 0.05), ("wbgt_iso", 0.05), ("tmrt", 0.6)):
        assert float(run[name].values[0][cell]) == pytest.approx(felt[name], abs=within), name
    assert float(run["svf"].values[cell]) == pytest.approx(felt["svf"], abs=0.015)

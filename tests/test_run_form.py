"""The dataset that simulate() returns: names, types and CF attributes."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS

from heatrisk.quantities import QUANTITIES
from heatrisk.risk import RISK_SCALES
from heatrisk.run import simulate
from tests.slab_town import plain, result, sunny


def test_variables_dimensions_and_types() -> None:
    data = result()
    maps = ("time", "y", "x")
    expected = {
        "wbgt_moe": (maps, np.float32), "wbgt_moe_max": (maps, np.float32), "wbgt_iso": (maps, np.float32),
        "wbgt_moe_sun": (maps, np.float32), "wbgt_moe_shade": (maps, np.float32),
        "tmrt": (maps, np.float32), "utci": (maps, np.float32),
            "wbgt_moe_sd": (maps, np.float32), "p_danger": (maps, np.float32),
        "sunlit": (maps, np.float32), "risk": (maps, np.int8), "risk_sport": (maps, np.int8),
        "svf": (("y", "x"), np.float32), "mask": (("y", "x"), np.uint8),
        "official": (("time",), np.float64), "anchor_offset": (("time",), np.float64),
    }  # fmt: skip
    assert {name: (array.dims, array.dtype.type) for name, array in data.data_vars.items()} == expected
    assert data["time"].dtype == data["time_bnds"].dtype == np.dtype("datetime64[ns]")
    assert float(np.nanmin(data["sunlit"])) >= 0.0 and float(np.nanmax(data["sunlit"])) <= 1.0


def test_cf_conventions() -> None:
    data = result()
    assert data.attrs["Conventions"] == "CF-1.11"
    assert data["time"].attrs["standard_name"] == "time"
    assert data["x"].attrs["standard_name"] == "projection_x_coordinate"
    assert data["y"].attrs["standard_name"] == "projection_y_coordinate"
    assert data["x"].attrs["units"] == data["y"].attrs["units"] == "m"
    assert CRS.from_cf(data["spatial_ref"].attrs) == CRS.from_epsg(6677)
    for name in set(data.data_vars) - {"official", "anchor_offset", "time_bnds"}:
        assert data[name].attrs["grid_mapping"] == "spatial_ref", name
        assert data[name].attrs["long_name"], name
    for name in set(QUANTITIES) & set(data.data_vars):
        assert data[name].attrs["units"] == QUANTITIES[name].units
    assert data["wbgt_iso"].attrs["standard_name"] == "wet_bulb_globe_temperature"
    assert data["wbgt_moe_max"].attrs["cell_methods"].startswith("time: maximum")
    assert data["wbgt_moe"].attrs["cell_methods"].startswith("time: mean")


def test_bounds_are_90_minutes_either_side() -> None:
    data = result()
    assert data["time"].attrs["bounds"] == "time_bnds"
    half = np.timedelta64(90, "m")
    np.testing.assert_array_equal(data["time_bnds"].values[:, 0], data["time"].values - half)
    np.testing.assert_array_equal(data["time_bnds"].values[1:, 0], data["time_bnds"].values[:-1, 1])


@pytest.mark.parametrize("name, scale", [("risk", "daily"), ("risk_sport", "sport")])
def test_classes_are_flags(name: str, scale: str) -> None:
    attrs = result()[name].attrs
    assert attrs["flag_values"].dtype == np.int8
    assert attrs["flag_values"].tolist() == list(range(len(RISK_SCALES[scale].levels)))
    assert attrs["flag_meanings"].split() == [level.code for level in RISK_SCALES[scale].levels]


def test_mask_is_a_flag() -> None:
    attrs = result()["mask"].attrs
    assert attrs["flag_values"].tolist() == [0, 1, 2]
    assert attrs["flag_meanings"] == "outdoors building outside"


def test_progress_is_told_after_every_step() -> None:
    said: list[tuple[int, int]] = []
    simulate(plain(), sunny(), progress=lambda done, of: said.append((done, of)))
    assert said == [(k + 1, 6) for k in range(6)]

"""Heat indices with labels, against rows of an independent solver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from heatrisk.errors import InputError, MissingQuantityError
from heatrisk.indices import HEAT_INDICES, heat_index

# Bisection of the printed balances by an independent solver, 1008 hPa and 1 m/s: sunny lawn, building
# shade, lawn at night.
# ta, rh, dni, cosz, kdown, kup, ldown, lup -> wbgt_iso, wbgt_moe
ROWS = np.array(
    [
        [33, 55, 802.17, 0.92, 162.0, 180.0, 460.71, 527.88, 32.163, 31.227],
        [33, 55, 0.0, 0.92, 142.2, 21.33, 481.29, 516.05, 28.964, 28.557],
        [28, 75, 0.0, 0.0, 0.0, 0.0, 432.82, 458.79, 25.285, 25.333],
    ]
)
NAMES = ("ta", "rh", "dni", "cosz", "kdown", "kup", "ldown", "lup")


def fluxes() -> xr.Dataset:
    data = xr.Dataset({name: ("place", ROWS[:, k]) for k, name in enumerate(NAMES)})
    return data.assign(ps=1008.0, va=1.0, tmrt=("place", [60.0, 40.0, 25.0]))


@pytest.mark.parametrize("name, column", [("wbgt_iso", 8), ("wbgt_moe", 9)])
def test_index_of_published_rows(name: str, column: int) -> None:
    result = heat_index(name, fluxes())
    np.testing.assert_allclose(result, ROWS[:, column], rtol=0, atol=0.003)
    assert result.name == name
    assert result.attrs["units"] == "degC"


def test_inputs_broadcast_by_dimension() -> None:
    data = fluxes().assign(va=("wind", np.array([1.0, 3.0])))
    result = heat_index("wbgt_moe", data)
    assert set(result.dims) == {"place", "wind"}
    np.testing.assert_allclose(result.isel(wind=0), ROWS[:, 9], rtol=0, atol=0.003)
    assert (result.isel(wind=1, place=0) < result.isel(wind=0, place=0)).all()


@pytest.mark.parametrize(
    "name, missing", [(row.name, quantity) for row in HEAT_INDICES.values() for quantity in row.inputs]
)
def test_nan_in_nan_out(name: str, missing: str) -> None:
    data = fluxes()
    data[missing] = data[missing].where(False)
    assert np.isnan(heat_index(name, data)).all()


def test_utci_takes_the_wind_of_2_m() -> None:
    # Row of reference/utci.csv at 10 m, with its wind brought down by ln(200) / ln(1000).
    row = pd.read_csv(Path(__file__).parent / "reference" / "utci.csv", comment="#").iloc[300]
    data = xr.Dataset({name: float(row[name]) for name in ("ta", "rh", "tmrt")})
    result = heat_index("utci", data.assign(va=row["va"] * 0.7670))
    assert float(result) == pytest.approx(row["utci_pythermalcomfort"], abs=0.01)
    assert result.name == "utci"


def test_unknown_index() -> None:
    with pytest.raises(InputError, match="wbgt_moe"):
        heat_index("wbgt", fluxes())


def test_missing_input_is_named() -> None:
    with pytest.raises(MissingQuantityError, match="lup"):
        heat_index("wbgt_moe", fluxes().drop_vars("lup"))

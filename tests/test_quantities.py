"""The rows of quantities, and the check at the door."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from heatrisk.errors import MissingQuantityError, UnitsError
from heatrisk.quantities import QUANTITIES, Quantity, checked, labelled

# Entries of the CF standard name table, version 93, with their canonical units.
CF_NAMES = {
    "air_temperature": "K",
    "relative_humidity": "1",
    "wind_speed": "m s-1",
    "surface_air_pressure": "Pa",
    "surface_downwelling_shortwave_flux_in_air": "W m-2",
    "surface_upwelling_shortwave_flux_in_air": "W m-2",
    "surface_downwelling_longwave_flux_in_air": "W m-2",
    "surface_upwelling_longwave_flux_in_air": "W m-2",
    "surface_direct_along_beam_shortwave_flux_in_air": "W m-2",
    "surface_diffuse_downwelling_shortwave_flux_in_air": "W m-2",
    "solar_zenith_angle": "degree",
    "solar_azimuth_angle": "degree",
    "wet_bulb_globe_temperature": "K",
}
SAME_DIMENSION = {"degC": "K", "%": "1", "hPa": "Pa"}


def series(**values: float) -> xr.Dataset:
    return xr.Dataset({name: ("time", np.array([20.0, value])) for name, value in values.items()})


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES.keys())
def test_row_is_complete(quantity: Quantity) -> None:
    low, high = quantity.valid_range
    assert low < high
    assert quantity.attrs["units"] == quantity.units
    assert quantity.attrs["long_name"] != quantity.attrs["long_name_ja"]
    if quantity.standard_name is not None:
        assert SAME_DIMENSION.get(quantity.units, quantity.units) == CF_NAMES[quantity.standard_name]


def test_only_the_iso_convention_claims_the_cf_name_of_wbgt() -> None:
    claims = [row.name for row in QUANTITIES.values() if row.standard_name == "wet_bulb_globe_temperature"]
    assert claims == ["wbgt_iso"]


@pytest.mark.parametrize("name", [row.name for row in QUANTITIES.values() if row.resolution is not None])
def test_sixteen_bits_hold_the_whole_range_at_the_stored_resolution(name: str) -> None:
    resolution = QUANTITIES[name].resolution
    assert resolution is not None
    low, high = np.array(QUANTITIES[name].valid_range) / resolution
    limits = np.iinfo(np.int16)
    assert limits.min < low < high < limits.max


def test_labelled_gives_name_and_attributes() -> None:
    @labelled("svf")
    def compute(value: float) -> xr.DataArray:
        """Say what it is."""
        return xr.DataArray([value], dims="x", attrs={"extra": "kept"})

    array = compute(0.5)
    assert array.name == "svf"
    assert array.attrs["units"] == "1"
    assert array.attrs["extra"] == "kept"
    assert compute.__doc__ == "Say what it is."


def test_checked_returns_good_data_untouched() -> None:
    data = series(ta=33.0, rh=np.nan)
    assert checked(data, "ta", "rh") is data


def test_checked_names_what_is_missing() -> None:
    with pytest.raises(MissingQuantityError, match="rh is missing") as caught:
        checked(series(ta=33.0), "ta", "rh")
    assert "rh がありません" in caught.value.text("ja")


@pytest.mark.parametrize("name, value", [("ta", 306.15), ("rh", 100.5), ("va", -0.1), ("ps", 100_800.0)])
def test_checked_refuses_impossible_values(name: str, value: float) -> None:
    data = series(ta=33.0, rh=55.0).assign({name: ("time", np.array([np.nan, value]))})
    with pytest.raises(UnitsError) as caught:
        checked(data, "ta")
    for text in (caught.value.text("ja"), caught.value.text("en")):
        assert name in text
        assert f"{value:g}" in text


def test_checked_refuses_another_unit() -> None:
    data = series(ta=33.0)
    data["ta"].attrs["units"] = "K"
    with pytest.raises(UnitsError, match="expected degC; got K"):
        checked(data)


def test_checked_reports_the_first_of_several_in_the_order_of_the_rows() -> None:
    with pytest.raises(UnitsError, match=r"^ta "):
        checked(series(ps=0.0, va=-1.0, rh=-1.0, ta=99.0))

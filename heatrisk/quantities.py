"""What the numbers mean: one row per quantity, and the decorator that puts the row on an array.

Names are the field's: ``ta rh va ps ghi dni dhi zenith azimuth sunlit svf wbgt_moe wbgt_iso tmrt utci risk``.
Nothing is called plain "WBGT": ``wbgt_moe`` follows Japanese official practice (psychrometric wet bulb,
150 mm globe), ``wbgt_iso`` follows ISO 7243 (natural wet bulb, 50 mm globe after Liljegren et al. 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

import xarray as xr

from heatrisk.errors import MissingQuantityError, UnitsError
from heatrisk.words import Words

P = ParamSpec("P")


@dataclass(frozen=True)
class Quantity:
    """One physical quantity.

    Parameters
    ----------
    name : str
        Short name, the same in code, files and API.
    units : str
        UDUNITS string.
    words : Words
        Long name in both languages.
    valid_range : tuple of float
        Values outside are errors of the input, not weather.
    standard_name : str, optional
        CF standard name, where one exists.
    resolution : float, optional
        Step at which values are stored; None keeps 32-bit floats.
    """

    name: str
    units: str
    words: Words
    valid_range: tuple[float, float]
    standard_name: str | None = None
    resolution: float | None = None

    @property
    def attrs(self) -> dict[str, str]:
        """CF attributes of a variable that holds this quantity."""
        attrs = {"units": self.units, "long_name": self.words.en, "long_name_ja": self.words.ja}
        return attrs if self.standard_name is None else {**attrs, "standard_name": self.standard_name}


_ROWS = (
    Quantity("ta", "degC", Words("気温", "air temperature"), (-60, 60), "air_temperature"),
    Quantity("rh", "%", Words("相対湿度", "relative humidity"), (0, 100), "relative_humidity"),
    Quantity("va", "m s-1", Words("風速", "wind speed"), (0, 75), "wind_speed"),
    Quantity(
        "ps", "hPa", Words("現地気圧", "air pressure at the ground"), (500, 1100), "surface_air_pressure"
    ),
    Quantity(
        "ghi",
        "W m-2",
        Words("全天日射量", "global horizontal irradiance"),
        (0, 1500),
        "surface_downwelling_shortwave_flux_in_air",
    ),
    Quantity(
        "dni",
        "W m-2",
        Words("直達日射量", "direct normal irradiance"),
        (0, 1400),
        "surface_direct_along_beam_shortwave_flux_in_air",
    ),
    Quantity(
        "dhi",
        "W m-2",
        Words("散乱日射量", "diffuse horizontal irradiance"),
        (0, 1000),
        "surface_diffuse_downwelling_shortwave_flux_in_air",
    ),
    Quantity("zenith", "degree", Words("天頂角", "solar zenith angle"), (0, 180), "solar_zenith_angle"),
    Quantity(
        "azimuth",
        "degree",
        Words("太陽方位角", "solar azimuth, clockwise from north"),
        (0, 360),
        "solar_azimuth_angle",
    ),
    Quantity("svf", "1", Words("天空率", "sky view factor"), (0, 1), resolution=0.001),
    Quantity(
        "svf_buildings",
        "1",
        Words("天空率（樹木を除く）", "sky view factor without trees"),
        (0, 1),
        resolution=0.001,
    ),
    Quantity(
        "sunlit",
        "1",
        Words("日なたの割合", "sunlit share of the outdoor ground over the step"),
        (0, 1),
        resolution=0.001,
    ),
    Quantity(
        "wbgt_moe",
        "degC",
        Words("暑さ指数（環境省方式）", "WBGT, Japanese official practice"),
        (-60, 80),
        resolution=0.01,
    ),
    Quantity(
        "wbgt_moe_max",
        "degC",
        Words(
            "暑さ指数（環境省方式）、時間帯内の最大",
            "WBGT, Japanese official practice, highest within the step",
        ),
        (-60, 80),
        resolution=0.01,
    ),
    Quantity(
        "wbgt_iso",
        "degC",
        Words("湿球黒球温度（ISO 7243）", "WBGT after ISO 7243"),
        (-60, 80),
        "wet_bulb_globe_temperature",
        resolution=0.01,
    ),
    Quantity(
        "wbgt_moe_sun",
        "degC",
        Words(
            "暑さ指数（環境省方式）、日なた側", "WBGT, Japanese official practice, where the cell is sunny"
        ),
        (-60, 80),
        resolution=0.01,
    ),
    Quantity(
        "wbgt_moe_shade",
        "degC",
        Words("暑さ指数（環境省方式）、日陰側", "WBGT, Japanese official practice, where the cell is shady"),
        (-60, 80),
        resolution=0.01,
    ),
    Quantity(
        "tmrt",
        "degC",
        Words("平均放射温度（立位の人体）", "mean radiant temperature of a standing person"),
        (-100, 150),
        resolution=0.01,
    ),
    Quantity(
        "utci",
        "degC",
        Words("UTCI（体感温度）", "Universal Thermal Climate Index"),
        (-110, 80),
        resolution=0.01,
    ),
    Quantity(
        "wbgt_moe_sd",
        "K",
        Words("暑さ指数（環境省方式）の標準偏差", "standard deviation of WBGT, Japanese official practice"),
        (0, 20),
        resolution=0.01,
    ),
    Quantity(
        "p_danger",
        "1",
        Words("暑さ指数（環境省方式）が31以上となる確率", "probability that WBGT is 31 or more"),
        (0, 1),
        resolution=0.001,
    ),
    Quantity("risk", "1", Words("熱中症の危険度（日常生活）", "heat-stroke risk class, daily life"), (0, 4)),
    Quantity("risk_sport", "1", Words("熱中症の危険度（運動）", "heat-stroke risk class, sport"), (0, 4)),
)

# What the six faces of a body receive; a face is named after where it looks.
_FACES = (
    ("down", Words("上からの", " radiation from above")),
    ("up", Words("下からの", " radiation from below")),
    ("north", Words("北からの", " radiation from the north")),
    ("east", Words("東からの", " radiation from the east")),
    ("south", Words("南からの", " radiation from the south")),
    ("west", Words("西からの", " radiation from the west")),
)
_FLUXES = tuple(
    Quantity(
        f"{letter}{face}",
        "W m-2",
        Words(words.ja + kind.ja, kind.en + words.en),
        (0, 1500),
        f"surface_{face}welling_{name}_flux_in_air" if face in ("down", "up") else None,
    )
    for letter, name, kind in (
        ("k", "shortwave", Words("短波放射量", "short-wave")),
        ("l", "longwave", Words("長波放射量", "long-wave")),
    )
    for face, words in _FACES
)

QUANTITIES: dict[str, Quantity] = {row.name: row for row in (*_ROWS, *_FLUXES)}


def labelled(name: str) -> Callable[[Callable[P, xr.DataArray]], Callable[P, xr.DataArray]]:
    """Give the array that a function returns its name and CF attributes.

    Parameters
    ----------
    name : str
        A row of :data:`QUANTITIES`.

    Returns
    -------
    callable
        Decorator for functions that return an ``xarray.DataArray``.
    """
    quantity = QUANTITIES[name]

    def decorate(function: Callable[P, xr.DataArray]) -> Callable[P, xr.DataArray]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> xr.DataArray:
            return function(*args, **kwargs).rename(name).assign_attrs(quantity.attrs)

        return wrapper

    return decorate


def checked(dataset: xr.Dataset, *names: str) -> xr.Dataset:
    """Return a dataset whose named variables exist, in the right unit and range.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables named as in :data:`QUANTITIES`.
    *names : str
        The variables that must be there; others are checked only when present.

    Returns
    -------
    xarray.Dataset
        The same dataset.

    Raises
    ------
    MissingQuantityError
        A named variable is absent.
    UnitsError
        A ``units`` attribute differs, or a value lies outside the valid range (NaN is allowed).
    """
    for name in names:
        if name not in dataset:
            raise MissingQuantityError(
                Words(f"{name} がありません", f"{name} is missing"),
                expected=", ".join(names),
                got=", ".join(map(str, dataset.data_vars)) or "nothing",
            )
    for name, quantity in QUANTITIES.items():
        if name not in dataset:
            continue
        array = dataset[name]
        units = array.attrs.get("units", quantity.units)
        if units != quantity.units:
            raise UnitsError(f"{name} is in another unit", expected=quantity.units, got=str(units))
        low, high = quantity.valid_range
        wrong = (array < low) | (array > high)
        if bool(wrong.any()):
            worst = float(array.values[wrong.values][0])
            raise UnitsError(
                Words(f"{name} の値が範囲外です", f"{name} has values outside its range"),
                expected=f"{low:g} to {high:g} {quantity.units}",
                got=f"{worst:g}",
                remedy=Words("単位を確かめてください", "Check the unit of this column."),
            )
    return dataset

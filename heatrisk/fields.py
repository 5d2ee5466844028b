"""Physics with labels: the sun over a place, and shade on a grid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib
import xarray as xr

from heatrisk.grid import Grid
from heatrisk.physics.constants import COSZ_BEAM_MIN
from heatrisk.physics.irradiance import angstrom_prescott
from heatrisk.physics.shadow import ShadeScene, sun_shares
from heatrisk.physics.sky import sky_shares, sky_view_fraction
from heatrisk.quantities import QUANTITIES, labelled

Floats = npt.NDArray[np.float64]

#: Instants at which the sun is looked up within an interval of sunshine.
_SUN_PARTS = 12


def sun_path(times: pd.DatetimeIndex, lon: float, lat: float) -> xr.Dataset:
    """Return where the sun stands, and what it sends under a clear sky.

    Parameters
    ----------
    times : pandas.DatetimeIndex
        Instants, UTC without zone.
    lon, lat : float
        Place [degrees].

    Returns
    -------
    xarray.Dataset
        On ``time``: ``zenith`` (refracted) and ``azimuth`` [degree]; ``ghi``, ``dni``, ``dhi`` of the clear
        sky [W m-2].

    References
    ----------
    .. [1] I. Reda, A. Andreas (2004), Solar position algorithm for solar radiation applications,
       Solar Energy 76, 577-589; as in ``pvlib.solarposition``.
    .. [2] P. Ineichen, R. Perez (2002), A new airmass independent formulation for the Linke turbidity
       coefficient, Solar Energy 73, 151-157; monthly turbidity as in ``pvlib.clearsky``.
    """
    zenith, _, azimuth = _sun(times, lon, lat)
    height = _height(lon, lat)
    airmass = pvlib.atmosphere.get_absolute_airmass(
        pvlib.atmosphere.get_relative_airmass(zenith), pvlib.atmosphere.alt2pres(height)
    )
    turbidity = _turbidity(times, lon, lat)
    with np.errstate(divide="ignore"):  # of a sun below the horizon, by its cosine
        clear = pvlib.clearsky.ineichen(
            zenith, airmass, turbidity, altitude=height, dni_extra=extraterrestrial(times)
        )
    columns = {"zenith": zenith, "azimuth": azimuth} | {name: clear[name] for name in ("ghi", "dni", "dhi")}
    arrays = {name: ("time", one, QUANTITIES[name].attrs) for name, one in columns.items()}
    return xr.Dataset(arrays, coords={"time": times})


def _sun(times: pd.DatetimeIndex, lon: float, lat: float) -> tuple[Floats, Floats, Floats]:
    """Return the refracted and the true zenith angle and the azimuth of the sun [degrees]; times are UTC.

    As ``pvlib.solarposition.get_solarposition`` with its standard air, without the tables around it.
    """
    seconds = (times.values - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    found = pvlib.spa.solar_position(seconds, lat, lon, 0.0, 1013.25, 12.0, 67.0, 0.5667, 1)
    apparent, zenith, _, _, azimuth, _ = found
    return apparent, zenith, azimuth


def extraterrestrial(times: pd.DatetimeIndex) -> Floats:
    """Return the irradiance of the sun above the atmosphere, on a plane normal to it [W m-2]."""
    extra: Floats = pvlib.irradiance.get_extra_radiation(times.dayofyear.to_numpy())
    return extra


@lru_cache(maxsize=256)
def _height(lon: float, lat: float) -> float:
    """Return the height of a place above the sea, read from a file [m]."""
    return float(pvlib.location.lookup_altitude(lat, lon))


def standard_pressure(lon: float, lat: float) -> float:
    """Return the pressure of the standard atmosphere at the height of a place [hPa].

    Parameters
    ----------
    lon, lat : float
        Place [degrees].
    """
    return float(pvlib.atmosphere.alt2pres(_height(lon, lat))) / 100.0


@lru_cache(maxsize=256)
def _turbidity_of_year(year: int, lon: float, lat: float) -> Floats:
    """Return the Linke turbidity of every day of a year, read from a file."""
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31", tz="UTC")
    turbidity: Floats = pvlib.clearsky.lookup_linke_turbidity(days, lat, lon).to_numpy()
    turbidity.setflags(write=False)
    return turbidity


def _turbidity(times: pd.DatetimeIndex, lon: float, lat: float) -> Floats:
    turbidity = np.empty(times.size)
    for year in np.unique(times.year):
        within = times.year == year
        turbidity[within] = _turbidity_of_year(int(year), lon, lat)[times[within].dayofyear - 1]
    return turbidity


def diffuse_of(ghi: xr.DataArray, path: xr.Dataset) -> xr.DataArray:
    """Return the diffuse part of global irradiance after Erbs et al. (1982).

    Parameters
    ----------
    ghi : xarray.DataArray
        Global horizontal irradiance at the instants of ``path`` [W m-2].
    path : xarray.Dataset
        As from :func:`sun_path`.

    Returns
    -------
    xarray.DataArray
        Diffuse horizontal irradiance [W m-2].

    References
    ----------
    .. [1] D. G. Erbs, S. A. Klein, J. A. Duffie (1982), Estimation of the diffuse radiation fraction for
       hourly, daily and monthly-average global radiation, Solar Energy 28, 293-302; as in
       ``pvlib.irradiance.erbs``.
    """
    days = path["time"].dt.dayofyear.values
    split = pvlib.irradiance.erbs(ghi.values, path["zenith"].values, days)
    return xr.DataArray(
        split["dhi"], dims=ghi.dims, coords=ghi.coords, name="dhi", attrs=QUANTITIES["dhi"].attrs
    )


def sky_parts(path: xr.Dataset) -> xr.Dataset:
    """Return what of the diffuse radiation comes from around the sun, and from the band at the horizon.

    Parameters
    ----------
    path : xarray.Dataset
        On ``time`` (UTC without zone): ``zenith`` [degree], ``dni`` and ``dhi`` [W m-2].

    Returns
    -------
    xarray.Dataset
        On ``time`` [W m-2]: ``circumsolar``, on a plane normal to the sun, none where there is no beam to
        speak of, so that a low sun makes no spike; ``horizon``, on an upright plane, negative where the
        horizon is darker than the rest; and ``diffuse``, of the even rest on the horizontal, so that
        ``dhi = diffuse + circumsolar cos(zenith)``.

    References
    ----------
    .. [1] R. Perez, P. Ineichen, R. Seals, J. Michalsky, R. Stewart (1990), Modeling daylight availability
       and irradiance components from direct and global irradiance, Solar Energy 44, 271-289; as in
       ``pvlib.irradiance.perez``.
    """
    times = pd.DatetimeIndex(path["time"].values)
    zenith, dni, dhi = (path[name].values for name in ("zenith", "dni", "dhi"))
    cosz = np.cos(np.radians(zenith))
    extra = extraterrestrial(times)
    airmass = pvlib.atmosphere.get_relative_airmass(np.minimum(zenith, 89.9))
    sky = (dhi, dni, extra, np.minimum(zenith, 89.9), airmass)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = _perez(0.0, *sky)["circumsolar"]
        upright = _perez(90.0, *sky)["horizon"]
        towards = np.where(cosz > COSZ_BEAM_MIN, level / np.maximum(cosz, COSZ_BEAM_MIN), 0.0)
    lit = (dhi > 0.0) & (cosz > 0.0)
    # With the beam it is no more than the sun sends, however much the diffuse radiation is said to be.
    towards = np.minimum(towards, np.maximum(extra - dni, 0.0))
    circumsolar = np.where(lit & (dni > 0.0), np.nan_to_num(towards), 0.0 * dhi)
    horizon = np.where(lit, np.nan_to_num(upright), 0.0 * dhi)
    parts = {
        "circumsolar": circumsolar,
        "horizon": horizon,
        "diffuse": dhi - circumsolar * np.maximum(cosz, 0.0),
    }
    return xr.Dataset({name: ("time", part) for name, part in parts.items()}, coords={"time": path["time"]})


def _perez(
    tilt: float,
    dhi: Floats,
    dni: Floats,
    extra: Floats,
    zenith: Floats,
    airmass: Floats,
) -> dict[str, Floats]:
    """Return the parts of diffuse radiation on a plane that is level or turned away from the sun."""
    parts = pvlib.irradiance.perez(tilt, 180.0, dhi, dni, extra, zenith, 0.0, airmass, return_components=True)
    return {name.removeprefix("poa_"): np.asarray(values) for name, values in parts.items()}


@labelled("ghi")
def sunshine_ghi(sunshine: xr.DataArray, interval: pd.Timedelta, lon: float, lat: float) -> xr.DataArray:
    """Return the global irradiance that goes with measured sunshine, after Ångström and Prescott.

    Parameters
    ----------
    sunshine : xarray.DataArray
        Bright sunshine within the interval that ends at each ``time`` (UTC without zone), as a share of the
        interval, 0 to 1; NaN where unknown.
    interval : pandas.Timedelta
        Length of the intervals.
    lon, lat : float
        Place [degrees].

    Returns
    -------
    xarray.DataArray
        Mean global horizontal irradiance of each interval [W m-2]; 0 at night.

    See Also
    --------
    heatrisk.physics.irradiance.angstrom_prescott : the formula and its source.
    """
    times = pd.DatetimeIndex(sunshine["time"].values)
    parts = (np.arange(_SUN_PARTS) + 0.5) * (
        interval.to_timedelta64() / _SUN_PARTS
    ) - interval.to_timedelta64()
    moments = pd.DatetimeIndex((times.values[:, None] + parts).ravel())
    cosz = np.cos(np.radians(_sun(moments, lon, lat)[1])).reshape(-1, _SUN_PARTS)
    top = extraterrestrial(moments).reshape(-1, _SUN_PARTS)
    up = np.maximum((cosz > 0.0).mean(axis=1), 1.0 / _SUN_PARTS)
    ghi = angstrom_prescott(sunshine.values / up, (top * np.clip(cosz, 0.0, None)).mean(axis=1))
    return sunshine.copy(data=ghi)


@labelled("sunlit")
def sunlit(scene: ShadeScene, grid: Grid, zenith: float, azimuth: float) -> xr.DataArray:
    """Return the share of the outdoor ground of each cell that stands in full sun.

    Parameters
    ----------
    scene : ShadeScene
        The prepared town.
    grid : Grid
        The cells of its inner window.
    zenith, azimuth : float
        Where the sun stands, clockwise from north, which is not always the grid's [degree].

    Returns
    -------
    xarray.DataArray
        0 to 1 on (y, x), the shade of a crown counting as shade; NaN in cells without outdoor ground.
    """
    return _on(grid, sun_shares(scene, zenith, azimuth - grid.convergence)[0])


@labelled("svf")
def sky_view(
    scene: ShadeScene, grid: Grid, transmissivity: float, extinction: float | None = None
) -> xr.DataArray:
    """Return the sky view factor of each cell's outdoor ground.

    Parameters
    ----------
    scene : ShadeScene
        The prepared town.
    grid : Grid
        The cells of its inner window.
    transmissivity : float
        Share of the sky's light that passes a crown, 0 to 1.
    extinction : float, optional
        Optical depth of a crown [m-1] that takes its place, see :func:`heatrisk.physics.shadow.sun_shares`.

    Returns
    -------
    xarray.DataArray
        0 to 1 on (y, x); NaN in cells without outdoor ground.
    """
    return _on(grid, sky_view_fraction(scene, transmissivity=transmissivity, extinction=extinction))


def sky_views(
    scene: ShadeScene, grid: Grid, transmissivity: float, extinction: float | None = None
) -> xr.Dataset:
    """Return the sky view factor of each cell's outdoor ground, with its trees and without.

    Parameters
    ----------
    scene, grid, transmissivity, extinction
        As of :func:`sky_view`.

    Returns
    -------
    xarray.Dataset
        On (y, x): ``svf``, as :func:`sky_view`, and ``svf_buildings``, what it would be without trees; 0 to
        1, NaN in cells without outdoor ground.
    """
    shares = sky_shares(scene, transmissivity=transmissivity, extinction=extinction)
    views = xr.Dataset({"svf": _on(grid, shares.svf), "svf_buildings": _on(grid, shares.svf_buildings)})
    for name in views:
        views[name] = views[name].assign_attrs(QUANTITIES[str(name)].attrs)
    return views


def _on(grid: Grid, values: npt.NDArray[np.float32]) -> xr.DataArray:
    return xr.DataArray(values, dims=("y", "x"), coords={"y": grid.y, "x": grid.x})

"""Modelled against measured radiation of a site: ``python -m benchmarks.validation DIR``.

``DIR`` holds ``DSM*.tif``, ``DEM*.tif``, and as far as there are any ``CDSM*.tif|asc``,
``landcover*|LC*.tif``; one ``MetFile*.txt`` a day in the form of UMEP; ``measurements*.csv`` with an ``hour``
and as far as there are any a ``date`` (or ``day`` of the year), ``Kdown Kup Kn Ke Ks Kw Ldown Lup Ln Le Ls
Lw`` [W m-2] and ``Tmrt`` [degC]; ``poi.geojson``, the place of the station. See `benchmarks.measured_site`
and `benchmarks.measurements`. The sky's long-wave radiation is modelled even where a MetFile has ``ldown``:
it may be the very measurement that is to be met. ``--measured-sky`` takes it, for sites where it was measured
above the roofs; whether it agrees with the site's own ``Ldown`` is told.

MetFiles do not say whether a row stands for the hour before or after its time, nor in which zone it lies; the
sun does: that is taken in which the row's radiation fits the sun best. Measurements are taken to keep the
clock of the MetFiles. Where their short-wave radiation fits the model better an hour or two off, that is
told, with the scores that go with it, and never used for the scores themselves; ``--lag`` does. So is where
the face called north must look for the beam to come from the sun; ``--heading`` turns the faces.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.measured_site import (
    HOUR,
    MEASURED,
    assumed_of,
    hourly,
    needed,
    read_met,
    refuse,
    station,
    town,
)
from benchmarks.measurements import read_measurements
from heatrisk.errors import HeatRiskError
from heatrisk.fields import sky_views, sun_path
from heatrisk.physics.faces import box_temperature
from heatrisk.radiation import face_fluxes
from heatrisk.scene import Scene
from heatrisk.weather import Weather
from heatrisk.words import Note

LAGS = range(-2, 3)  # [h] of the clock of the measurements behind the weather's, that are tried
#: A lag is told when it takes this share from the error of the short-wave radiation.
TOLD = 0.2
FEWEST = 6  # hours with short-wave radiation that tell a lag: any clock fits one or two
SAME_SKY = 2.0  # [W m-2] median apart of two columns that are one measurement, be it rounded
NEAR = 5.0  # [m] how far a station that the rasters put onto a roof is moved to open ground


def main() -> None:
    """Compute, compare and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=Path)
    options.add_argument("--utc", type=float, default=None, metavar="HOURS", help="zone of all times")
    options.add_argument("--crs", default=None, help="coordinate system of rasters that name none")
    options.add_argument(
        "--lag", type=int, default=0, metavar="HOURS",
        help="of the clock of the measurements behind the weather's",
    )  # fmt: skip
    options.add_argument(
        "--heading", type=float, default=0.0, metavar="DEGREES",
        help="from north to where the face called north looks, clockwise",
    )  # fmt: skip
    options.add_argument("--height", type=float, default=1.1, help="of the sensors above ground [m]")
    options.add_argument(
        "--measured-sky", action="store_true", help="take ldown of the MetFiles for the sky above the roofs"
    )
    options.add_argument("--json", action="store_true", help="print everything as JSON")
    chosen = options.parse_args()
    if chosen.utc is not None and not abs(chosen.utc) <= 15.0:
        options.error("--utc is hours east of Greenwich, -12 to 14")
    try:
        report = validate(
            chosen.folder, chosen.utc, chosen.crs, chosen.height, chosen.lag, chosen.heading,
            chosen.measured_sky,
        )  # fmt: skip
    except HeatRiskError as error:
        raise SystemExit(str(error)) from error
    print(json.dumps(report, indent=1, ensure_ascii=False) if chosen.json else text(report))


def validate(
    folder: Path,
    utc: float | None = None,
    crs: str | None = None,
    height: float = 1.1,
    lag: int = 0,
    heading: float = 0.0,
    measured_sky: bool = False,
) -> dict[str, Any]:
    """Return site, scores of every day and of all, and the hours themselves.

    Parameters
    ----------
    folder : pathlib.Path
        The site.
    utc : float, optional
        Zone of all times [h]; as the sun tells if omitted.
    crs : str, optional
        Coordinate system of rasters that name none.
    height : float
        Of the sensors above ground [m].
    lag : int
        Of the clock of the measurements behind the weather's [h].
    heading : float
        From north to where the face called north looks, clockwise [degrees].
    measured_sky : bool
        Take ``ldown`` of the MetFiles for the sky above the roofs; else it is modelled.
    """
    holes: list[Note] = []
    scene = town(folder, crs, height, holes)
    views = sky_views(scene.shade, scene.grid, scene.transmissivity, scene.extinction)
    place = station(folder, scene.grid)
    cell, moved = open_ground(views["svf"].values, (place.row, place.column), scene.grid.cell_size)
    files = needed(folder, "MetFile*.txt", "Met*.txt")
    met = read_met(files)
    sky = met.pop("ldown").dropna() if "ldown" in met else pd.Series(dtype=float)
    if measured_sky:
        met["ldown"] = sky if len(sky) else refuse(files[0], "not a single value of ldown", "W m-2")
    lon, lat = scene.grid.centre_lonlat
    shift = to_middle(met, utc, lon, lat)
    met = dark(met, shift, lon, lat)
    said = needed(folder, "measurements*.csv", "measurements*.txt")
    measured = read_measurements(said, met, middle_of_hours(shift, utc, lon))
    tried = sorted({*LAGS, lag})
    wanted = pd.DatetimeIndex(sorted({hour for back in tried for hour in measured.index - back * HOUR}))
    modelled = model(scene, views, cell, met, wanted, shift, heading)
    tables = {back: paired(modelled, measured, back) for back in tried}
    pairs = tables[lag]
    if pairs.empty:
        raise SystemExit(
            f"{folder}: no measured hour lies within the weather, {met.index[0]} to {met.index[-1]}"
        )
    days = (pairs.index + shift + pd.Timedelta(hours=lon / 15.0)).normalize()
    parts = {str(day.date()): days == day for day in days.unique()} | {"all": np.ones(len(days), bool)}
    report = {
        "site": folder.resolve().name,
        "station": {"row": cell[0], "column": cell[1], "points": place.of, "moved_m": round(moved, 1)},
        "svf": round(float(views["svf"].values[cell]), 3),
        "svf_buildings": round(float(views["svf_buildings"].values[cell]), 3),
        "minutes_from_label_to_middle_utc": shift / pd.Timedelta("1min"),
        "lag": lag,
        "heading": heading,
        "assumed": [name for name in ("va", "ps", "dhi") if name not in met or met[name].isna().any()],
        "rasters": [*assumed_of(folder, scene), *(note.words.en for note in holes)],
        "hours_without_weather": len(measured) - len(pairs),
        "sky": {"measured": measured_sky} | of_the_sky(sky, measured, lag),
        "scores": {name: scores(pairs[rows]) for name, rows in parts.items()},
        "clock": clock(tables),
        "hours": json.loads(pairs.round(2).to_json(orient="table", index=True))["data"],
    }  # fmt: skip
    best = report["clock"]["best_lag"]
    if best != lag and report["clock"]["told"]:
        report["scores_by_the_sun"] = scores(tables[best])
    return report


def open_ground(svf: np.ndarray, place: tuple[int, int], cell_size: float) -> tuple[tuple[int, int], float]:
    """Return the nearest cell with open ground, and how far it lies from the station [m]."""
    rows, columns = np.nonzero(np.isfinite(svf))
    far = cell_size * np.hypot(rows - place[0], columns - place[1])
    if not far.size or far.min() > NEAR:
        raise SystemExit(f"the station stands on a roof or outside: no open ground within {NEAR:g} m")
    nearest = int(np.argmin(far))
    return (int(rows[nearest]), int(columns[nearest])), float(far[nearest])


def model(
    scene: Scene, views: xr.Dataset, cell: tuple[int, int], met: pd.DataFrame, wanted: pd.DatetimeIndex,
    shift: pd.Timedelta, heading: float,
) -> pd.DataFrame:  # fmt: skip
    """Return the modelled fluxes of the hours that are wanted and that the weather covers."""
    hours = []
    for part in hourly(met):
        labels = wanted.intersection(pd.DatetimeIndex(part.index))
        if len(labels):
            fluxes = face_fluxes(
                scene,
                weather(part, shift),
                steps=labels + shift,
                step=HOUR,
                views=views,
                cell=cell,
                heading=heading,
            )
            table = fluxes.drop_vars(["x", "y"]).to_dataframe().set_index(labels)
            hours.append(table.assign(ta=part["ta"].reindex(labels)))
    if not hours:
        return pd.DataFrame(columns=[*MEASURED, "tmrt", "tmrt_box", "ta"], dtype=float)
    modelled = pd.concat(hours)
    modelled["tmrt_box"] = box(modelled, MEASURED)
    return modelled


def paired(modelled: pd.DataFrame, measured: pd.DataFrame, lag: int) -> pd.DataFrame:
    """Return modelled and measured hours side by side, by the clock of the weather."""
    return modelled.join(measured.set_index(measured.index - lag * HOUR), how="inner")


def box(table: pd.DataFrame, names: Iterable[str]) -> np.ndarray:
    """Return the mean radiant temperature of six faces, short-wave and long-wave in the order of `FACES`."""
    columns = table[[*names]].to_numpy().T
    return box_temperature(columns[:6], columns[6:])


def to_middle(met: pd.DataFrame, utc: float | None, lon: float, lat: float) -> pd.Timedelta:
    """Return what leads from a stated time to the middle of its hour in UTC: where the sun fits best."""
    zone = utc if utc is not None else round(lon / 15.0)
    reach = 0.5 if utc is not None else 3.0
    beam, known = met["ghi"] - met.get("dhi", np.nan), met["ghi"].notna()
    direct = met.get("dni", pd.Series(np.nan, met.index))
    # Where what is called direct is that on the level, it tells nothing about the sun's height.
    slanted = (beam - direct).abs().sum() > 0.05 * beam.abs().sum()
    if not met["ghi"][known].std() > 0.0:  # a night tells nothing
        return pd.Timedelta(hours=-zone)
    fits = {}
    for half in np.arange(-reach, reach + 0.25, 0.5):
        shift = pd.Timedelta(hours=half - zone)
        zenith = sun_path(pd.DatetimeIndex(met.index + shift), lon, lat)["zenith"].values
        cosz = np.clip(np.cos(np.radians(zenith)), 0.0, None)
        if slanted and (beam * direct).notna().any():
            fits[shift] = -float(((beam - direct * cosz) ** 2).mean())
        else:
            fits[shift] = float(np.corrcoef(met["ghi"][known], cosz[known])[0, 1])
    return max(fits, key=lambda shift: (fits[shift], -abs(shift)))


def middle_of_hours(shift: pd.Timedelta, utc: float | None, lon: float) -> float:
    """Return what leads from a stated time to the middle of its hour on its own clock [h]: -0.5, 0 or 0.5.

    Where no zone is stated half an hour ahead is the end of an hour: so it is in MetFiles in standard time.
    """
    ahead = shift / HOUR + (round(lon / 15.0) if utc is None else utc)
    return 0.5 * float(np.sign(ahead)) if round(2.0 * ahead) % 2 else 0.0


def of_the_sky(sky: pd.Series, measured: pd.DataFrame, lag: int) -> dict[str, int | bool | None]:
    """Tell how many hours of the sky's radiation the weather has, and whether the station measured them."""
    if sky.empty or "Ldown" not in measured:
        return {"hours": len(sky), "is_the_site_s": None}
    there = measured["Ldown"].set_axis(measured.index - lag * HOUR).dropna()
    apart = (there - sky.reindex(there.index)).abs().dropna()
    return {"hours": len(sky), "is_the_site_s": bool(apart.median() < SAME_SKY) if len(apart) else None}


def dark(met: pd.DataFrame, shift: pd.Timedelta, lon: float, lat: float) -> pd.DataFrame:
    """Return the weather with no light where the sun is down and none was written."""
    zenith = sun_path(pd.DatetimeIndex(met.index + shift), lon, lat)["zenith"].values
    light = [name for name in ("ghi", "dhi", "dni") if name in met and met[name].notna().any()]
    night = met[light].isna().to_numpy() & (zenith >= 90.0)[:, None]
    return met.assign(**met[light].mask(night, 0.0))


def weather(part: pd.DataFrame, shift: pd.Timedelta) -> Weather:
    """Return the weather of whole hours: radiation of each, the state between their middles."""
    table = pd.concat([part.iloc[:1], part])  # what the first hour grows out of
    ends = pd.DatetimeIndex([part.index[0] - HOUR, *part.index]) + shift + HOUR / 2
    series = xr.Dataset(coords={"time": ends})
    named = ["ta", "rh", "va", "ps", "ghi", "dhi"]
    if "dhi" not in part or not part["dhi"].notna().any():
        named.append("dni")
    if "ldown" in part and part["ldown"].notna().any():
        series["ldown"] = ("time", table["ldown"].to_numpy())
    for name in named:
        if name not in table or not table[name].notna().any():
            continue
        values = table[name]
        if name in ("ta", "rh", "va", "ps"):
            values = (values + values.shift(-1).fillna(values)) / 2.0
        low, high = (0.0, 100.0) if name == "rh" else (-100.0 if name == "ta" else 0.0, 2000.0)
        series[name] = ("time", values.clip(low, high).to_numpy())
    return Weather(series, source="MetFile")


def clock(tables: dict[int, pd.DataFrame]) -> dict[str, Any]:
    """Return how well the measured short-wave radiation fits by the lag of its clock.

    Of the same hours of the measurements at every lag, so that all are judged by the same light.
    """
    errors = {}
    for lag, pairs in tables.items():
        off = [
            pairs[here] - pairs[said] for here, said in MEASURED.items() if here[0] == "k" and said in pairs
        ]
        errors[lag] = pd.concat(off, axis=1).shift(freq=lag * HOUR) if off else pd.DataFrame()
    shared = None
    for table in errors.values():
        whole = table.dropna(how="all").index
        shared = whole if shared is None else shared.intersection(whole)
    if shared is None or len(shared) == 0:
        return {"heading_by_the_beam": {}, "rmse_shortwave": {}, "best_lag": 0, "told": False}
    rmse = {
        lag: float(np.sqrt(np.nanmean(table.loc[shared].to_numpy() ** 2))) for lag, table in errors.items()
    }
    best = min(rmse, key=lambda lag: (rmse[lag], abs(lag)))
    return {
        "heading_by_the_beam": {str(lag): beam_heading(table) for lag, table in tables.items()},
        "rmse_shortwave": {str(lag): round(error, 1) for lag, error in rmse.items()},
        "best_lag": best,
        "told": bool(0 in rmse and len(shared) >= FEWEST and rmse[best] < (1.0 - TOLD) * rmse[0]),
    }


def beam_heading(pairs: pd.DataFrame) -> float | None:
    """Return by how much the sides must be turned for the measured beam to come from the sun [degrees]."""
    sides = ("knorth", "keast", "ksouth", "kwest")
    if not {MEASURED[side] for side in sides} <= {*pairs}:
        return None
    modelled, measured = (
        (table[names[0]] - table[names[2]] + 1j * (table[names[1]] - table[names[3]])).to_numpy(complex)
        for table, names in ((pairs, sides), (pairs, [MEASURED[side] for side in sides]))
    )
    both = modelled * np.conj(measured)
    both = both[np.isfinite(both)]
    return round(float(np.degrees(np.angle(both.sum()))), 1) if np.abs(both).sum() > 0.0 else None


def scores(pairs: pd.DataFrame) -> dict[str, dict[str, float | int | None]]:
    """Return root mean square error, bias and number of hours of everything that was measured."""
    told = {said: score(pairs[name], pairs[said]) for name, said in MEASURED.items() if said in pairs}
    if "Tmrt" in pairs:
        told["Tmrt"] = score(pairs["tmrt_box"], pairs["Tmrt"])
        told["Tmrt of a body that turns"] = score(pairs["tmrt"], pairs["Tmrt"])
        told["Tmrt taken as Ta"] = score(pairs["ta"], pairs["Tmrt"])
    if set(MEASURED.values()) <= set(pairs):
        faces = pd.Series(box(pairs, MEASURED.values()), pairs.index)
        told["Tmrt of the measured faces"] = score(pairs["tmrt_box"], faces)
    return told


def score(modelled: pd.Series, measured: pd.Series) -> dict[str, float | int | None]:
    """Return the score of one quantity; None where no hour has both."""
    error = (modelled - measured).dropna()
    if error.empty:
        return {"rmse": None, "bias": None, "n": 0}
    rmse, bias = float(np.sqrt((error**2).mean())), float(error.mean())
    return {"rmse": round(rmse, 2), "bias": round(bias, 2), "n": len(error)}


def text(report: dict[str, Any]) -> str:
    """Return the report as a table."""
    shift, cell = report["minutes_from_label_to_middle_utc"], report["station"]
    lines = [
        f"{report['site']}: svf {report['svf']}, of buildings {report['svf_buildings']},"
        f" middle of the hours at {shift:+.0f} min of their time in UTC"
    ]
    if cell["moved_m"] or cell["points"] > 1:
        lines.append(f"first of {cell['points']} points, moved by {cell['moved_m']} m to open ground")
    if report["assumed"]:
        lines.append(f"not, or not always, in the MetFiles and so assumed: {', '.join(report['assumed'])}")
    if report["hours_without_weather"]:
        lines.append(f"{report['hours_without_weather']} measured hours have no weather and are left out")
    lines += [*report["rasters"], *_sky_words(report["sky"])]
    for day, told in report["scores"].items():
        lines += ["", *_table(day, told)]
    if "scores_by_the_sun" in report:
        best, errors = report["clock"]["best_lag"], report["clock"]["rmse_shortwave"]
        lines += ["", f"The measured short-wave radiation fits with its clock {best:+d} h of the weather's:"]
        turned = report["clock"]["heading_by_the_beam"][str(best)]
        lines += [f"RMSE by lag {errors}. The beam on the sides asks for a heading of {turned} degrees then."]
        lines += ["For comparison only, with that clock:"]
        lines += _table("all, by the sun", report["scores_by_the_sun"])
    return "\n".join(lines)


def _sky_words(sky: dict[str, Any]) -> list[str]:
    """Return what is to be said of long-wave radiation of the sky in the weather."""
    if not sky["hours"]:
        return []
    if not sky["measured"]:
        return [
            f"ldown of the MetFiles ({sky['hours']} hours) is not used; --measured-sky takes it for the sky"
        ]
    lines = [f"the sky's long-wave radiation is ldown of the MetFiles ({sky['hours']} hours), else modelled"]
    if sky["is_the_site_s"]:
        lines.append("it is the Ldown that is to be met: long-wave scores and Tmrt prove nothing here")
    return lines


def _table(head: str, told: dict[str, dict[str, float | int | None]]) -> list[str]:
    rows = [f"{head:<28}{'RMSE':>8}{'bias':>8}{'n':>5}"]
    for name, s in told.items():
        values = f"{s['rmse']:8.2f}{s['bias']:+8.2f}" if s["n"] else f"{'-':>8}{'-':>8}"
        rows.append(f"{name:<28}{values}{s['n']:5d}")
    return rows


if __name__ == "__main__":
    main()

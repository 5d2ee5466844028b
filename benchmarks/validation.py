"""Modelled against measured radiation of a site: ``python -m benchmarks.validation DIR``.

``DIR`` holds ``DSM*.tif``, ``DEM*.tif``, and as far as there are any ``CDSM*.tif|asc``,
``landcover*|LC*.tif``; one ``MetFile*.txt`` a day in the form of UMEP; ``measurements*.csv`` with an ``hour``
and as far as there are any a ``date`` (or ``day`` of the year), ``Kdown Kup Kn Ke Ks Kw Ldown Lup Ln Le Ls
Lw`` [W m-2] and ``Tmrt`` [degC];
``poi.geojson``, the place of the station.

MetFiles do not say whether a row stands for the hour before or after its time, nor in which zone it lies; the
sun does: of the zones allowed, that is taken in which the row's radiation fits the sun best.
"""

from __future__ import annotations

import argparse
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Transformer

from heatrisk.fields import sky_views, sun_path
from heatrisk.physics.faces import FACES, box_temperature
from heatrisk.radiation import face_fluxes
from heatrisk.scene import Scene
from heatrisk.sources.surface_model import read_scene
from heatrisk.weather import Weather

HOUR = pd.Timedelta("1h")
#: Columns of a MetFile, by place: year, day of the year, hour, minute, then those that are used here.
MET = {0: "year", 1: "day", 2: "hour", 3: "minute", 9: "va", 10: "rh", 11: "ta", 12: "ps", 14: "ghi",
       21: "dhi", 22: "dni"}  # fmt: skip
MEASURED = dict(
    zip(
        [kind + face for kind in "kl" for face in FACES],
        ("Kdown", "Kup", "Kn", "Ke", "Ks", "Kw", "Ldown", "Lup", "Ln", "Le", "Ls", "Lw"),
        strict=True,
    )
)


def main() -> None:
    """Compute, compare and print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folder", type=Path)
    options.add_argument("--utc", type=float, default=None, metavar="HOURS", help="zone of all times")
    options.add_argument("--crs", default=None, help="coordinate system of rasters that name none")
    options.add_argument(
        "--lag",
        type=int,
        default=0,
        metavar="HOURS",
        help="of the clock of the measurements behind the weather's",
    )
    options.add_argument("--height", type=float, default=1.1, help="of the sensors above ground [m]")
    options.add_argument("--json", action="store_true", help="print everything as JSON")
    chosen = options.parse_args()
    report = validate(chosen.folder, chosen.utc, chosen.crs, chosen.height, chosen.lag)
    print(json.dumps(report, indent=1, ensure_ascii=False) if chosen.json else text(report))


def validate(folder: Path, utc: float | None, crs: str | None, height: float, lag: int) -> dict[str, Any]:
    """Return site, scores of every day and of all, and the hours themselves."""
    scene = read_scene(
        needed(folder, "DSM*.tif"), needed(folder, "DEM*.tif"),
        canopy=found(folder, "CDSM*.tif", "CDSM*.asc"),
        land_cover=found(folder, "landcover*.tif", "LC*.tif"), crs=crs, receptor_height=height,
    )  # fmt: skip
    row, column = station(folder / "poi.geojson", scene)
    met = pd.concat([read_met(path) for path in sorted(folder.glob("MetFile*.txt"))]).sort_index()
    lon, lat = scene.grid.centre_lonlat
    shift = to_middle(met, utc, lon, lat)
    views = sky_views(scene.shade, scene.grid, scene.transmissivity)
    measured = read_measurements(folder, met)
    measured.index -= lag * HOUR
    hours = []
    for _, day in met.groupby(met.index.normalize()):
        wanted = measured.index.intersection(day.index)
        if len(wanted):
            fluxes = face_fluxes(
                scene, weather(day, shift), steps=wanted + shift, step=HOUR, views=views
            ).isel(y=row, x=column)
            hours.append(fluxes.drop_vars(["x", "y"]).to_dataframe().set_index(wanted))
    modelled = pd.concat(hours)
    modelled["tmrt_box"] = box_temperature(*(
        modelled[[kind + face for face in FACES]].to_numpy().T for kind in "kl"
    ))  # fmt: skip
    measured = measured.reindex(modelled.index)
    days = modelled.index.normalize()
    parts = {str(day.date()): days == day for day in days.unique()} | {"all": np.ones(len(days), bool)}
    return {
        "site": folder.name, "station": {"row": row, "column": column},
        "svf": round(float(views["svf"][row, column]), 3),
        "svf_buildings": round(float(views["svf_buildings"][row, column]), 3),
        "minutes_from_label_to_middle_utc": shift / pd.Timedelta("1min"),
        "scores": {name: scores(modelled[rows], measured[rows]) for name, rows in parts.items()},
        "hours": json.loads(modelled.join(measured).round(2).to_json(orient="table"))["data"],
    }  # fmt: skip


def found(folder: Path, *patterns: str) -> Path | None:
    """Return the first file of some patterns, whatever the case of their letters."""
    for pattern in patterns:
        for path in sorted(folder.iterdir()):
            if fnmatch(path.name.lower(), pattern.lower()):
                return path
    return None


def needed(folder: Path, pattern: str) -> Path:
    """Return the first file of a pattern, or stop."""
    path = found(folder, pattern)
    if path is None:
        raise SystemExit(f"{folder}: no {pattern}")
    return path


def station(path: Path, scene: Scene) -> tuple[int, int]:
    """Return row and column of the measuring station."""
    content = json.loads(path.read_text("utf-8"))
    feature = content["features"][0] if "features" in content else content
    x, y = feature["geometry"]["coordinates"][:2]
    named = feature.get("properties", {}).get("crs") or content.get("crs", {})
    if isinstance(named, dict):
        named = named.get("properties", {}).get("name")
    lonlat = abs(x) <= 180.0 and abs(y) <= 90.0
    system = named or ("EPSG:4326" if lonlat else scene.grid.crs)
    lon, lat = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform(x, y)
    place = scene.grid.index(lon, lat)
    if place is None:
        raise SystemExit(f"{path}: the station lies outside the rasters")
    return place


def read_met(path: Path) -> pd.DataFrame:
    """Return one MetFile by the times it states; -999 is no value."""
    table = pd.read_csv(path, sep=r"\s+", comment=None, skiprows=1, header=None)
    table = table[[c for c in MET if c in table]].rename(columns=MET).apply(pd.to_numeric, errors="coerce")
    day = pd.to_datetime(table["year"].astype(int).astype(str), format="%Y") + pd.to_timedelta(
        table["day"] - 1, "D"
    )
    table.index = day + pd.to_timedelta(table["hour"], "h")
    table = table.where(table > -900.0)
    if table["ps"].median() < 200.0:
        table["ps"] *= 10.0  # kPa, as UMEP has it
    return table.drop(columns=["year", "day", "hour", "minute"])


def read_measurements(folder: Path, met: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements by the times they state; without a day they belong to the only one."""
    tables = []
    for path in sorted(folder.glob("measurements*.csv")):
        table = pd.read_csv(path, comment="#").rename(columns=str.strip)
        lower = {name.lower(): name for name in table}
        if "date" in lower:
            day = pd.to_datetime(table[lower["date"]].astype(str))
        elif "day" in lower or "doy" in lower:
            number = table[lower.get("day", lower.get("doy"))]
            day = pd.Timestamp(f"{met.index[0].year}-01-01") + pd.to_timedelta(number - 1, "D")
        else:
            told = re.search(r"(\d{4})-?(\d\d)-?(\d\d)", path.stem)
            day = pd.Timestamp("-".join(told.groups())) if told else met.index[len(met) // 2].normalize()
        hour = table[lower["hour"]].astype(str).str.extract(r"(\d+)")[0].astype(int)
        table.index = day + pd.to_timedelta(hour, "h")
        tables.append(table[[n for n in (*MEASURED.values(), "Tmrt") if n in table]])
    return pd.concat(tables).apply(pd.to_numeric, errors="coerce")


def to_middle(met: pd.DataFrame, utc: float | None, lon: float, lat: float) -> pd.Timedelta:
    """Return what leads from a stated time to the middle of its hour in UTC: where the sun fits best."""
    halves = (-0.5, 0.0, 0.5) if utc is not None else (-1.0, -0.5, 0.0, 0.5, 1.0)
    zone = utc if utc is not None else round(lon / 15.0)
    fits = {}
    for half in halves:
        shift = pd.Timedelta(hours=half - zone)
        zenith = sun_path(pd.DatetimeIndex(met.index + shift), lon, lat)["zenith"].values
        cosz = np.clip(np.cos(np.radians(zenith)), 0.0, None)
        beam = met["ghi"] - met["dhi"]
        if "dni" in met and met["dni"].notna().any():
            fits[shift] = -float(np.nanmean((beam - met["dni"] * cosz) ** 2))
        else:
            known = met["ghi"].notna()
            fits[shift] = float(np.corrcoef(met["ghi"][known], cosz[known])[0, 1])
    return max(fits, key=lambda shift: fits[shift])


def weather(day: pd.DataFrame, shift: pd.Timedelta) -> Weather:
    """Return the weather of one day: radiation of whole hours, the state between their middles."""
    ends = pd.DatetimeIndex(day.index + shift + HOUR / 2)
    series = xr.Dataset(coords={"time": ends})
    for name in ("ta", "rh", "va", "ps", "ghi", "dhi"):
        values = day[name].interpolate(limit_direction="both") if name in day else pd.Series(dtype=float)
        if not values.notna().any():
            continue
        if name in ("ta", "rh", "va", "ps"):
            values = (values + values.shift(-1).fillna(values)) / 2.0
        low, high = (0.0, 100.0) if name == "rh" else (-100.0, 2000.0)
        series[name] = ("time", values.clip(low, high).to_numpy())
    return Weather(series, source="MetFile")


def scores(modelled: pd.DataFrame, measured: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return root mean square error, bias and number of hours of everything that was measured."""
    found = {
        said: score(modelled[name], measured[said]) for name, said in MEASURED.items() if said in measured
    }
    if "Tmrt" in measured:
        found["Tmrt"] = score(modelled["tmrt_box"], measured["Tmrt"])
        found["Tmrt of a body that turns"] = score(modelled["tmrt"], measured["Tmrt"])
    if set(MEASURED.values()) <= set(measured):
        names = list(MEASURED.values())
        faces = box_temperature(measured[names[:6]].to_numpy().T, measured[names[6:]].to_numpy().T)
        found["Tmrt of the measured faces"] = score(modelled["tmrt_box"], pd.Series(faces, measured.index))
    return found


def score(modelled: pd.Series, measured: pd.Series) -> dict[str, float]:
    """Return the score of one quantity."""
    error = (modelled - measured).dropna()
    return {
        "rmse": round(float(np.sqrt((error**2).mean())), 2),
        "bias": round(float(error.mean()), 2),
        "n": len(error),
    }


def text(report: dict[str, Any]) -> str:
    """Return the report as a table."""
    shift = report["minutes_from_label_to_middle_utc"]
    lines = [
        f"{report['site']}: svf {report['svf']}, of buildings {report['svf_buildings']},"
        f" middle of the hours at {shift:+.0f} min of their time in UTC"
    ]
    for day, found in report["scores"].items():
        lines += [f"\n{day:<28}{'RMSE':>8}{'bias':>8}{'n':>5}"]
        lines += [f"{name:<28}{s['rmse']:8.2f}{s['bias']:+8.2f}{s['n']:5d}" for name, s in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

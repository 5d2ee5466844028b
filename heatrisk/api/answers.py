"""The bodies of answers: what a run holds, put into words and plain JSON values."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from heatrisk.api.params import basic, jst, utc
from heatrisk.api.service import Service
from heatrisk.quantities import QUANTITIES
from heatrisk.risk import RISK_SCALES, Level
from heatrisk.store import RunStore, standing
from heatrisk.stored import CellSeries, StoredRun
from heatrisk.tiles import layers_of
from heatrisk.words import Language, Words

REFERENCE = Words(
    "この値は、公式の予測を建物や木の日かげに合わせて計算した参考値です。公式の発表ではありません。",
    "This is a reference value: the official forecast, adapted by computation to the shade of buildings "
    "and trees. It is not an official announcement.",
)
UNANCHORED = Words(
    "この値は公式の予測に合わせていない計算値（参考値）です。公式の発表ではありません。",
    "This is a computed reference value that is not tied to an official forecast. "
    "It is not an official announcement.",
)
INDOORS = Words(
    "室内でも熱中症は起こります。がまんせずに冷房を使いましょう。",
    "Heat stroke happens indoors too. Use air conditioning without hesitation.",
)
STATES = (
    Words("屋外", "outdoors"),
    Words("建物", "building"),
    Words("標高が不明のため計算していません", "not computed: the ground elevation is unknown here"),
)
STATE_CODES = ("outdoor", "building", "unknown")
#: Folders of this machine, which are nobody else's business.
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/:]+/)+")

#: Decimals that the values of a series are given with; more would be noise.
_DECIMALS = {"sunlit": 3, "p_danger": 3}


def times(service: Service, run: StoredRun) -> dict[str, Any]:
    """Return the valid times of a run and where the clock stands among them."""
    now = service.clock()
    nearest = min(range(len(run.times)), key=lambda index: abs(run.times[index] - now))
    return {
        "run": run.id,
        "created": utc(run.created),
        "age_minutes": age_minutes(service, run),
        "stale": service.stale(run),
        "step_minutes": run.manifest["step_minutes"],
        "timezone": run.manifest.get("timezone", "Asia/Tokyo"),
        "now": nearest,
        "times": [{"time": utc(time), "jst": jst(time), "key": basic(time)} for time in run.times],
    }


def age_minutes(service: Service, run: StoredRun) -> int:
    """Return the age of a run in whole minutes, so that an answer changes once a minute at most."""
    return int(service.age(run).total_seconds() // 60)


def layers(run: StoredRun, base: str, time: str) -> list[dict[str, Any]]:
    """Return the layers of a run with the addresses of their tiles and legends."""
    root = f"{base}/tiles/{run.id}"
    return [
        {
            "id": row.name,
            "name": both(row.words),
            "description": both(row.described(anchored(run))),
            "units": row.units,
            "legend": f"{base}/legend/{row.name}.json",
            "tilejson": f"{root}/{row.name}/{time}/tilejson.json",
            "tiles": f"{root}/{row.name}/{{time}}/{{z}}/{{x}}/{{y}}.png",
        }
        for row in layers_of(run)
    ]


def summary(service: Service, run: StoredRun, base: str) -> dict[str, Any]:
    """Return one line of the catalogue of runs."""
    return {
        "id": run.id,
        "created": utc(run.created),
        "age_minutes": age_minutes(service, run),
        "stale": service.stale(run),
        "verdict": run.manifest.get("verdict"),
        "first": utc(run.times[0]),
        "last": utc(run.times[-1]),
        "href": f"{base}/runs/{run.id}",
    }


def anchored(run: StoredRun) -> bool:
    """Tell whether the values of a run are tied to an official forecast."""
    return bool(run.manifest["anchor"]["anchored"])


def reference(run: StoredRun) -> Words:
    """Return what the values of a run are, and that they are nothing official."""
    return REFERENCE if anchored(run) else UNANCHORED


def attribution(run: StoredRun) -> list[dict[str, str]]:
    """Return whom the values of a run are owed to."""
    return [both(Words(**credit)) for credit in run.manifest.get("attribution", ())]


def last_attempt(status: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return how the last attempt to make a run went, or None where that is not known.

    Its words name files, but not where on this machine they lie.
    """
    verdict = (status or {}).get("verdict")
    if status is None or not isinstance(verdict, dict) or not isinstance(verdict.get("level"), str):
        return None
    told = {name: _FOLDERS.sub("", str(verdict.get(name, ""))) for name in ("ja", "en")}
    return {"at": status.get("at"), "run": status.get("run_id"), "level": verdict["level"], **told}


def how_it_stands(store: RunStore, now: datetime) -> dict[str, str]:
    """Return how a store stands at an instant: the line that ``heatrisk status`` prints, without folders."""
    found = standing(store, now)
    told = {name: _FOLDERS.sub("", text) for name, text in found.line._asdict().items()}
    return {"level": found.light.value, **told}


def scale(name: str) -> dict[str, Any]:
    """Return a risk scale with its classes, from the lowest to the highest."""
    row = RISK_SCALES[name]
    levels = [_level(index, level) for index, level in enumerate(row.levels)]
    return {"id": name, "name": both(row.words), "source": row.source, "levels": levels}


def _level(index: int, level: Level) -> dict[str, Any]:
    return {
        "index": index, "code": level.code, "lower": number(level.lower), "colour": level.colour,
        "words": both(level.words), "advice": None if level.advice is None else both(level.advice),
    }  # fmt: skip


def point(service: Service, run: StoredRun, lon: float, lat: float, cell: CellSeries) -> dict[str, Any]:
    """Return what is known about one place: values, words, and where each comes from."""
    return {
        "place": {
            "lon": lon, "lat": lat, "cell": _cell_id(run, cell), "cell_size_m": run.grid.cell_size,
            "state": STATE_CODES[cell.mask], "words": both(STATES[cell.mask]), "svf": number(cell.svf, 3),
        },
        "run": summary(service, run, "."),
        **everywhere(run),
        "definitions": {name: definition(name) for name in cell.values if name in QUANTITIES},
        "series": [_step(run, cell, index) for index in range(len(run.times))],
    }  # fmt: skip


def everywhere(run: StoredRun) -> dict[str, Any]:
    """Return what a run says of all its places."""
    manifest = run.manifest
    return {
        "city": manifest["city"]["name"],
        "sample": bool(manifest["city"].get("sample", False)),
        "anchored": anchored(run),
        "reference": both(reference(run)),
        "indoors": both(INDOORS),
        "official": _official(manifest),
        "attribution": attribution(run),
        "assumptions": manifest.get("assumptions", []),
        "scale": scale("daily"),
        "scale_sport": scale("sport"),
    }


def _cell_id(run: StoredRun, cell: CellSeries) -> str:
    """Name a cell after its south-west corner [m], e.g. ``E-24770N-35105``."""
    half = run.grid.cell_size / 2
    return f"E{round(run.grid.x[cell.column] - half)}N{round(run.grid.y[cell.row] - half)}"


def _official(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return the official forecast without its values; those stand in the series, step by step."""
    official: dict[str, Any] | None = manifest.get("official")
    if official is None:
        return None
    stations = [{key: value for key, value in row.items() if key != "values"} for row in official["stations"]]
    return {**official, "stations": stations}


def definition(name: str) -> dict[str, Any]:
    """Return the words and the unit of a quantity."""
    quantity = QUANTITIES[name]
    return {**both(quantity.words), "units": quantity.units}


def _step(run: StoredRun, cell: CellSeries, index: int) -> dict[str, Any]:
    """Return one step of a place's series; what is not known there is null."""
    minutes = run.window.total_seconds() / 60
    named = {
        name: number(float(values[index]), _DECIMALS.get(name, 2))
        for name, values in cell.values.items()
        if not name.startswith("risk")
    }
    sunlit = named.get("sunlit")
    return {
        **moment(run, index),
        **named,
        "sunlit_minutes": None if sunlit is None else round(sunlit * minutes),
        "risk": _risk(cell, "risk", "daily", index),
        "risk_sport": _risk(cell, "risk_sport", "sport", index),
    }


def moment(run: StoredRun, index: int) -> dict[str, Any]:
    """Return what a run says of a step everywhere."""
    time, manifest = run.times[index], run.manifest
    stations = (manifest.get("official") or {}).get("stations", ())
    return {
        "time": utc(time),
        "jst": jst(time),
        "official_stations": {row["id"]: row["values"][index] for row in stations},
        "anchor_suspect": utc(time) in manifest["anchor"].get("suspect", ()),
    }


def _risk(cell: CellSeries, name: str, scale_name: str, index: int) -> dict[str, Any] | None:
    found = int(cell.values[name][index]) if name in cell.values else -1
    if found < 0:
        return None
    level = RISK_SCALES[scale_name].levels[found]
    return {"index": found, "code": level.code, "words": both(level.words)}


def both(words: Words) -> dict[str, str]:
    """Return a text in both languages as plain JSON values."""
    return {"ja": words.ja, "en": words.en}


def number(value: float, decimals: int = 2) -> float | None:
    """Return a rounded number, or None where there is none to state."""
    return round(value, decimals) if math.isfinite(value) else None


def spoken(body: Any, language: Language | None) -> Any:
    """Return a body with every text in one language alone; unchanged for None.

    A pair becomes its text; a remark that carries more than the pair keeps the text as ``text``.
    """
    if language is None:
        return body
    if isinstance(body, dict):
        if not {"ja", "en"} <= body.keys():
            return {key: spoken(value, language) for key, value in body.items()}
        rest = {key: spoken(value, language) for key, value in body.items() if key not in ("ja", "en")}
        return {**rest, "text": body[language]} if rest else body[language]
    return [spoken(value, language) for value in body] if isinstance(body, list) else body

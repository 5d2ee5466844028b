"""The JSON files of AMeDAS, turned into records by station and instant.

A file is told by its content and, for a map, by the instant in its name; what else lies in the folder (the
table of stations, a broken download) is refused with its reason and the rest is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from heatrisk.errors import SourceError
from heatrisk.sources.clock import JST
from heatrisk.sources.files import Member
from heatrisk.sources.json_text import read_json
from heatrisk.sources.reading import Refusal
from heatrisk.words import Words

_STAMP = re.compile(r"(?<!\d)\d{14}(?!\d)")
_STATION = re.compile(r"\d{5}")

_MAP = Words("時刻がファイル名にありません", "its name does not tell the time (YYYYMMDDHHMMSS.json)")
_TABLE = Words("地点表です(station_table に指定してください)", "it is a table of stations: see station_table")
_OTHER = Words("アメダスの JSON ではありません", "it is no JSON of AMeDAS")
_WHOSE = Words("どの観測所のものか分かりません", "it does not tell its station")

#: What to do about files that are of no use.
SAVE = Words(
    "気象庁の map または point の JSON を、元のファイル名のまま続いた時刻分保存してください",
    "Save JMA's map or point files under their own names, without gaps in time.",
)


@dataclass
class Observed:
    """What the files hold.

    Parameters
    ----------
    records : dict
        Usable values by element, by station number and instant (UTC without zone). Of an instant that stands
        twice the first counts.
    others : set of str
        Stations of maps that were not asked for.
    refused : list of Refusal
        Files that hold no observation.
    """

    records: dict[str, dict[pd.Timestamp, dict[str, float]]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    refused: list[Refusal] = field(default_factory=list)

    def complete(self, station: str) -> bool:
        """Tell whether a station has temperature and humidity at half of the instants or more."""
        instants = max(map(len, self.records.values()), default=0)
        rows = self.records.get(station, {}).values()
        return 0 < instants <= 2 * sum("temp" in row and "humidity" in row for row in rows)


def observations(files: Sequence[Member], wanted: Set[str], owner: str | None) -> Observed:
    """Read the files of both kinds.

    Parameters
    ----------
    files : sequence of Member
        Map files and station files.
    wanted : set of str
        Stations that are taken from maps of many.
    owner : str, optional
        Station of the station files that do not tell theirs.

    Returns
    -------
    Observed

    Raises
    ------
    SourceError
        None of the files holds an observation.
    """
    observed = Observed()
    for file in files:
        try:
            reason = _take(read_json(file), file, wanted, owner, observed)
        except SourceError as error:
            reason = error.what if isinstance(error.what, Words) else Words(error.what, error.what)
        if reason is not None:
            observed.refused.append(Refusal(file.name, reason))
    if not observed.records and not observed.others:
        first = observed.refused[0]
        raise SourceError(first.reason, where=first.where, expected="YYYYMMDDHHMMSS.json", remedy=SAVE)
    return observed


def _take(
    content: Any, file: Member, wanted: Set[str], owner: str | None, observed: Observed
) -> Words | None:
    """Add a file's records to the others; return the reason where it has none."""
    if not isinstance(content, dict) or not content or not all(isinstance(x, dict) for x in content.values()):
        return _OTHER
    if all(_STAMP.fullmatch(key) for key in content):
        station = _owner(content, file) or owner
        if not station:
            return _WHOSE
        instants = {text: time for text in content if (time := _instant(text)) is not None}
        for text, time in instants.items():
            _add(observed, station, time, content[text])
        return None if instants else _OTHER
    if not all(_STATION.fullmatch(key) for key in content):
        return _OTHER
    if any("lat" in record for record in content.values()):
        return _TABLE
    stamp = _STAMP.search(file.filename)
    time = _instant(stamp.group()) if stamp else None
    if time is None:
        return _MAP
    taken = content.keys() if len(content) == 1 else content.keys() & wanted
    for station in taken:
        _add(observed, station, time, content[station])
    observed.others.update(content.keys() - taken)
    return None


def _owner(content: dict[str, dict[str, Any]], file: Member) -> str | None:
    """Return the station of a station file, from its rows or from the folder it lies in."""
    for record in content.values():
        prefecture, number = record.get("prefNumber"), record.get("observationNumber")
        if isinstance(prefecture, int) and isinstance(number, int):
            return f"{prefecture:02d}{number:03d}"
    folder = PurePosixPath("/".join((*file.path.parts, *file.inside))).parent.name
    return folder if _STATION.fullmatch(folder) else None


def _instant(text: str) -> pd.Timestamp | None:
    try:
        time = datetime.strptime(text, "%Y%m%d%H%M%S")
    except ValueError:
        return None
    return pd.Timestamp(time - JST) if 1900 < time.year < 2200 else None


def _add(observed: Observed, station: str, time: pd.Timestamp, record: dict[str, Any]) -> None:
    values = {name: value for name, pair in record.items() if (value := _good(pair)) is not None}
    observed.records.setdefault(station, {}).setdefault(time, values)


def _good(pair: Any) -> float | None:
    """Return an element's value where there is one and its quality is 0."""
    if not isinstance(pair, list) or len(pair) != 2 or isinstance(pair[1], bool) or pair[1] != 0:
        return None
    value = pair[0]
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
    return float(value) if usable else None

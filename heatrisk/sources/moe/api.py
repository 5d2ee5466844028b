"""Official WBGT as the Ministry's web service answers it: ``getForecastData`` and ``getSurveyData``.

::

    {"status": "success", "count": 2, "errMsg": "", "data": [
      {"reference_time": "2026/08/01 14:00:00", "wbgt_no": 44116, "forecast_time": "2026/08/01 15:00:00",
       "forecast_val": "310", "flag": 0}, …]}                               forecast: tenths of a degree
      {"wbgt_no": 44116, "wbgt_date": "2026/08/01 15:00:00", "wbgt_class": 1, "wbgt_WI": "1.0",
       "wbgt_WO": "31.2", "wbgt_Tg": "45.0", …}                             survey: degrees

``wbgt_class`` is 1 for a measurement and 0 for an estimate, ``wbgt_WI`` a quality code from 0 to 4.

References
----------
.. [1] 環境省 熱中症予防情報サイト, 暑さ指数(WBGT) データ提供 API 仕様書 第 1.1 版, 2026.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.clock import instant
from heatrisk.sources.moe.values import (
    Publication,
    Row,
    check_range,
    must_be_degrees,
    number,
    numbers,
    summer,
    wrong_unit,
)
from heatrisk.words import Note, Words

#: Rows that one answer holds at most; the service answers a larger question with an error.
MOST_ROWS = 25_000

_ASK = Words(
    "API の応答(JSON)をそのまま保存してください",
    "Save the service's JSON answer as it is.",
)
_ASK_LESS = Words(
    f"1 回の応答は {MOST_ROWS:,} 件までです。都道府県別(location_type=2、東京都は pref_cds=44)に分けるか、"
    "期間を短くして取得してください",
    f"One answer holds {MOST_ROWS:,} rows at most: ask per prefecture (location_type=2; Tokyo is pref_cds=44)"
    " or for a shorter time.",
)
_TENTHS = "310 (= 31.0 °C)"
_Record = dict[str, Any]


def open_answer(answer: Any, name: str) -> Publication:
    """Open an answer of the service.

    Parameters
    ----------
    answer : object
        The parsed JSON.
    name : str
        The file, for messages.

    Raises
    ------
    SourceError
        It is no such answer, tells of an error, or a record is damaged.
    SourceIncompleteError
        It holds no records, or fewer than it says.
    UnitsError
        Its forecast is in degrees and not in tenths.
    """
    records = _records(answer, name)
    by_station: dict[str, list[tuple[int, _Record]]] = defaultdict(list)
    for k, record in enumerate(records):
        by_station[str(record.get("wbgt_no"))].append((k, record))
    forecast = "forecast_val" in records[0]
    stated = numbers(record.get("forecast_val") for record in records)
    if must_be_degrees(stated):
        raise wrong_unit(name, _TENTHS, f"{stated.min():g} … {stated.max():g}")

    def row(station: str) -> Row:
        rows = by_station[station]
        return _forecast(rows, name) if forecast else _survey(rows, name)

    codes = _codes(records, "flag" if forecast else "wbgt_WI")
    notes = () if not forecast or set(codes) <= {"0"} else (_flagged(codes),)
    if forecast:
        return Publication(name, "forecast", tuple(by_station), row, notes=notes, facts={"flags": codes})
    classes = _codes(records, "wbgt_class")
    facts = {"quality": codes, "measured": classes.get("1", 0), "estimated": classes.get("0", 0)}
    return Publication(name, "observed", tuple(by_station), row, facts=facts)


def _records(answer: Any, name: str) -> list[_Record]:
    answer = answer if isinstance(answer, dict) else {}
    status, told, records = answer.get("status"), str(answer.get("errMsg") or "")[:200], answer.get("data")
    # What the service calls success is not documented for good; an error has a message and no data.
    if str(status).lower() == "error" or (told and not records):
        raise SourceError(
            Words("環境省の API がエラーを返しています", "the saved answer tells of an error"),
            where=name,
            got=told or "-",
            remedy=_ASK_LESS if "閾値" in told else _ASK,
        )
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise _foreign(name, f"status {str(status)[:40]}")
    count = answer.get("count") or len(records)
    # JSON of some gateways writes numbers as text.
    if not records or str(count) != str(len(records)):
        raise SourceIncompleteError(
            Words("応答のデータが足りません", "the answer holds fewer records than it says, or none"),
            where=name,
            expected=f"{str(count)[:20]} record(s)",
            got=str(len(records)),
            remedy=_ASK,
        )
    if not {"forecast_val", "wbgt_WO"} & records[0].keys():
        raise _foreign(name, ", ".join(map(str, records[0]))[:120])
    return records


def _foreign(name: str, got: str) -> SourceError:
    return SourceError(
        Words("環境省の API の応答ではありません", "this is no answer of the Ministry's service"),
        where=name,
        expected='{"status": "success", "data": [{"wbgt_no": …, "forecast_val": …}]}',
        got=got,
        remedy=_ASK,
    )


def _forecast(records: list[tuple[int, _Record]], name: str) -> Row:
    """Return the newest forecast among a station's records."""
    issues = [(_time(record, "reference_time", k, name), k, record) for k, record in records]
    newest = max(issue for issue, _, _ in issues)
    rows = [(k, record) for issue, k, record in issues if issue == newest]
    values = {
        _time(record, "forecast_time", k, name): _value(record, "forecast_val", k, name) / 10.0
        for k, record in rows
    }
    row = _row(values, newest, len(rows), f"{name}: data[{rows[0][0]}]", _TENTHS)
    highest = np.nanmax(row.values, initial=-np.inf)
    if summer(row.times) and -np.inf < highest <= 6.0:
        raise wrong_unit(row.where, _TENTHS, f"{highest * 10:g}")
    return row


def _survey(records: list[tuple[int, _Record]], name: str) -> Row:
    """Return a station's hours; where both are given, the measurement and not the estimate."""
    measured = {
        _time(record, "wbgt_date", k, name) for k, record in records if str(record.get("wbgt_class")) == "1"
    }
    rows = [
        (_time(record, "wbgt_date", k, name), k, record)
        for k, record in records
        if str(record.get("wbgt_class")) == "1" or _time(record, "wbgt_date", k, name) not in measured
    ]
    values = {time: _value(record, "wbgt_WO", k, name) for time, k, record in rows}
    globe = {time: _value(record, "wbgt_Tg", k, name) for time, k, record in rows}
    filled = [time for time, value in values.items() if np.isfinite(value)]
    row = _row(values, max(filled or values), len(rows), f"{name}: data[{records[0][0]}]", "31.2")
    return row._replace(tg=np.array([globe[time] for time in row.times]))


def _row(
    values: dict[pd.Timestamp, float], issued: pd.Timestamp, records: int, where: str, expected: str
) -> Row:
    if len(values) != records:
        raise SourceError(
            Words("同じ地点・時刻の値が 2 つ以上あります", "one instant of a station has several values"),
            where=where,
            got=str(records - len(values)),
            remedy=_ASK,
        )
    times = pd.DatetimeIndex(sorted(values))
    row = Row(times, np.array([values[time] for time in times]), issued, where)
    check_range(row.values, where, expected)
    return row


def _time(record: _Record, name: str, k: int, file: str) -> pd.Timestamp:
    text = record.get(name)
    try:
        return instant(text if isinstance(text, str) else "")
    except ValueError as error:
        raise _damaged(record, name, k, file, "2026/08/01 15:00:00") from error


def _value(record: _Record, name: str, k: int, file: str) -> float:
    value = record.get(name)
    try:
        if isinstance(value, bool | list | dict):
            raise ValueError(name)
        return np.nan if value is None else number(str(value))
    except ValueError as error:
        raise _damaged(record, name, k, file, '"310"') from error


def _damaged(record: _Record, name: str, k: int, file: str, expected: str) -> SourceError:
    return SourceError(
        Words(f"{name} を読めません", f"{name} cannot be read"),
        where=f"{file}: data[{k}]",
        expected=expected,
        got=str(record.get(name))[:40],
        remedy=_ASK,
    )


def _codes(records: Iterable[_Record], name: str) -> dict[str, int]:
    """Return how often each code stands in a field; ``"1.0"`` counts as ``"1"``."""
    codes = Counter(str(record.get(name))[:20].removesuffix(".0") for record in records)
    return dict(sorted(codes.items()))


def _flagged(codes: dict[str, int]) -> Note:
    others = ", ".join(f"{code} ({count})" for code, count in codes.items() if code != "0")
    return Note.of(
        "official_flagged",
        f"公式予測に flag が 0 でない値があります：{others}",
        f"values of the official forecast carry a flag other than 0: {others}",
    )

"""Parameters of requests: what may be asked, in which form, and the step of the forecast it means."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Path, Query

from heatrisk.api.problems import TimeNotFoundError
from heatrisk.words import JST, Language, Words

NOW = "now"
LATEST = "latest"
#: Times that follow the clock. A forecast ends in days to come: its latest word on the present is meant.
CLOCK = (NOW, LATEST)
GEOJSON = "application/geo+json"
#: What the OpenAPI document says of answers that are GeoJSON.
GEOJSON_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOJSON: {"schema": {"type": "object"}}}, "description": "GeoJSON"}
}

Lon = Annotated[
    float,
    Query(
        ge=-180,
        le=180,
        allow_inf_nan=False,
        description="Longitude [degrees, east positive]",
        examples=[139.56],
    ),
]
Lat = Annotated[
    float,
    Query(
        ge=-90, le=90, allow_inf_nan=False, description="Latitude [degrees, north positive]", examples=[35.69]
    ),
]
RunQuery = Annotated[
    str, Query(max_length=80, description="Run id, or `latest`", examples=[LATEST, "20260730T0510Z-1a2b3c4d"])
]
RunPath = Annotated[
    str, Path(max_length=80, description="Run id, or `latest`", examples=[LATEST, "20260730T0510Z-1a2b3c4d"])
]
LayerPath = Annotated[
    str, Path(max_length=40, description="Layer id, as listed by `/layers`", examples=["risk"])
]
QuantityPath = Annotated[
    str,
    Path(max_length=40, description="Quantity id, as listed by `/quantities`", examples=["wbgt_moe"]),
]
TIME_HELP = (
    "A valid time of the run: ISO 8601, extended or basic, with `Z` or an offset; without one it is Japan "
    "Standard Time. Or `now`, also called `latest`: the step nearest to the clock, kept within the run. "
    "`/times` lists them."
)
TIME_EXAMPLES = ["2025-08-05T15:00+09:00", "20250805T0600Z", NOW]
TimeQuery = Annotated[str, Query(max_length=40, description=TIME_HELP, examples=TIME_EXAMPLES)]
TimePath = Annotated[str, Path(max_length=40, description=TIME_HELP, examples=TIME_EXAMPLES)]
AtQuery = Annotated[
    str,
    Query(
        max_length=40,
        description="Any instant in the same forms, or `now` (`latest`)",
        examples=[NOW, "2025-08-05T15:00"],
    ),
]
LangQuery = Annotated[
    Language | None,
    Query(description="Reduce every pair of Japanese and English text to this language", examples=["ja"]),
]

Zoom = Annotated[int, Path(ge=0, le=30, description="Zoom, as the TileJSON offers them", examples=[15])]
Column = Annotated[
    int, Path(ge=0, lt=2**30, description="Column of the XYZ scheme in Web Mercator", examples=[29088])
]
Row = Annotated[
    int, Path(ge=0, lt=2**30, description="Row of the XYZ scheme, from the north", examples=[12903])
]

#: The tile route reads its own path, for speed; this is what the OpenAPI document says about it.
TILE_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": kind},
        "example": example,
    }
    for name, kind, text, example in (
        ("run", "string", "Run id, or `latest`", LATEST),
        ("layer", "string", "Layer id, as listed by `/layers`", "risk"),
        ("time", "string", TIME_HELP, NOW),
        (
            "z",
            "integer",
            "Zoom; the highest is the `maxzoom` of the TileJSON, clients overzoom beyond it",
            15,
        ),
        ("x", "integer", "Column of the XYZ scheme in Web Mercator", 29088),
        ("y", "integer", "Row of the XYZ scheme, from the north", 12903),
    )
]


@lru_cache(maxsize=4096)
def instant(text: str) -> datetime:
    """Return the instant that a time parameter names.

    Parameters
    ----------
    text : str
        ISO 8601, extended or basic; Japan Standard Time where it names no zone.

    Returns
    -------
    datetime.datetime
        With zone UTC.

    Raises
    ------
    TimeNotFoundError
        The text is no time.
    """
    try:
        # A literal "+" of an offset arrives as a space in a query that was not escaped.
        parsed = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=JST)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise TimeNotFoundError(
            Words("時刻の書き方が正しくありません", "this is not a time"),
            got=text,
            expected=Words("ISO 8601（例 2025-08-05T15:00+09:00）", "ISO 8601, e.g. 2025-08-05T15:00+09:00"),
        ) from error


def step_of(text: str, times: list[datetime], clock: datetime) -> int:
    """Return the index of the step that a time parameter means.

    Parameters
    ----------
    text : str
        A time as :func:`instant` reads it, or one of :data:`CLOCK`.
    times : list of datetime.datetime
        Valid times of the run with zone UTC, ascending.
    clock : datetime.datetime
        The present, with a zone.

    Returns
    -------
    int
        Index into ``times``. :data:`CLOCK` gives the nearest step, the first or last one outside the run.

    Raises
    ------
    TimeNotFoundError
        The text is no time, or the run has no step then; the error carries the valid times.
    """
    if text in CLOCK:
        return min(range(len(times)), key=lambda index: abs(times[index] - clock))
    moment = instant(text)
    try:
        return times.index(moment)
    except ValueError:
        raise TimeNotFoundError(
            Words("この時刻の予測はありません", "the run has no step at this time"),
            got=text, remedy=Words("有効な時刻から選んでください。", "Choose one of the valid times."),
            valid_times=tuple(map(utc, times)),
        ) from None  # fmt: skip


def steps_within(text: str, times: list[datetime]) -> list[int]:
    """Return the steps that an instant or an interval of the OGC standards means.

    Parameters
    ----------
    text : str
        An instant, or two of them with ``/`` between; ``..`` or nothing leaves an end open.
    times : list of datetime.datetime
        Valid times of the run with zone UTC, ascending.

    Returns
    -------
    list of int
        Indices into ``times``, at least one.

    Raises
    ------
    TimeNotFoundError
        The text is no time, or no step lies within; the error carries the valid times.
    """
    first, slash, last = text.partition("/")
    if not slash:
        return [step_of(text, times, times[0])]
    ends = [None if end in ("", "..") else instant(end) for end in (first, last)]
    found = [
        index
        for index, time in enumerate(times)
        if (ends[0] is None or ends[0] <= time) and (ends[1] is None or time <= ends[1])
    ]
    if not found:
        raise TimeNotFoundError(
            Words("この期間の予測はありません", "the run has no step within this interval"),
            got=text,
            valid_times=tuple(map(utc, times)),
        )
    return found


@lru_cache(maxsize=4096)
def utc(moment: datetime) -> str:
    """Write an instant as ISO 8601 in UTC, e.g. ``2025-08-05T06:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def jst(moment: datetime) -> str:
    """Write an instant as ISO 8601 in Japan Standard Time, e.g. ``2025-08-05T15:00:00+09:00``."""
    return moment.astimezone(JST).isoformat(timespec="seconds")


def basic(moment: datetime) -> str:
    """Write an instant in the basic form that URLs use, e.g. ``20250805T0600Z``."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%MZ")

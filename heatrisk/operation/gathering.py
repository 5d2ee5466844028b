"""The sources of a city gathered for a run: from disk and web, for now or for a day gone by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from heatrisk.city import City
from heatrisk.errors import StoreError
from heatrisk.shelters import from_geojson
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.web import Downloads
from heatrisk.stored import StoredRun
from heatrisk.words import JST, Note

#: Called with the name of a stage, steps done and all steps.
Progress = Callable[[str, int, int], None]


def read(
    city: City,
    city_file: Path,
    store: Path,
    created: datetime,
    progress: Progress,
    *,
    past: bool = False,
    town: Inputs | None = None,
) -> Inputs:
    """Read a city's sources, those on the web by way of the store's folder of downloads.

    Parameters
    ----------
    city : City
        The city file as read.
    city_file, store : pathlib.Path
        Where it lies, and the store.
    created : datetime.datetime
        The clock, with zone.
    progress : callable
        Told of the files of the buildings.
    past : bool
        The clock stands on a day gone by: what was issued after it is not looked at.
    town : Inputs, optional
        Sources of another day of the same city, whose town is taken over.

    Returns
    -------
    Inputs
        What could not be read is in its ``errors`` and ``lacking``.
    """
    folder, contact = store / "downloads", city.city.contact
    if past:  # what is fetched today was not fetched then
        downloads = Downloads(folder, city.http, contact=contact)
    else:
        downloads = Downloads(folder, city.http, contact=contact, clock=lambda: created)
    return read_inputs(
        city,
        city_file,
        go_on=True,
        downloads=downloads,
        now=created,
        past=past,
        town=town,
        progress=lambda done, of: progress("read", done, of),
    )


def keep_shelters(inputs: Inputs, last: StoredRun | None) -> str | None:
    """Let the shelters of an earlier run stand in for a list that could not be read: they are still there.

    Parameters
    ----------
    inputs : Inputs
        What was read; gets the shelters, and a doubt that says so.
    last : StoredRun or None
        The earlier run.

    Returns
    -------
    str or None
        The run that lent its shelters; None where that was not needed or not possible.
    """
    if last is None or not any(lack.role == "shelters" for lack in inputs.lacking):
        return None
    with suppress(StoreError):
        inputs.shelters = from_geojson(last.shelters)
        day = last.created.astimezone(JST)
        inputs.doubts.append(
            Note.of(
                "shelters_kept",
                f"涼める場所は前回（{day.month}月{day.day}日）の一覧を表示しています",
                f"the shelters shown are those of the run of {day:%Y-%m-%d}",
            )
        )
        return last.id
    return None

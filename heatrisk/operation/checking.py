"""Every input of a city read, and whether they fit together, short of computing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from heatrisk.city import City, read_city
from heatrisk.errors import HeatRiskError
from heatrisk.forcing import forcing
from heatrisk.operation.doubts import doubts, expired
from heatrisk.operation.gathering import Progress, read
from heatrisk.operation.telling import unusable
from heatrisk.shelters import Shelter
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.reading import Reading
from heatrisk.steps import step_times
from heatrisk.words import Note, Words


@dataclass(frozen=True)
class Findings:
    """What a check of a city's inputs found.

    Parameters
    ----------
    readings : tuple of Reading
        One record a file that could be read.
    errors : tuple of HeatRiskError
        What a run would stop at.
    assumptions : tuple of Note
        What a run would have to assume.
    doubts : tuple of Note
        What would turn a run amber.
    shelters : tuple of Shelter
        The cooling shelters, those without a position included.
    """

    readings: tuple[Reading, ...] = ()
    errors: tuple[HeatRiskError, ...] = ()
    assumptions: tuple[Note, ...] = ()
    doubts: tuple[Note, ...] = ()
    shelters: tuple[Shelter, ...] = ()


def check(city_file: Path, created: datetime, progress: Progress = lambda *_: None) -> Findings:
    """Read every input of a city, go on after errors, and try whether they fit together.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    created : datetime.datetime
        The clock, with zone; it tells stale sources.
    progress : callable
        Called with the name of a stage, steps done and all steps.

    Returns
    -------
    Findings
        What :func:`recompute` would meet, short of computing; errors are in it, not raised.
    """
    try:
        city = read_city(city_file)
        inputs = read(city, city_file, city.store.path, created, progress)
    except HeatRiskError as error:
        return Findings(errors=(error,))
    notes = tuple(inputs.notes)
    if inputs.weather is not None and inputs.scene is not None:
        try:
            steps, left_out = step_times(inputs.weather)
            notes += left_out + forcing(inputs.weather, steps, *inputs.scene.grid.centre_lonlat).notes
        except HeatRiskError as error:
            inputs.failed.append(("weather", error))
    return Findings(
        tuple(inputs.readings),
        tuple(inputs.errors),
        notes,
        (*doubts(inputs, notes, created, public=False), *_over(inputs, created), *_untold(city)),
        inputs.shelters,
    )


def _over(inputs: Inputs, created: datetime) -> Iterator[Note]:
    """Yield what a run of now would stop at, though the files are in order."""
    for error in expired(inputs, created):
        yield Note("official_expired", Words(error.text("ja", public=True), error.text("en", public=True)))


def _untold(city: City) -> Iterator[Note]:
    """Yield why a watcher could not send what it has to tell."""
    for error in unusable(city.tell, city.store.path):
        yield Note("tell_unusable", Words(error.text("ja"), error.text("en")))

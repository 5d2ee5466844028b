"""One cell explained: from a city's files as they are now, or from the inputs that a run kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from heatrisk.budget import Budget, budget
from heatrisk.city import read_city
from heatrisk.operation.gathering import Progress, read
from heatrisk.operation.replaying import kept_inputs
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.town import in_leaf
from heatrisk.stored import StoredRun


def explain_city(
    city_file: Path,
    store: Path,
    place: tuple[float, float],
    time: datetime,
    created: datetime,
    tell: Progress,
) -> Budget:
    """Return the budget of a cell, from a city's sources.

    Parameters
    ----------
    city_file, store : pathlib.Path
        The city file, and the store in which downloads are kept.
    place : tuple of float
        Longitude and latitude [degrees].
    time, created : datetime.datetime
        The moment asked for, and the clock, both with zone.
    tell : callable
        Called with the name of a stage, steps done and all steps.

    Raises
    ------
    HeatRiskError
        A source cannot be read, or the place or the moment is none of the city's.
    """
    return _explained(read(read_city(city_file), city_file, store, created, tell), place, time)


def explain_run(run: StoredRun, place: tuple[float, float], time: datetime, tell: Progress) -> Budget:
    """Return the budget of a cell of a run, from the inputs that it kept.

    Parameters
    ----------
    run : StoredRun
        The run.
    place, time, tell
        As of :func:`explain_city`.

    Raises
    ------
    StoreError
        It kept no record of its inputs, or not all of them.
    HeatRiskError
        The place or the moment is none of the run's.
    """
    with TemporaryDirectory(prefix="heatrisk-inspect-") as folder:
        return _explained(kept_inputs(run, Path(folder), tell), place, time)


def _explained(inputs: Inputs, place: tuple[float, float], time: datetime) -> Budget:
    if inputs.errors:
        raise inputs.errors[0]
    assert inputs.scene is not None and inputs.weather is not None  # or there would have been errors
    scene = in_leaf(inputs.scene, inputs.city, time)
    wind = inputs.city.model.urban_wind
    return budget(scene, inputs.weather, *place, time, surfaces=inputs.surfaces, urban_wind=wind)

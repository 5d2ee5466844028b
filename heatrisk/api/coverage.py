"""Values of a run as CoverageJSON: domain, parameters, ranges, and where they come from.

References
----------
.. [1] OGC 21-069r2, OGC CoverageJSON Community Standard, version 1.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk.api import answers
from heatrisk.api.answers import number
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun

MEDIA_TYPE = "application/prs.coverage+json"


def parameter(name: str) -> dict[str, Any]:
    """Return the description of a quantity."""
    row = QUANTITIES[name]
    label = {"ja": row.words.ja, "en": row.words.en}
    property_ = {"label": label}
    if row.standard_name is not None:
        property_["id"] = f"http://vocab.nerc.ac.uk/standard_name/{row.standard_name}"  # type: ignore[assignment]
    return {
        "type": "Parameter",
        "description": label,
        "unit": {"symbol": {"value": row.units, "type": "https://www.unidata.ucar.edu/software/udunits/"}},
        "observedProperty": property_,
    }


def reference(coordinates: list[str], kind: str, identifier: str) -> dict[str, Any]:
    """Return the reference system of some axes."""
    return {"coordinates": coordinates, "system": {"type": kind, "id": identifier}}


def coverage(
    run: StoredRun,
    domain: str,
    axes: dict[str, Any],
    system: dict[str, Any],
    values: dict[str, npt.NDArray[np.float64]],
    order: list[str],
) -> dict[str, Any]:
    """Return a coverage.

    Parameters
    ----------
    run : StoredRun
        Where the values come from.
    domain : str
        Type of the domain, e.g. ``"Grid"``.
    axes : dict
        Values of every axis.
    system : dict
        What :func:`reference` returns for the axes on the ground.
    values : dict
        One array a quantity; NaN is no value.
    order : list of str
        Axes of the arrays.
    """
    calendar = {"type": "TemporalRS", "calendar": "Gregorian"}
    return {
        "type": "Coverage",
        "domain": {
            "type": "Domain",
            "domainType": domain,
            "axes": axes,
            "referencing": [system, {"coordinates": ["t"], "system": calendar}],
        },
        "parameters": {name: parameter(name) for name in values},
        "ranges": {
            name: {
                "type": "NdArray",
                "dataType": "float",
                "axisNames": order,
                "shape": list(array.shape),
                "values": [number(float(value), 3) for value in array.ravel()],
            }
            for name, array in values.items()
        },
        "heatrisk:run": run.id,
        "heatrisk:reference": answers.both(answers.reference(run)),
        "heatrisk:attribution": answers.attribution(run),
    }

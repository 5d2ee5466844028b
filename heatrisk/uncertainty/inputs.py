"""What the uncertainty of a step depends on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]


class Conditions(NamedTuple):
    """Sun and air of one step, as far as its uncertainty depends on them.

    Parameters
    ----------
    cosz : float
        Cosine of the sun's zenith angle, mean over the step weighted by the beam, 0 to 1.
    diffuse_share : float
        Diffuse part of the step's global radiation, what comes from around the sun counted as beam, 0 to 1;
        NaN where there is none or it is not known: no term for the split then.
    ta, rh, va : float
        Of the air [degC], [%], [m s-1]; NaN for a nominal state, and air at rest.
    """

    cosz: float = 0.0
    diffuse_share: float = math.nan
    ta: float = math.nan
    rh: float = math.nan
    va: float = math.nan


class UncertaintyInputs(NamedTuple):
    """One step of a run, as far as its uncertainty depends on it.

    Parameters
    ----------
    wbgt : numpy.ndarray
        ``wbgt_moe`` of the cells, anchored where the run is [degC], any shape; NaN gives NaN.
    wbgt_sun, wbgt_shade : numpy.ndarray
        Of the sunny and the shady side of the same cells [degC].
    sunlit : numpy.ndarray
        Share of the beam that the cells receive, mean over the step, 0 to 1.
    lead_hours : float
        From the issue of the official forecast to the step [h]; 0 or less of what was observed, NaN where it
        is not known or there is none.
    anchored : bool
        Whether the cells are anchored to the official value.
    split_measured : bool
        Whether the diffuse radiation was given.
    sub_cell, cell : float
        Width of the sub-cells in which shade is drawn, and of the cells [m].
    svf : numpy.ndarray, optional
        Sky view factor of the cells, 0 to 1; open sky if omitted.
    conditions : Conditions
        From :func:`heatrisk.uncertainty.conditions`.
    position_sd : float
        Standard deviation of the edges of shadows from errors of the town model [m]; NaN where not known.
    """

    wbgt: Floats32
    wbgt_sun: Floats32
    wbgt_shade: Floats32
    sunlit: Floats32
    lead_hours: float
    anchored: bool
    split_measured: bool
    sub_cell: float
    cell: float
    svf: Floats32 | None = None
    conditions: Conditions = Conditions()
    position_sd: float = math.nan

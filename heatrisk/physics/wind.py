"""Wind among buildings: how much of the open wind reaches a body between walls.

The weather gives one wind for all cells, that of an open place. A street is calmer, the more so the less sky
it sees. The sky view factor of the middle of a long canyon says how deep that is::

    Ψ = √(1 + a²) - a        a = (1 - Ψ²) / 2Ψ, height of the walls over the width of the street

and with the depth the wind fades exponentially, the form that urban canopy schemes have for canyons [1]_. How
fast is taken from one measured street: 0.67 of the wind above it at a depth of 1 [2]_. Streets along the wind
and corners of tall buildings are windier than that, courts calmer; no mean wind in a model like this knows.
The tables of many cells follow this wind within 0.003 °C of WBGT, and within 0.05 °C in the narrow range of
sky view factors where the shelter ends.

References
----------
.. [1] V. Masson (2000), A physically-based scheme for the urban energy budget in atmospheric models,
   Boundary-Layer Meteorol. 94, 357-397.
.. [2] Y. Nakamura, T. R. Oke (1988), Wind, temperature and stability conditions in an east-west oriented
   urban canyon, Atmos. Environ. 22, 2691-2700: Kyoto; the ratio as listed in Build. Environ. 94 (2015),
   489-503, table 1.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np

from heatrisk.physics.air import Number
from heatrisk.physics.constants import WIND_CALM
from heatrisk.physics.kernel import formula

#: Whether the wind at the body is the open one, or fades with the sky view factor.
UrbanWind = Literal["off", "svf"]

FADING: Final = -math.log(0.67)  # [1] per height of the walls over the width of the street
DEEPEST: Final = 10.0  # [1] depth beyond which it is as calm as can be


@formula
def sheltered_wind(va: Number, svf_buildings: Number) -> Number:
    """Wind at the body in a street.

    ``max(va exp(-0.40 a), 0.25)``, and never more than ``va``: in calmer air a warm globe, and a person, stir
    the air by themselves, and the measured street says nothing of it.

    Parameters
    ----------
    va : float or array
        Wind at the body in an open place. [m s-1]
    svf_buildings : float or array
        Sky view factor without trees, 0 to 1. [1]

    Returns
    -------
    float or array
        [m s-1]
    """
    view = np.maximum(svf_buildings, 0.5 / DEEPEST)
    depth = (1.0 - view * view) / (2.0 * view)
    return np.minimum(np.maximum(va * np.exp(-FADING * depth), WIND_CALM), va)

"""A made clear day as the courts read it: 24 hours of the past, then one step."""

from __future__ import annotations

import numpy as np

from heatrisk.physics.court import AZIMUTH, BEAM, COSZ, DIFFUSE, LSKY, LSLANT, PS, TA, VA

SOUTH = np.pi


def clear_day(hour: float = 12.0, moments: int = 6) -> np.ndarray:
    """Rows every 10 minutes that end just before an hour of local time: 33 °C at most, a sun of 70°."""
    count = 144 + moments
    clock = hour + (np.arange(count) - count + 0.5) / 6.0
    turn = (clock - 12.0) / 12.0 * np.pi
    cosz = np.maximum(0.22 + 0.72 * np.cos(turn), 0.0)
    drive = np.empty((count, 9))
    drive[:, COSZ] = cosz
    drive[:, AZIMUTH] = SOUTH + turn
    drive[:, BEAM] = np.where(cosz > 0.05, 850.0 * cosz**0.25, 0.0)
    drive[:, DIFFUSE] = 150.0 * cosz
    drive[:, TA] = 29.5 + 3.5 * np.cos(turn - 0.6)
    drive[:, LSKY] = 0.86 * 5.67e-8 * (drive[:, TA] + 273.15) ** 4
    drive[:, LSLANT] = 0.09 * 5.67e-8 * (drive[:, TA] + 273.15) ** 4
    drive[:, PS], drive[:, VA] = 1008.0, 1.3
    return drive

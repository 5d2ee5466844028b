"""Hypothesis generators of random towns and suns."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

ELEVATIONS = st.floats(4.0, 85.0)
AZIMUTHS = st.floats(-360.0, 720.0) | st.sampled_from(
    [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0, 360.0]
)


@st.composite
def towns(draw: st.DrawFn, low: int = 1, high: int = 24) -> np.ndarray:
    """Draw level ground with columns up to 30 m on it, of any shape."""
    shape = draw(st.tuples(st.integers(low, high), st.integers(low, high)))
    heights = draw(hnp.arrays(np.float64, shape, elements=st.floats(2.0, 30.0)))
    built = draw(hnp.arrays(np.bool_, shape, elements=st.booleans() | st.just(False)))
    return np.where(built, heights, 0.0)

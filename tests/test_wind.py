"""Wind among buildings: open places keep it, streets lose it as one street was seen to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.physics.constants import WIND_CALM
from heatrisk.physics.wind import sheltered_wind


def test_an_open_place_keeps_its_wind() -> None:
    assert sheltered_wind(3.0, 1.0) == 3.0


def test_a_street_as_deep_as_wide_has_two_thirds() -> None:
    view = np.sqrt(2.0) - 1.0  # from the middle of a long canyon, by hand
    assert sheltered_wind(3.0, view) == pytest.approx(2.01, abs=1e-9)
    assert sheltered_wind(3.0, np.sqrt(5.0) - 2.0) == pytest.approx(3.0 * 0.67**2, abs=1e-9)


@given(st.floats(0.0, 30.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_less_sky_is_never_windier(va: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= sheltered_wind(va, low) <= sheltered_wind(va, high) <= va


def test_air_never_stands_still() -> None:
    assert sheltered_wind(1.0, 0.0) == WIND_CALM
    assert sheltered_wind(0.05, 0.3) == 0.05, "nor does shelter make it faster"
    assert np.isnan(sheltered_wind(np.nan, 0.5)) and np.isnan(sheltered_wind(1.0, np.nan))

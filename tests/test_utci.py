"""UTCI against two other programs, its domain, and its scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatrisk.physics.utci import BLOCK, COEFFICIENTS, saturation_hardy, utci, wind_at_10_m

TABLE = pd.read_csv(Path(__file__).parent / "reference" / "utci.csv", comment="#")
SUMMER = {"ta": 30.0, "rh": 50.0, "va": 1.0, "tmrt": 50.0}


def summer(**changes: float) -> float:
    return float(utci(**(SUMMER | changes)))


@pytest.mark.parametrize("program", ["pythermalcomfort", "thermofeel"])
def test_other_programs(program: str) -> None:
    ours = utci(*(TABLE[name].to_numpy() for name in ("ta", "rh", "va", "tmrt")))
    assert len(ours) > 300
    np.testing.assert_allclose(ours, TABLE[f"utci_{program}"], rtol=0, atol=2e-4)


def test_every_term_of_sixth_order_is_there() -> None:
    assert COEFFICIENTS.shape == (210,)  # (6 + 4) choose 4
    assert np.count_nonzero(COEFFICIENTS) == 210


def test_reference_condition_is_its_own_temperature() -> None:
    # Bröde et al. (2012): in the reference room (0.5 m/s, 50 % up to 20 hPa, walls as warm as the air) the
    # index is the air temperature; the polynomial's root mean square error is 1.1 K.
    ta = np.arange(-10.0, 29.0, 3.0)
    assert float(np.sqrt(np.mean((utci(ta, 50.0, 0.5, ta) - ta) ** 2))) < 1.1


def test_hardy_at_the_boiling_and_the_triple_point() -> None:
    assert saturation_hardy(0.01) == pytest.approx(6.11657, abs=1e-4)  # ITS-90: 611.657 Pa
    assert saturation_hardy(99.974) == pytest.approx(1013.25, rel=2e-4)


@pytest.mark.parametrize(
    "outside",
    [
        {"ta": -50.1, "tmrt": -50.0}, {"ta": 50.1, "rh": 10.0, "tmrt": 60.0}, {"tmrt": -0.1}, {"tmrt": 100.1},
        {"va": 17.1}, {"va": -0.1}, {"rh": 100.1}, {"rh": -1.0}, {"ta": 40.0, "rh": 90.0, "tmrt": 50.0},
    ],
)  # fmt: skip
def test_out_of_the_domain_there_is_no_value(outside: dict[str, float]) -> None:
    assert np.isnan(summer(**outside))


@pytest.mark.parametrize("missing", SUMMER)
def test_nan_in_nan_out(missing: str) -> None:
    assert np.isnan(summer(**{missing: np.nan}))
    assert np.isfinite(summer())


def test_calm_air_counts_as_the_least_wind_of_the_domain() -> None:
    assert summer(va=0.0) == summer(va=0.3) == summer(va=0.5) != summer(va=0.6)


def test_warmer_with_sun_cooler_with_wind() -> None:
    assert (np.diff(utci(32.0, 55.0, 1.5, np.arange(30.0, 75.0))) > 0.0).all()
    assert (np.diff(utci(25.0, 55.0, np.arange(0.5, 10.0, 0.5), 35.0)) < 0.0).all()


def twin(ta: float, rh: float, va: float, tmrt: float) -> float:
    """Sum the terms one by one, each power from scratch."""
    e, excess = 0.001 * rh * float(saturation_hardy(ta)), tmrt - ta
    total, coefficients = ta, iter(COEFFICIENTS)
    for m in range(7):
        for k in range(7 - m):
            for j in range(7 - m - k):
                for i in range(7 - m - k - j):
                    total += next(coefficients) * ta**i * va**j * excess**k * e**m
    return total


@pytest.mark.parametrize("count", [1, BLOCK, 3 * BLOCK + 5])
def test_every_point_is_the_sum_of_its_terms(count: int) -> None:
    random = np.random.default_rng(count)
    ta, rh = random.uniform(15.0, 40.0, count), random.uniform(10.0, 60.0, count)
    va, tmrt = random.uniform(0.5, 8.0, count), ta + random.uniform(-10.0, 40.0, count)
    some = random.integers(0, count, min(count, 20))
    expected = [twin(ta[k], rh[k], va[k], tmrt[k]) for k in some]
    np.testing.assert_allclose(utci(ta, rh, va, tmrt)[some], expected, rtol=0, atol=1e-9)


def test_inputs_broadcast_and_stay_as_they_were() -> None:
    grid = utci(np.array([[25.0], [35.0]]), 50.0, 1.0, np.array([30.0, np.nan, 50.0]))
    assert grid.shape == (2, 3) and np.isnan(grid[:, 1]).all()
    assert grid[1, 2] == utci(35.0, 50.0, 1.0, 50.0)
    tmrt = np.full(2 * BLOCK, 50.0)
    utci(30.0, 50.0, 1.0, tmrt)
    assert tmrt.flags.writeable and (tmrt == 50.0).all()


def test_wind_of_the_profile() -> None:
    # ln(1000) / ln(200): the wind at 10 m is 1.3 times that at 2 m.
    assert wind_at_10_m(1.0) == pytest.approx(1.3038, abs=1e-4)
    assert wind_at_10_m(3.0, 10.0) == pytest.approx(3.0)

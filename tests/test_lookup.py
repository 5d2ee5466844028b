"""Cells from tables: as the solver itself has them, the same wherever they lie, and nothing from nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heatrisk.physics import cells, fit, fluxes, lanes, lookup, order
from heatrisk.physics.constants import STANDING
from heatrisk.physics.court import BEAM, COSZ, DIFFUSE, PS, TA, VA, beam_warming, march_courts
from heatrisk.physics.kernel import kernel
from heatrisk.physics.lanes import COLUMNS, LANES, SUMS, TERMS, TERMS_WITH_V, add_moment, write_answers
from heatrisk.physics.radiant import mean_radiant_temperature, person_beam, person_load
from heatrisk.physics.shares import packed, unpacked
from heatrisk.physics.surface import LAND_COVER, WALL, parameters
from heatrisk.physics.utci import utci, wind_at_10_m
from heatrisk.physics.wbgt import from_fluxes
from heatrisk.physics.wind import sheltered_wind
from tests.days import clear_day

GROUND, WALLS = parameters(LAND_COVER), parameters([WALL])[0]
KINDS = np.arange(len(GROUND), dtype=np.uint8)
MOMENTS = 6
DRIVE = clear_day(12.0, MOMENTS)
LIGHT, HEAT, SHADED = march_courts(DRIVE, 144, 600.0, GROUND, WALLS)
COURTS = [fluxes.court_table(light, heat) for light, heat in zip(LIGHT, HEAT, strict=True)]
RECURSION, MEAN = beam_warming(DRIVE, 144, 600.0, GROUND)
DAY = np.array([0.2, 0.1, 0.05, 0.05, 0.1, 0.05, 0.05])  # parts of the beam: an hour before, then the moments
HORIZON = 15.0
ANSWERS = [lanes.MOE, lanes.MOE_SUN, lanes.MOE_SHADE, lanes.ISO, lanes.TMRT, lanes.UTCI]


class Street(NamedTuple):
    """Random cells: class, sky view with and without trees, beam an hour ago and at each moment."""

    kind: np.ndarray
    svf: np.ndarray
    bare: np.ndarray
    before: tuple[np.ndarray, ...]
    beams: tuple[np.ndarray, ...]


def street(count: int, seed: int, *, crowns: bool = True, moments: int = MOMENTS) -> Street:
    random = np.random.default_rng(seed)
    bare = random.random(count, np.float32)
    clear = random.uniform(0.15, 1.0, count) if crowns else np.ones(count)
    most = 1.0 - 0.85 * (1.0 - clear)  # crowns that hide the sky hide the sun

    def shares() -> np.ndarray:
        return unpacked(packed(most * random.choice([0.0, 0.15, 0.6, 1.0], count)))

    kind = random.integers(0, len(GROUND), count).astype(np.uint8)
    svf = (bare * clear).astype(np.float32)
    return Street(kind, svf, bare, (shares(),), tuple(shares() for _ in range(moments)))


def tables(drive: np.ndarray, rh: float, *, crowns: bool = True, urban_wind: bool = False) -> lookup.Tables:
    """Return the tables of the last moments of the day, an hour of sun before them."""
    hour, moments = np.zeros((1, *MEAN.shape, 3)), len(drive)
    hour[..., 0], hour[..., 1] = 0.5, 0.5 * MEAN + 10.0
    return lookup.body_tables(
        drive, np.full(moments, rh), np.full(moments, HORIZON), LIGHT[-moments:], HEAT[-moments:],
        SHADED[-moments:], GROUND, hour, RECURSION[-moments:], MEAN, DAY[: 1 + moments], KINDS, crowns,
        urban_wind,
    )  # fmt: skip


def weather(ta: float, va: float, ps: float, cosz: float, clear: float) -> np.ndarray:
    now = DRIVE[-1:].copy()
    now[:, [TA, VA, PS, COSZ]] = ta, va, ps, cosz
    now[:, BEAM], now[:, DIFFUSE] = 950.0 * clear * (cosz > 0.05), 300.0 * cosz
    return now


def placed(town: Street, crowns: bool = True) -> order.Places:
    return order.places(town.kind, KINDS, town.svf, town.bare, crowns)


def waiting(beams: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Return shares as they wait for a step."""
    return tuple(packed(beam) for beam in beams)


def added(drive: np.ndarray, rh: float, town: Street, *, crowns: bool = True) -> np.ndarray:
    """Return the sums of all moments, the peak and the beam over some cells, one row each."""
    found, places = tables(drive, rh, crowns=crowns), placed(town, crowns)
    sums = np.full((cells.RECEIVED + 1, places.order.size), np.nan, np.float32)
    cells.pass_block(found, places, waiting(town.before), waiting(town.beams), 0, sums)
    of_cells = np.full((len(sums), town.kind.size), np.nan)
    of_cells[:, places.order] = sums
    return of_cells


def exact(drive: np.ndarray, rh: float, town: Street, cell: int) -> np.ndarray:
    """Return the answers of one cell at every moment from the solver itself, step by step."""
    kind, svf, bare = int(town.kind[cell]), float(town.svf[cell]), float(town.bare[cell])
    suns = np.array([beam[cell] for beam in (*town.before, *town.beams)])
    seen = DAY[: len(suns)] @ suns + (1.0 - DAY[: len(suns)].sum()) * svf
    settled = seen * MEAN[kind]
    warmth = 0.5 * settled + (0.5 * MEAN[kind] + 10.0) * float(town.before[0][cell])
    rows = []
    for k, now in enumerate(drive):
        share, back = float(town.beams[k][cell]), k - len(drive)
        a, b, c = RECURSION[back, kind]
        warmth = a * warmth + b * share + c * settled
        loads = fluxes.cell_fluxes(
            fluxes.sky_state(now, HORIZON), COURTS[back], SHADED[back],
            GROUND, kind, svf, bare, share, warmth,
        )  # fmt: skip
        rows.append(solved(now, rh, share, loads))
    return np.array(rows)


def solved(
    now: np.ndarray, rh: float, share: float, loads: tuple[float, float, float, float, float, float]
) -> np.ndarray:
    """Return the answers in given fluxes, sun and shade weighted by hand."""
    kdown, kup, _, ldown, lup, _ = loads
    sides = []
    for on in (1.0, 0.0):
        air = (now[TA], rh, now[PS], now[VA])
        moe, iso = from_fluxes(*air, on * now[BEAM], now[COSZ], kdown, kup, ldown, lup)
        load = person_load(*loads, STANDING) + on * person_beam(now[BEAM], now[COSZ], STANDING)
        tmrt = float(mean_radiant_temperature(load))
        sides.append([float(moe), float(iso), tmrt, float(utci(now[TA], rh, wind_at_10_m(now[VA]), tmrt))])
    sun, shade = np.array(sides)
    mean = share * sun + (1.0 - share) * shade
    return np.array([mean[0], sun[0], shade[0], *mean[1:]])


@settings(max_examples=15, deadline=None)
@given(
    st.floats(5.0, 42.0), st.floats(10.0, 80.0), st.floats(0.13, 8.0), st.floats(900.0, 1030.0),
    st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.booleans(), st.integers(0, 2**32 - 1),
)  # fmt: skip
@example(5.0, 10.0, 1.0, 900.0, 1.0, 0.0, True, 1)  # crowns far colder than the sky that they hide
@example(5.0, 80.0, 0.13, 900.0, 0.9, 1.0, True, 2)  # and a strong beam
def test_tables_stay_within_5_mk_of_the_solver(
    ta: float, rh: float, va: float, ps: float, cosz: float, clear: float, crowns: bool, seed: int
) -> None:
    now, town = weather(ta, va, ps, cosz, clear), street(40, seed, crowns=crowns, moments=1)
    ours = added(now, rh, town, crowns=crowns)[ANSWERS]
    truth = np.array([exact(now, rh, town, cell)[0] for cell in range(40)]).T
    np.testing.assert_allclose(ours[:4], truth[:4], rtol=0, atol=0.005)
    np.testing.assert_allclose(ours[4], truth[4], rtol=0, atol=0.05)
    known = np.isfinite(truth[5]) & np.isfinite(ours[5])  # the edge of the domain of UTCI is a step
    np.testing.assert_allclose(ours[5, known], truth[5, known], rtol=0, atol=0.02)


@pytest.mark.parametrize("calm", [[], [1, 4]])
@pytest.mark.parametrize("crowns", [False, True])
def test_a_step_walks_through_its_moments(crowns: bool, calm: list[int]) -> None:
    drive, town = DRIVE[-MOMENTS:].copy(), street(40, 7, crowns=crowns)
    drive[calm, VA] = 0.2
    ours = added(drive, 55.0, town, crowns=crowns)
    truth = np.array([exact(drive, 55.0, town, cell) for cell in range(40)])
    mean, expected = ours[ANSWERS] / MOMENTS, truth.mean(axis=1).T
    np.testing.assert_allclose(mean[:4], expected[:4], rtol=0, atol=0.002)
    np.testing.assert_allclose(mean[4:], expected[4:], rtol=0, atol=0.02)
    np.testing.assert_allclose(ours[lanes.PEAK], truth[..., 0].max(axis=1), rtol=0, atol=0.005)
    np.testing.assert_allclose(ours[cells.RECEIVED], np.sum(town.beams, axis=0), rtol=1e-6)


def test_cell_is_the_mean_of_its_sunny_and_its_shady_side() -> None:
    town = street(200, 1, moments=1)
    sums = added(weather(33.0, 1.5, 1008.0, 0.9, 0.85), 55.0, town)
    sun, shade, share = sums[lanes.MOE_SUN], sums[lanes.MOE_SHADE], town.beams[0]
    np.testing.assert_allclose(sums[lanes.MOE], share * sun + (1.0 - share) * shade, rtol=0, atol=0.002)
    assert (sun - shade > 1.0).all() and (sun - shade < 3.5).all()


def test_without_sun_both_sides_are_the_same() -> None:
    sums = added(weather(27.0, 1.0, 1008.0, 0.0, 0.0), 70.0, street(50, 2, moments=1))
    np.testing.assert_array_equal(sums[lanes.MOE_SUN], sums[lanes.MOE_SHADE])


@pytest.mark.parametrize("missing", ["svf", "beams", "before"])
@pytest.mark.parametrize("crowns", [False, True])
def test_nan_in_nan_out(missing: str, crowns: bool) -> None:
    town = street(3, 4, crowns=crowns)
    for array in (town.svf, town.bare) if missing == "svf" else getattr(town, missing)[-1:]:
        array[1] = np.nan
    products = stepped(town, crowns=crowns)
    of_beam = missing == "before"  # a sun of the past takes no share from the moments
    assert np.isnan(products[: cells.RECEIVED if of_beam else cells.PRODUCTS, 1]).all()
    assert np.isfinite(products[:, [0, 2]]).all()


@pytest.mark.parametrize("ta, rh, ps", [(np.nan, 50.0, 1008.0), (30.0, 101.0, 1008.0), (30.0, 50.0, 400.0)])
def test_air_out_of_the_domain_has_no_value(ta: float, rh: float, ps: float) -> None:
    assert np.isnan(lookup.sensor_table(ta, rh, ps, 1.0, np.full(3, 400.0), 50)).all()


def test_urban_wind_is_that_of_each_sky_view() -> None:
    now, whole, no_one = weather(33.0, 2.0, 1008.0, 0.9, 0.85), np.ones(1, np.float32), np.zeros(1, np.uint8)
    for view in (1.0, 0.73, 0.5, 0.387, 0.25, 0.141):
        bare = np.full(1, view, np.float32)
        places, share = order.places(no_one, KINDS, bare, bare, True), waiting((0.5 * whole,))
        street = tables(now, 55.0, urban_wind=True)
        calmer = weather(33.0, float(sheltered_wind(2.0, view)), 1008.0, 0.9, 0.85)
        ours, plain = (
            cells.reference_moe(found, places, share, share) for found in (street, tables(calmer, 55.0))
        )
        assert ours == pytest.approx(plain, abs=0.003)  # some terms are means over an interval


# --- steps as products ------------------------------------------------------------------------------------


def stepped(town: Street, lift: tuple[float, float] = (0.0, 0.0), *, crowns: bool = True) -> np.ndarray:
    products = tuple(np.full(town.kind.size, 7.0, np.float32) for _ in range(cells.PRODUCTS))
    found = tables(DRIVE[-MOMENTS:], 55.0, crowns=crowns)
    before, beams = waiting(town.before), waiting(town.beams)
    cells.step_cells(found, placed(town, crowns), before, beams, beams, *lift, products)
    return np.array(products)


def test_products_are_rounded_means_lifted_where_they_are_wbgt() -> None:
    town = street(50, 5)
    sums, plain, lifted = added(DRIVE[-MOMENTS:], 55.0, town), stepped(town), stepped(town, (31.0, 29.5))
    np.testing.assert_array_equal(plain[ANSWERS], np.round(sums[ANSWERS] / MOMENTS, 2).astype(np.float32))
    np.testing.assert_allclose(plain[cells.RECEIVED], np.mean(town.beams, axis=0), rtol=0, atol=0.00051)
    np.testing.assert_array_equal(plain[cells.LIT], plain[cells.RECEIVED])  # no crown stands in this beam
    np.testing.assert_array_equal(plain[lanes.PEAK], np.round(sums[lanes.PEAK], 2).astype(np.float32))
    up = np.array([*ANSWERS[:4], lanes.PEAK])
    np.testing.assert_allclose(lifted[up], plain[up] + 1.5, rtol=0, atol=0.011)
    np.testing.assert_array_equal(lifted[[lanes.TMRT, lanes.UTCI]], plain[[lanes.TMRT, lanes.UTCI]])


def test_a_cell_has_the_same_bytes_wherever_it_lies() -> None:
    town = street(2 * order.BLOCK + 37, 6)
    part = slice(order.BLOCK - 5, order.BLOCK + 60)
    alone = Street(
        town.kind[part], town.svf[part], town.bare[part], tuple(beam[part] for beam in town.before),
        tuple(beam[part] for beam in town.beams),
    )  # fmt: skip
    assert stepped(alone).tobytes() == np.ascontiguousarray(stepped(town)[:, part]).tobytes()


def test_the_reference_is_the_only_cell_before_rounding() -> None:
    town = street(1, 8)
    found = tables(DRIVE[-MOMENTS:], 55.0)
    mean = cells.reference_moe(found, placed(town), waiting(town.before), waiting(town.beams))
    assert mean == pytest.approx(added(DRIVE[-MOMENTS:], 55.0, town)[lanes.MOE, 0] / MOMENTS, abs=1e-9)


# --- the parts --------------------------------------------------------------------------------------------


def test_intervals_join_at_their_ends() -> None:
    views = np.linspace(0.0, 1.0, 20_001)
    found = np.array([order.view_interval(view) for view in views])
    way = found.sum(axis=1)
    assert (np.diff(way) > 0.0).all() and np.diff(way).max() < 0.02
    assert way[0] == 0.0 and way[-1] == pytest.approx(order.INTERVALS)
    assert order.view_interval(-0.1) == (0, 0.0)


def test_every_known_cell_stands_in_one_group_among_its_like() -> None:
    town = street(order.BLOCK + 300, 9)
    town.svf[::7] = np.nan
    town.svf[1::7] = town.bare[1::7]  # no crown above
    places = placed(town)
    assert (np.diff(places.bounds) % LANES == 0).all() and (
        places.bounds[1:, 0] == places.bounds[:-1, -1]
    ).all()
    cells_of = (
        order.BLOCK * np.repeat([0, 1], np.diff(places.bounds[:, [0, -1]], axis=1)[:, 0]) + places.order
    )
    assert np.array_equal(np.unique(cells_of), np.flatnonzero(np.isfinite(town.svf)))
    for bounds in places.bounds:
        for group, (first, last) in enumerate(pairwise(bounds)):
            members = np.unique(cells_of[first:last]).size
            assert last - first == -(-members // LANES) * LANES
            assert (cells_of[first + members : last] == cells_of[first : first + 1]).all()
            for cell, way in zip(cells_of[first:last], places.way[first:last], strict=True):
                interval, through = order.view_interval(float(town.bare[cell]))
                crowned = town.svf[cell] < town.bare[cell]
                assert group == (2 * int(town.kind[cell]) + crowned) * order.INTERVALS + interval
                assert way == np.float32(through)
    crowned = 1.0 - town.svf[cells_of] / np.maximum(town.bare[cells_of], 1e-4)
    np.testing.assert_allclose(places.hidden, crowned / (1.1 - 0.1 * crowned), atol=1e-6)
    courts = [fluxes.court_place(float(svf)) for svf in town.svf[cells_of]]
    np.testing.assert_allclose(places.node + places.between.astype(float), np.sum(courts, axis=1), atol=1e-5)


@kernel
def moment(sums: Any, answers: Any, table: Any, u: Any, v: Any, g: Any, s: Any) -> None:
    add_moment(sums, LANES, table, 2, u, v, g, s)
    write_answers(answers, LANES, table, 2, u, v, g, s)


@pytest.mark.parametrize("crowned", [False, True])
def test_polynomial_as_written(crowned: bool) -> None:
    random = np.random.default_rng(0)
    table = random.random((TERMS_WITH_V + 3, COLUMNS), np.float32)
    u, v, g, s = random.random((4, 3 * LANES), np.float32)
    sums, answers = np.full((SUMS, 3 * LANES), np.float32(5.0)), np.zeros((COLUMNS, LANES), np.float32)
    sums[lanes.PEAK, LANES : LANES + 4] = 1e3
    s[-LANES - 1] = np.nan
    moment(sums, answers, table, u, v if crowned else None, g, s)
    terms, more = (
        iter(table[2 : 2 + TERMS, :, None].astype(float)),
        iter(table[2 + TERMS :, :, None].astype(float)),
    )
    w, value = v if crowned else np.zeros_like(v), np.zeros((COLUMNS, 3 * LANES))
    for share in range(3):
        for warmth in range(3):
            parts = sum(part * next(terms) for part in ([1.0, u] if share + warmth < 2 else [1.0]))
            hidden = {0: [w, u * w, w * w], 1: [w, u * w, w * w], 2: [w]}.get(share + warmth, [])
            parts = parts + sum(part * next(more) for part in hidden)
            value += s**share * g**warmth * parts
    assert next(terms, None) is None and len(list(more)) == 1
    ours, sunny, shady = slice(LANES, 2 * LANES), value[lanes.MOE_SUN], value[lanes.MOE_SHADE]
    moe = s * sunny + (1.0 - s) * shady
    np.testing.assert_allclose(answers, value[:, ours], rtol=1e-5)
    np.testing.assert_allclose(sums[:COLUMNS, ours], 5.0 + value[:, ours], rtol=1e-5)
    np.testing.assert_allclose(sums[lanes.MOE, ours], 5.0 + moe[ours], rtol=1e-5)
    highest = np.fmax(moe[ours], [1e3] * 4 + [5.0] * (LANES - 4))  # what is not a number is not the highest
    np.testing.assert_allclose(sums[lanes.PEAK, ours], highest, rtol=1e-5)
    assert (sums[:, :LANES] == 5.0).all() and (sums[:, 2 * LANES :] == 5.0).all()


def test_what_has_no_term_is_followed_by_lower_ones() -> None:
    random, warmths = np.random.default_rng(0), -3.0 + 30.0 * np.array(fit.WARMTHS)
    solved_at = np.vander(order.crown_way(np.array(fit.HIDDEN)), increasing=True)
    degree = np.add.outer(np.arange(3), np.arange(3))  # in s and g
    known = np.array([degree <= 4, degree <= 2, degree <= 1])[..., None]  # with 1, v, v²
    powers = random.random((3, 3, 3, COLUMNS)) / 15.0 ** np.arange(3)[:, None]

    def followed(of: np.ndarray) -> np.ndarray:
        at_hidden = np.tensordot(solved_at, of, 1)
        fit.fit_crowns(at_hidden, warmths)
        return at_hidden * known

    def values(of: np.ndarray) -> np.ndarray:
        v, s, g = np.linspace(0.0, 1.0, 21), np.linspace(0.0, 1.0, 11), np.linspace(-3.0, 27.0, 31)
        return np.einsum("vk,si,gj,kijc->vsgc", *(np.vander(x, 3, increasing=True) for x in (v, s, g)), of)

    np.testing.assert_allclose(followed(powers * known), powers * known, rtol=0, atol=1e-12)
    np.testing.assert_allclose(followed(powers)[0], powers[0], rtol=0, atol=1e-12)  # no crowns, no change
    ours, left_out = (np.abs(values(of - powers)).max() for of in (followed(powers), powers * known))
    assert ours < 0.2 * left_out


def test_ground_warms_in_the_sun_alone_and_settles() -> None:
    recursion, mean = np.array([[0.9, 2.0, 0.0]]), np.zeros(1)
    warming, kind = np.zeros(2), np.zeros(2, np.uint8)
    for _ in range(200):
        lookup.add_warming(
            recursion, mean, kind, np.ones(2, np.float32), np.array([1.0, 0.0], np.float32), warming
        )
    np.testing.assert_allclose(warming, [20.0, 0.0], rtol=1e-6)


def test_a_deep_court_is_read_between_its_nodes() -> None:
    last = fluxes.court_place(1.0)
    assert fluxes.court_place(0.0) == (0, 0.0) and last[1] == 1.0
    node, way = fluxes.court_place(0.5 + 0.25 / (last[0] + 1))
    assert node == (last[0] + 1) // 2 and way == pytest.approx(0.25)

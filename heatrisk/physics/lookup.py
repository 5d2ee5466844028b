"""What a body feels in every cell, from few exact solutions.

Over one weather cell the forcing is uniform, so what a body feels at one moment depends on few numbers of a
cell: the class of its ground, how much sky it sees, how much of that is behind crowns, how warm the beam of
the last hours has made its ground, and the share of the beam that it receives. Fluxes and energy balances
are solved on nodes of these, and between the nodes runs a polynomial: some thousand solutions serve a million
cells.

A cell is larger than a shadow's edge. Its value is the mean over its ground: the sunlit part at the WBGT of
the sun, the rest at the WBGT of the shade, both over ground that is warmed by the sunlit share of the last
hours.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.air import psychrometric_wet_bulb, vapour_pressure
from heatrisk.physics.balance import globe_iso7726, globe_liljegren, natural_wet_bulb, wick_load
from heatrisk.physics.constants import (
    KELVIN,
    SIGMA,
    STANDING,
    WEIGHT_AIR,
    WEIGHT_GLOBE,
    WEIGHT_WET_BULB,
    WIND_CALM,
)
from heatrisk.physics.court import BEAM, COSZ, PS, TA, VA
from heatrisk.physics.fit import HIDDEN, SHARES, WARMTHS, fit_crowns, fit_powers, write_interval
from heatrisk.physics.fluxes import Sky, at_view, cell_fluxes, court_table, sky_state
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.lanes import COLUMNS, ISO, MOE_SHADE, MOE_SUN, TERMS, TERMS_WITH_V, TMRT, UTCI
from heatrisk.physics.order import INTERVALS, view_of
from heatrisk.physics.radiant import mean_radiant_temperature, person_beam, person_load
from heatrisk.physics.utci import fill_utci, wind_at_10_m
from heatrisk.physics.wbgt import in_domain
from heatrisk.physics.wind import sheltered_wind

LOAD_STEP: Final = 4.0  # [W m-2] between the loads at which the balances are solved

_GLOBE, _WICK, _PERSON = range(3)
_WIDEST: Final = 2000.0  # [W m-2] between the loads of one moment

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Kinds = npt.NDArray[np.uint8]


@kernel
def sensor_table(ta: float, rh: float, ps: float, va: float, first: Floats, count: int) -> Floats:
    """Solve the balances of globe, wick and person for some loads, in the air of one moment.

    Parameters
    ----------
    ta, rh, ps, va : float
        Air temperature, relative humidity, pressure, wind at the body. [°C], [%], [hPa], [m s-1]
    first : array, shape (3,)
        Lowest load of globe, wick and person. [W m-2]
    count : int
        Loads, `LOAD_STEP` apart.

    Returns
    -------
    array, shape (count, 5)
        By the load of the globe: ``wbgt_moe``; the part of ``wbgt_iso`` without its wet bulb. By the load of
        the wick: the part of ``wbgt_iso`` of its wet bulb. By the load of the person: ``tmrt``, ``utci``.
        [°C]
    """
    table = np.full((count, 5), np.nan)
    if not in_domain(ta, rh, ps, va):
        return table
    tpsy = psychrometric_wet_bulb(ta, rh, ps)
    vapour = vapour_pressure(ta, rh)
    air = WEIGHT_AIR * ta
    for k in range(count):
        globe, wick, person = first + k * LOAD_STEP
        radiant = np.sqrt(np.sqrt(globe / SIGMA)) - KELVIN
        table[k, 0] = WEIGHT_WET_BULB * tpsy + WEIGHT_GLOBE * globe_iso7726(ta, va, radiant) + air
        table[k, 1] = WEIGHT_GLOBE * globe_liljegren(ta, ps, va, radiant) + air
        table[k, 2] = WEIGHT_WET_BULB * natural_wet_bulb(ta, vapour, ps, va, wick, tpsy)
        table[k, 3] = mean_radiant_temperature(person)
    air_of_all = np.full(count, ta), np.full(count, rh), np.full(count, wind_at_10_m(va))
    fill_utci(*air_of_all, table[:, 3].copy(), table[:, 4])
    return table


@kernel
def _sheltered_tables(
    now: Floats, rh: float, urban_wind: bool, first: Floats, count: int
) -> npt.NDArray[np.float64]:
    """Sensor tables of one moment, one for all places or one for every end of an interval."""
    tables = np.empty((INTERVALS + 1 if urban_wind else 1, count, 5))
    for node in range(tables.shape[0]):
        va = sheltered_wind(now[VA], view_of(node)) if urban_wind else now[VA]
        tables[node] = sensor_table(now[TA], rh, now[PS], va, first, count)
    return tables


@kernel
def _place(table: Floats, first: float, load: float) -> tuple[int, float]:
    """Row of a table below a load, and the way from it to the next."""
    x = (load - first) / LOAD_STEP
    k = min(max(int(x), 0), table.shape[0] - 2)
    return k, x - k


@kernel
def _read(table: Floats, column: int, k: int, way: float) -> float:
    value: float = table[k, column] + way * (table[k + 1, column] - table[k, column])
    return value


@kernel
def _sample_loads(
    sky: Sky, court: Floats, shaded: Floats, ground: Floats, kind: int,
    svf_buildings: float, hidden: float, warmths: Floats, samples: Floats,
) -> None:  # fmt: skip
    """Fill in loads of globe, wick and person in the shade, by share of the beam and warmth of the ground."""
    svf = (1.0 - hidden) * svf_buildings
    shade = at_view(shaded[kind], svf_buildings) - at_view(shaded[kind], svf)
    for i in range(3):
        for j in range(3):
            kdown, kup, kside, ldown, lup, lside = cell_fluxes(
                sky, court, shaded, ground, kind, svf, svf_buildings, SHARES[i], warmths[j] + shade
            )
            samples[i, j, _GLOBE] = 0.5 * (kdown + kup + ldown + lup)
            samples[i, j, _WICK] = wick_load(0.0, 0.0, kdown, kup, ldown, lup)
            samples[i, j, _PERSON] = person_load(kdown, kup, kside, ldown, lup, lside, STANDING)


@kernel
def _answers(
    table: Floats, first: Floats, sample: Floats, sun: Floats, share: float, calm: bool, answers: Floats
) -> None:
    """Fill in the columns of one sample: of each side, then of both, weighted by the share of the sun."""
    for column in range(COLUMNS):
        answers[column] = 0.0
    for weight, on, side in ((1.0 - share, 0.0, MOE_SHADE), (share, 1.0, MOE_SUN)):
        globe, globe_way = _place(table, first[_GLOBE], sample[_GLOBE] + on * sun[_GLOBE])
        if not calm:
            answers[side] = _read(table, 0, globe, globe_way)
        if weight > 0.0:
            wick, wick_way = _place(table, first[_WICK], sample[_WICK] + on * sun[_WICK])
            body, body_way = _place(table, first[_PERSON], sample[_PERSON] + on * sun[_PERSON])
            answers[ISO] += weight * _read(table, 1, globe, globe_way)
            answers[ISO] += weight * _read(table, 2, wick, wick_way)
            answers[TMRT] += weight * _read(table, 3, body, body_way)
            answers[UTCI] += weight * _read(table, 4, body, body_way)
    if calm:
        answers[MOE_SHADE] = sample[_GLOBE]


@kernel
def _sun_loads(now: Floats) -> Floats:
    """Return what the beam adds to the loads of globe, wick and person [W m-2]."""
    wick = wick_load(now[BEAM], now[COSZ], 0.0, 0.0, 0.0, 0.0)
    return np.array([0.25 * now[BEAM], wick, person_beam(now[BEAM], now[COSZ], STANDING)])


@kernel
def _sample_class_loads(
    sky: Sky, court: Floats, shaded: Floats, ground: Floats, kinds: Kinds, warmths: Floats, samples: Floats
) -> tuple[Floats, Floats]:
    """Fill in the loads of all classes, at all nodes; return the lowest and the highest of each body."""
    samples, warmths, shaded = lent(samples), lent(warmths), lent(shaded)
    first, last = np.full(3, np.inf), np.full(3, -np.inf)
    for slot, node, k in np.ndindex(samples.shape[:3]):
        sample = samples[slot, node, k]
        _sample_loads(
            sky, court, shaded, ground, int(kinds[slot]), view_of(node), HIDDEN[k], warmths[slot], sample
        )
        for i, j, body in np.ndindex(sample.shape):
            first[body] = min(first[body], sample[i, j, body])
            last[body] = max(last[body], sample[i, j, body])
    return first, last


@kernel
def _fit_class(
    tables: Floats, first: Floats, samples: Floats, sun: Floats, warmths: Floats, calm: bool, answers: Floats,
    fits: Floats,
) -> None:  # fmt: skip
    """Fit what a body feels over one class, at all nodes."""
    tables, samples, answers, fits = lent(tables), lent(samples), lent(answers), lent(fits)
    for node in range(fits.shape[0]):
        table = tables[min(node, tables.shape[0] - 1)]
        for k in range(fits.shape[1]):
            for i, j in np.ndindex(3, 3):
                _answers(table, first, samples[node, k, i, j], sun, SHARES[i], calm, answers[i, j])
            fit_powers(answers, warmths, fits[node, k])
        if fits.shape[1] > 1:
            fit_crowns(fits[node], warmths)


@kernel
def _fill_moment(
    now: Floats, rh: float, horizon: float, court: Floats, shaded: Floats, ground: Floats, kinds: Kinds,
    warmths: Floats, crowns: bool, urban_wind: bool, rows: Floats32, globe: Floats32,
) -> None:  # fmt: skip
    """Fill in the table of one moment, shape (kinds * INTERVALS * terms, COLUMNS), and that of its globe."""
    hidden, terms = (3, TERMS_WITH_V) if crowns else (1, TERMS)
    samples = np.empty((kinds.size, INTERVALS + 1, hidden, 3, 3, 3))
    sky, sun = sky_state(now, horizon), _sun_loads(now)
    first, last = _sample_class_loads(sky, court, shaded, ground, kinds, warmths, samples)
    widest = max(0.0, min((last + sun - first).max(), _WIDEST))
    tables = _sheltered_tables(now, rh, urban_wind, first, int(widest / LOAD_STEP) + 3)
    globe[0], globe[1], globe[2:] = first[_GLOBE], sun[_GLOBE], np.nan
    globe[2 : 2 + tables.shape[1]] = tables[-1, :, 0]
    answers, fits = np.empty((3, 3, COLUMNS)), np.empty((INTERVALS + 1, hidden, 3, 3, COLUMNS))
    for slot in range(kinds.size):
        _fit_class(tables, first, samples[slot], sun, warmths[slot], now[VA] < WIND_CALM, answers, fits)
        for node in range(INTERVALS):
            place = (slot * INTERVALS + node) * terms
            write_interval(fits[node], fits[node + 1], rows[place : place + terms])


@parallel_kernel
def _fill_tables(
    drive: Floats, rh: Floats, horizon: Floats, light: Floats, heat: Floats, shaded: Floats, ground: Floats,
    kinds: Kinds, warmths: Floats, crowns: bool, urban_wind: bool,
) -> tuple[Floats32, Floats32]:  # fmt: skip
    """Tables of every moment: of the body, and of the globe by its load."""
    terms = TERMS_WITH_V if crowns else TERMS
    rows = np.empty((drive.shape[0], kinds.size * INTERVALS * terms, COLUMNS), np.float32)
    globe = np.empty((drive.shape[0], int(_WIDEST / LOAD_STEP) + 5), np.float32)
    for k in numba.prange(drive.shape[0]):
        court = court_table(light[k], heat[k])
        _fill_moment(
            drive[k], rh[k], horizon[k], court, shaded[k], ground, kinds, warmths[k], crowns, urban_wind,
            rows[k], globe[k],
        )  # fmt: skip
    return rows, globe


class Tables(NamedTuple):
    """What a body feels over one step, as `heatrisk.physics.cells.step_cells` reads it.

    Attributes
    ----------
    body : array of float32, shape (moments, kinds * INTERVALS * terms, COLUMNS)
        Coefficients for `heatrisk.physics.lanes.add_moment`, by class of ground and by interval of the sky
        view factor without trees. Variables are the way through the interval ``u``, what crowns hide of the
        sky ``v`` (`heatrisk.physics.order.crown_way`), the warmth of the ground ``g`` [K] and the share of
        the beam ``s``. The warmth is that above the ground of a treeless place with the same walls that the
        beam never reaches.
    past : array of float32, shape (1 + hours, kinds)
        What the share of the day's beam, and of the beam in each of the hours before the step, have put into
        the warmth of the ground before the first moment. [K]
    warming : array of float32, shape (moments, kinds, 3)
        What each moment makes of the beam's part of the warmth: what is left of it [1], and what the shares
        of the moment's and of the day's beam add [K].
    day : array of float32, shape (suns,)
        Part of the day's beam for which each of those hours, of the suns before them and of the moments
        stands. [1]
    shades : array of float32, shape (moments, kinds, COURT_NODES)
        Temperature of ground that the beam never reaches, by sky view factor. [°C]
    calm : array of bool, shape (moments,)
        Where the column of ``wbgt_moe`` in the shade holds the load of a globe there instead.
    globe : array of float32, shape (moments, loads)
        Lowest load of a globe and what the beam adds [W m-2], then ``wbgt_moe`` by load. [°C]
    """

    body: Floats32
    past: Floats32
    warming: Floats32
    day: Floats32
    shades: Floats32
    calm: npt.NDArray[np.bool_]
    globe: Floats32


def body_tables(
    drive: Floats, rh: Floats, horizon: Floats, light: Floats, heat: Floats, shaded: Floats, ground: Floats,
    hours: Floats, recursion: Floats, mean: Floats, day: Floats, kinds: Kinds, crowns: bool,
    urban_wind: bool,
) -> Tables:  # fmt: skip
    """Solve what a body feels at some moments.

    Parameters
    ----------
    drive : array, shape (moments, 9)
        See `heatrisk.physics.court.BEAM` and following.
    rh : array, shape (moments,)
        Relative humidity. [%]
    horizon : array, shape (moments,)
        Radiation of the bright band of the horizon on an upright plane. [W m-2]
    light, heat, shaded : array
        From `heatrisk.physics.court.march_courts`.
    ground : array, shape (classes, 4)
        From `heatrisk.physics.surface.parameters`.
    hours, recursion, mean : array, shape (hours, classes, 3), (moments, classes, 3) and (classes,)
        Warming of the ground by the beam over the hours before the moments and over each of them, from
        `heatrisk.physics.court.beam_warming`.
    day : array, shape (suns,)
        Part of the day's beam for which each of the hours, of some suns before them and of the moments
        stands. [1]
    kinds : array of uint8, shape (kinds,)
        Classes of ground that there are.
    crowns : bool
        Whether crowns hide a part of the sky.
    urban_wind : bool
        Whether the wind at the body fades among buildings, see `heatrisk.physics.wind`. Ground and walls keep
        the open wind.
    """
    # `np.take` keeps rows together, where `[:, kinds]` would not: kernels are compiled by memory layout.
    hours, recursion, shades = (np.take(part, kinds, axis=1) for part in (hours, recursion, shaded))
    mean = mean[kinds]
    least, most = _warmth_span(hours, recursion, mean, shades if crowns else shades[..., -1:])
    warmths = least[..., None] + np.array(WARMTHS) * np.maximum(most - least, 1.0)[..., None]
    body, globe = _fill_tables(
        drive, rh, horizon, light, heat, shaded, ground, kinds, warmths, crowns, urban_wind
    )
    warming = recursion * np.stack([np.ones_like(mean), np.ones_like(mean), mean], axis=-1)
    parts = _put_by(hours, mean), warming, day, shades
    past, warm, seen, shade = (np.ascontiguousarray(part, np.float32) for part in parts)
    return Tables(body, past, warm, seen, shade, drive[:, VA] < WIND_CALM, globe)


def _put_by(hours: Floats, mean: Floats) -> Floats:
    """Return what the day and the hours' beams put into the warmth once all hours are over, see `Tables`."""
    put = mean[None]
    for a, b, c in np.moveaxis(hours, -1, 1):
        put = np.concatenate([a * put, b[None]])
        put[0] += c * mean
    return put


def _warmth_span(hours: Floats, recursion: Floats, mean: Floats, shade: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most that the warmth of the ground can be at each moment [K].

    The beam adds from nothing to what it does to open ground; crowns make shaded ground like that of a place
    with less sky.
    """
    top, tops = mean, np.empty(recursion.shape[:2])
    for k, row in enumerate((*hours, *recursion), start=-len(hours)):
        top = row[:, 0] * top + row[:, 1] + row[:, 2] * mean
        if k >= 0:
            tops[k] = top
    colder = (np.minimum.accumulate(shade, axis=-1) - shade).min(axis=-1)
    warmer = (np.maximum.accumulate(shade, axis=-1) - shade).max(axis=-1)
    return colder, tops + warmer


@parallel_kernel
def add_warming(
    recursion: Floats, mean: Floats, ground: Kinds, day: Floats32, beam: Floats32, warming: Floats
) -> None:
    """Let the beam warm the ground of every cell for one moment.

    Parameters
    ----------
    recursion : array, shape (classes, 3)
        Row of `heatrisk.physics.court.beam_warming`.
    mean : array, shape (classes,)
        Of the same. [K]
    ground, day, beam : array, shape (cells,)
        Class of the ground; share of a whole day's beam that arrives, and of the beam of the moment.
    warming : array, shape (cells,)
        Changed in place. [K]
    """
    for cell in numba.prange(warming.size):
        a, b, restored = recursion[ground[cell]]
        settled = day[cell] * mean[ground[cell]]
        warming[cell] = a * warming[cell] + b * beam[cell] + restored * settled

"""WBGT of every cell from a small exact table.

Over one weather cell the forcing is uniform, so the WBGT of a cell is a smooth function of its sky view
factor and of the sunlit share of its ground, one surface for each class of ground. The energy balances are
solved on the nodes of that surface and interpolated between them: a few hundred solutions serve a million
cells.

A cell is larger than a shadow's edge. Its value is the mean over its ground: the sunlit part at the WBGT of
the sun, the rest at the WBGT of the shade, both over ground that is warmed according to the sunlit share.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.kernel import kernel, parallel_kernel
from heatrisk.physics.radiant import cell_fluxes
from heatrisk.physics.wbgt import solve_wbgt

#: Nodes over sky view factor and sunlit share: the interpolation stays within 0.005 °C of the solver.
SVF_NODES: Final = 17
SUNLIT_NODES: Final = 9

Floats = npt.NDArray[np.float64]


@kernel
def cell_wbgt(
    ghi: float,
    dni: float,
    dhi: float,
    cosz: float,
    ta: float,
    rh: float,
    ps: float,
    va: float,
    ldown: float,
    svf: float,
    sunlit: float,
    albedo: float,
    warming: float,
) -> tuple[float, float]:
    """WBGT of one cell, solved exactly: mean over its sunlit and its shaded ground.

    Parameters
    ----------
    ghi, dni, dhi : float
        Global horizontal, direct normal and diffuse horizontal irradiance above the roofs. [W m-2]
    cosz : float
        Cosine of the sun's zenith angle. [1]
    ta, rh, ps, va : float
        Air temperature, relative humidity, pressure, wind. [°C], [%], [hPa], [m s-1]
    ldown : float
        Long-wave radiation of an unobstructed sky. [W m-2]
    svf, sunlit : float
        Sky view factor and sunlit share of the ground, 0 to 1. [1]
    albedo, warming : float
        Of the ground, see `heatrisk.physics.surface.ground_parameters`. [1], [K]

    Returns
    -------
    wbgt_moe, wbgt_iso : float
        [°C]
    """
    kd, ku, ld, lu = cell_fluxes(ghi, dni, dhi, cosz, ta, ldown, 0.0, sunlit, svf, albedo, warming)[1:]
    moe_shade, iso_shade = solve_wbgt(ta, rh, ps, va, 0.0, cosz, kd, ku, ld, lu)
    moe_sun, iso_sun = solve_wbgt(ta, rh, ps, va, dni, cosz, kd, ku, ld, lu)
    return sunlit * moe_sun + (1.0 - sunlit) * moe_shade, sunlit * iso_sun + (1.0 - sunlit) * iso_shade


@kernel
def wbgt_table(
    ghi: float,
    dni: float,
    dhi: float,
    cosz: float,
    ta: float,
    rh: float,
    ps: float,
    va: float,
    ldown: float,
    albedo: Floats,
    warming: Floats,
) -> Floats:
    """Solve the nodes for one sub-step; parameters as for `cell_wbgt`, ground given by class.

    Returns
    -------
    array, shape (classes, SVF_NODES, SUNLIT_NODES, 2)
        ``wbgt_moe`` and ``wbgt_iso``. [°C]
    """
    table = np.empty((albedo.size, SVF_NODES, SUNLIT_NODES, 2))
    for k in range(albedo.size):
        for i in range(SVF_NODES):
            for j in range(SUNLIT_NODES):
                table[k, i, j, 0], table[k, i, j, 1] = cell_wbgt(
                    ghi,
                    dni,
                    dhi,
                    cosz,
                    ta,
                    rh,
                    ps,
                    va,
                    ldown,
                    i / (SVF_NODES - 1),
                    j / (SUNLIT_NODES - 1),
                    albedo[k],
                    warming[k],
                )
    return table


@parallel_kernel
def add_substep(
    table: Floats,
    ground: npt.NDArray[np.uint8],
    svf: npt.NDArray[np.float32],
    beam: npt.NDArray[np.float32],
    direct: npt.NDArray[np.float32],
    moe: Floats,
    iso: Floats,
    peak: Floats,
    sun: Floats,
) -> None:
    """Interpolate one sub-step for every cell and add it to the running sums.

    Parameters
    ----------
    table : array, shape (classes, SVF_NODES, SUNLIT_NODES, 2)
        From `wbgt_table`. [°C]
    ground, svf, beam, direct : array, shape (cells,)
        Row of the table's first axis; sky view factor; share of the beam that arrives; share in full sun.
        NaN gives NaN.
    moe, iso, sun : array, shape (cells,)
        Sums to add to: ``wbgt_moe``, ``wbgt_iso``, share in full sun.
    peak : array, shape (cells,)
        Highest ``wbgt_moe`` so far.
    """
    for cell in numba.prange(moe.size):
        if np.isnan(svf[cell]) or np.isnan(beam[cell]):
            moe[cell] = iso[cell] = peak[cell] = sun[cell] = np.nan
            continue
        x = min(max(np.float64(svf[cell]), 0.0), 1.0) * (SVF_NODES - 1)
        y = min(max(np.float64(beam[cell]), 0.0), 1.0) * (SUNLIT_NODES - 1)
        i, j = min(int(x), SVF_NODES - 2), min(int(y), SUNLIT_NODES - 2)
        u, v = x - i, y - j
        nodes = table[ground[cell], i : i + 2, j : j + 2]
        near = (1.0 - u) * (1.0 - v), (1.0 - u) * v, u * (1.0 - v), u * v
        value = (
            near[0] * nodes[0, 0, 0]
            + near[1] * nodes[0, 1, 0]
            + near[2] * nodes[1, 0, 0]
            + near[3] * nodes[1, 1, 0]
        )
        moe[cell] += value
        peak[cell] = np.maximum(peak[cell], value)  # unlike max(), hands NaN on
        iso[cell] += (
            near[0] * nodes[0, 0, 1]
            + near[1] * nodes[0, 1, 1]
            + near[2] * nodes[1, 0, 1]
            + near[3] * nodes[1, 1, 1]
        )
        sun[cell] += direct[cell]

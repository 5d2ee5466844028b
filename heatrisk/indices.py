"""Physics with labels: what a body feels. A heat index is a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from heatrisk.errors import InputError, MissingQuantityError
from heatrisk.physics.utci import utci, wind_at_10_m
from heatrisk.physics.wbgt import from_fluxes
from heatrisk.quantities import labelled

_FLUXES = ("ta", "rh", "ps", "va", "dni", "cosz", "kdown", "kup", "ldown", "lup")


@dataclass(frozen=True)
class HeatIndex:
    """A heat index and the formula that computes it.

    Parameters
    ----------
    name : str
        Row of :data:`heatrisk.quantities.QUANTITIES`.
    inputs : tuple of str
        Names of the formula's arguments, in order.
    formula : callable
        From arrays to the index, broadcasting; NaN in, NaN out.
    source : str
        Publication.
    """

    name: str
    inputs: tuple[str, ...]
    formula: Callable[..., npt.NDArray[np.float64]]
    source: str


def _wbgt_moe(*fluxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return from_fluxes(*fluxes)[0]


def _wbgt_iso(*fluxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return from_fluxes(*fluxes)[1]


def _utci(
    ta: npt.NDArray[np.float64],
    rh: npt.NDArray[np.float64],
    va: npt.NDArray[np.float64],
    tmrt: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """UTCI from the wind at 2 m, as all indices here take it."""
    return np.asarray(utci(ta, rh, wind_at_10_m(va), tmrt))


HEAT_INDICES: dict[str, HeatIndex] = {
    row.name: row
    for row in (
        HeatIndex("wbgt_moe", _FLUXES, _wbgt_moe, "環境省 熱中症予防情報サイト; globe after ISO 7726:1998"),
        HeatIndex("wbgt_iso", _FLUXES, _wbgt_iso, "ISO 7243:2017; sensors after Liljegren et al. (2008)"),
        HeatIndex("utci", ("ta", "rh", "va", "tmrt"), _utci, "Bröde et al. (2012), Int. J. Biometeorol. 56"),
    )
}


def heat_index(name: str, data: xr.Dataset) -> xr.DataArray:
    """Compute a heat index from labelled fluxes.

    Parameters
    ----------
    name : str
        Key of :data:`HEAT_INDICES`.
    data : xarray.Dataset
        The index's inputs, by name and in the project's units; they broadcast by dimension.

    Returns
    -------
    xarray.DataArray
        The index with its CF attributes [degC].

    Raises
    ------
    InputError
        There is no such index.
    MissingQuantityError
        An input is absent.
    """
    if name not in HEAT_INDICES:
        raise InputError("no such heat index", got=name, expected=", ".join(HEAT_INDICES))
    row = HEAT_INDICES[name]
    missing = [quantity for quantity in row.inputs if quantity not in data]
    if missing:
        raise MissingQuantityError(f"{name} needs {', '.join(missing)}", expected=", ".join(row.inputs))

    @labelled(name)
    def compute() -> xr.DataArray:
        arrays = [data[quantity] for quantity in row.inputs]
        result: xr.DataArray = xr.apply_ufunc(
            row.formula, *arrays, dask="parallelized", output_dtypes=[np.float64]
        )
        return result

    return compute()

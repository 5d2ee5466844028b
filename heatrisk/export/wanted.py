"""What of a run is exported: layers, steps, and rasters for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from heatrisk.api.params import steps_within
from heatrisk.errors import InputError
from heatrisk.layers import Layer
from heatrisk.stored import StoredRun
from heatrisk.tiles import layers_of, row_of
from heatrisk.words import Words


@dataclass(frozen=True)
class Wanted:
    """What of a run is exported.

    Parameters
    ----------
    layers : tuple of str
        Names of layers; empty for all that the run holds.
    steps : str, optional
        An instant or an interval of ISO 8601 such as ``2025-08-05T06:00/..``; JST without zone. All if
        omitted.
    cog : bool
        Also a Cloud Optimized GeoTIFF of every drawn quantity and step.
    netcdf : bool
        Also the fields as one NetCDF file.

    Raises
    ------
    InputError
        NetCDF is wanted, and the library for it is not installed.
    """

    layers: tuple[str, ...] = ()
    steps: str | None = None
    cog: bool = False
    netcdf: bool = False

    def __post_init__(self) -> None:
        if self.netcdf and find_spec("h5netcdf") is None:
            raise InputError(
                Words(
                    "NetCDF の書き出しに必要な h5netcdf がありません",
                    "h5netcdf, which writes NetCDF, is missing",
                ),
                remedy=Words(
                    "pip install 'heatrisk[netcdf]' を実行してください。",
                    "Use pip install 'heatrisk[netcdf]'.",
                ),
            )

    def rows(self, run: StoredRun) -> list[Layer]:
        """Return the layers of a run that are wanted.

        Raises
        ------
        LayerNotFoundError
            The run does not hold one of them.
        """
        return [row_of(run, name) for name in self.layers] or layers_of(run)

    def indices(self, run: StoredRun) -> list[int]:
        """Return the steps of a run that are wanted.

        Raises
        ------
        InputError
            The text is no time or interval, or the run has no step then.
        """
        return list(range(len(run.times))) if self.steps is None else steps_within(self.steps, run.times)

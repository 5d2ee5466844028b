"""Finished runs as a folder of plain files: a working site on any web server, and data for other programs.

The folder needs nothing of this package to be read: the dashboard finds there what the service would answer,
tiles and values lie in archives that browsers read by ranges, and a STAC catalogue leads to the rasters.
"""

from __future__ import annotations

from heatrisk.export.site import export
from heatrisk.export.wanted import Wanted

__all__ = ["Wanted", "export"]

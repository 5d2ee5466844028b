"""From the sun to the body, in numbers: the walk, in order.

1. ``irradiance``  what the sun sends: global radiation over sub-steps, direct and diffuse
2. ``shadow``      where it falls: the sunlit fraction, for one sun or for many
3. ``sky``         how much sky a place sees
4. ``air``         humidity, wet bulb, wind at 2 m; ``sky_emission``, the long-wave radiation of the sky
5. ``surface``     how warm and how bright ground and walls are
6. ``court``       what the walls around a place send back
7. ``radiant``     the fluxes that reach a cell, and what globe and person make of them
8. ``fluxes``      all of them for one cell, from the court that it stands in
9. ``balance``     how warm a globe and a wick become in them
10. ``wbgt``       the two WBGT conventions built on globe and wick
11. ``utci``       the thermal climate index built on the person

``constants`` holds the numbers with unit and source, ``kernel`` the compiler options; ``columns``,
``relief``, ``sweep``, ``carried``, ``rows``, ``line``, ``canopy``, ``shares`` and ``tile`` carry ``shadow``
and ``sky``; ``lookup``, ``fit``, ``order``, ``lanes`` and ``cells`` serve many cells from few solutions of
the balances, ``wind`` lets the wind fade among buildings, ``footprints`` draws buildings into a raster,
``spread`` says how sure all this is, and ``faces`` gives the fluxes on all sides of a body as stations
measure them.

Functions take floats or float64 arrays that broadcast, in °C, %, hPa, m s⁻¹, W m⁻², metres and degrees
clockwise from north. NaN is no-data: NaN in, NaN out. No value raises an error.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

_PAGES = frozenset(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def __getattr__(name: str) -> ModuleType:
    """Open a page of the walk when it is named."""
    if name in _PAGES:
        return import_module(f"heatrisk.physics.{name}")
    raise AttributeError(f"module 'heatrisk.physics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_PAGES)

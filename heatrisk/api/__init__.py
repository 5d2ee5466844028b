"""The service over finished runs: tiles, places, shelters, dashboard. It serves, it never computes.

Examples
--------
>>> from pathlib import Path
>>> app = create_app(Path("store"))  # an ASGI application, for uvicorn or any other server
"""

from __future__ import annotations

from heatrisk.api import server as server
from heatrisk.api.app import create_app
from heatrisk.api.settings import Settings

__all__ = ["Settings", "create_app", "server"]

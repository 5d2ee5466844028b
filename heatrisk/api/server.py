"""The service behind a socket of this computer."""

from __future__ import annotations

from pathlib import Path

import uvicorn

from heatrisk.api.app import create_app


def serve(store: Path, host: str, port: int) -> None:
    """Serve a store of runs until the process is told to stop.

    Parameters
    ----------
    store : pathlib.Path
        The store; it may be empty yet.
    host : str
        Address to listen on.
    port : int
        Port to listen on.
    """
    uvicorn.run(create_app(store), host=host, port=port, log_level="warning", server_header=False)

"""A web server that knows nothing but files and ranges, as any host of static sites does."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Files(SimpleHTTPRequestHandler):
    """Files of a folder, whole or a range of their bytes (RFC 9110, section 14)."""

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        """Send a file, or the part of it that is asked for."""
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted or "")
        path = Path(self.translate_path(self.path))
        if found is None or not path.is_file():
            super().do_GET()
            return
        first, last = map(int, found.groups())
        content = path.read_bytes()
        part = content[first : last + 1]
        self.send_response(206 if part else 416)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def plain(folder: Path) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Serve a folder on a free port; give its address, and the paths and ranges that are asked for."""
    asked: list[tuple[str, str | None]] = []
    handler = type("Noting", (Files,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
        server.shutdown()
        thread.join(timeout=10)

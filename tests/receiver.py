"""A receiver of events, well behaved, and a run with an alert of the morning and a drill of the afternoon."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from heatrisk.alerts import AlertBulletin, Status, to_dict
from heatrisk.stored import StoredRun
from heatrisk.words import JST
from tests.small_run import write_small_run


class Receiver(HTTPServer):
    """Answers with a status, and takes what it is sent where that is one of success."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.taken = list[tuple[str, bytes]]()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def events(self) -> list[tuple[str, str]]:
        """Return channel and event of all that was taken."""
        return [(body["channel"], body["event"]) for body in (json.loads(body) for _, body in self.taken)]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 204:
            self.server.taken.append((self.headers["Heatrisk-Signature"], body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver while the block lasts."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def is_signed(header: str, body: bytes, secret: str) -> bool:
    """Check a signature as a receiver would."""
    parts = dict(part.split("=") for part in header.split(","))
    digest = hmac.new(secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(digest, parts["v1"])


def write_alerted_run(root: Path) -> StoredRun:
    """Write a run of 5 August 2025: an alert of 5 o'clock, and a drill of 14 o'clock of a special one."""

    def issued(hour: int, number: int, status: Status, *earlier: AlertBulletin) -> AlertBulletin:
        days, at = ((date(2025, 8, 5), number),), datetime(2025, 8, 5, hour, tzinfo=JST)
        return AlertBulletin("130000", "東京都", at, at, status, days, earlier=earlier)

    known = issued(14, 3, "drill", issued(5, 1, "normal"))
    city = {"name": {"ja": "三鷹市", "en": "Mitaka"}, "sample": False, "config": {"alerts": {}}}
    return write_small_run(root, documents={"alerts.json": json.dumps(to_dict(known))}, city=city)

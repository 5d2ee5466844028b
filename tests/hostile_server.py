"""A web server of this computer that behaves as servers do: well, badly, and with intent."""

from __future__ import annotations

import gzip
import re
import ssl
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BODY = b",,2026073012\n44132,2026/07/30 05:10, 310\n"
ETAG = '"first"'
MODIFIED = "Thu, 30 Jul 2026 05:30:00 GMT"
BOMB = gzip.compress(bytes(2**26), 1)
PAGE = b"\xef\xbb\xbf \n<!-- sorry -->\n<!DOCTYPE html><html><title>404</title></html>"


class HostileServer(ThreadingHTTPServer):
    """Serves ``/<behaviour>/<any name>``, or all as one ``behaviour``; what it is asked is written down.

    ``body`` is what it serves where it behaves. Answers that never end stop when ``closing`` is set.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: str | None = None
        self.body = BODY
        self.etag = ETAG
        self.scheme = "http"
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.counts: Counter[str] = Counter()
        self.together = self.most_together = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is no news."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[HostileServer]:
    """Run a server on a free port; with a certificate (and its key in the same file), over TLS."""
    server = HostileServer()
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HostileServer
    turn: int

    def do_GET(self) -> None:
        server = self.server
        with server.lock:
            server.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
            server.together += 1
            server.most_together = max(server.most_together, server.together)
        try:
            # A proxy is asked for the whole address.
            path = re.sub(r"https?://[^/]+", "", self.path)
            behaviour = server.behaviour or path.split("/")[1]
            with server.lock:
                server.counts[behaviour] += 1
                self.turn = server.counts[behaviour]
            self.close_connection = True
            with suppress(OSError):
                BEHAVIOURS[behaviour](self)
                self.wfile.flush()
        finally:
            with server.lock:
                server.together -= 1

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; underscores in the names of headers are hyphens."""
        self.head(status, content_length=str(len(body)), **headers)
        self.wfile.write(body)

    def head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def pause(self, seconds: float) -> bool:
        """Wait, and tell whether the server is still open."""
        return not self.server.closing.wait(seconds)


def _well(to: _Handler) -> None:
    server = to.server
    if to.headers.get("If-None-Match") == server.etag:
        to.answer(304, etag=server.etag)
    else:
        to.answer(200, server.body, etag=server.etag, last_modified=MODIFIED, content_type="text/csv")


def _dated(to: _Handler) -> None:
    if to.headers.get("If-Modified-Since") == MODIFIED:
        to.answer(304)
    else:
        to.answer(200, to.server.body, last_modified=MODIFIED)


def _failing_first(status: int, **headers: str) -> Callable[[_Handler], None]:
    """Fail on the first request, be well on the later ones."""

    def behave(to: _Handler) -> None:
        if to.turn == 1:
            to.answer(status, b"busy", **headers)
        else:
            _well(to)

    return behave


def _always(status: int, body: bytes = b"no", **headers: str) -> Callable[[_Handler], None]:
    return lambda to: to.answer(status, body, **headers)


def _dripped_head(to: _Handler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while to.pause(0.02):
        to.wfile.write(b"x")
        to.wfile.flush()


def _dripped_body(to: _Handler) -> None:
    to.head(200, content_length="1000000")
    while to.pause(0.02):
        to.wfile.write(b"1")
        to.wfile.flush()


def _dripped_nothing(to: _Handler) -> None:
    """Send a gzip body that goes on and on, and unpacks to nothing."""
    to.head(200, content_length="1000000", content_encoding="gzip")
    packer = zlib.compressobj(wbits=31)
    to.wfile.write(packer.compress(b""))
    while to.pause(0.02):
        to.wfile.write(packer.flush(zlib.Z_FULL_FLUSH) or b"\0\0\0\xff\xff")
        to.wfile.flush()


def _stalled_head(to: _Handler) -> None:
    to.pause(30)


def _stalled_body(to: _Handler) -> None:
    to.head(200, content_length="1000")
    to.wfile.write(b"1,2\n")
    to.wfile.flush()
    to.pause(30)


def _binary(to: _Handler) -> None:
    to.wfile.write(b"\x00\xff SSH-2.0 \r\n\r\n")


def _raw(to: _Handler) -> None:
    to.wfile.write(to.server.body)


def _cut_body(to: _Handler) -> None:
    to.head(200, content_length="1000")
    to.wfile.write(b"1,2\n")


def _cut_chunks(to: _Handler) -> None:
    to.head(200, transfer_encoding="chunked")
    to.wfile.write(b"4\r\n1,2\n\r\n")


def _endless(to: _Handler) -> None:
    to.head(200)
    while to.pause(0):
        to.wfile.write(b"0123456789abcdef" * 4096)


def _in_two(body: bytes) -> bytes:
    return gzip.compress(body[:9]) + gzip.compress(body[9:])


def _to(place: Callable[[_Handler], str]) -> Callable[[_Handler], None]:
    return lambda to: to.answer(302, location=place(to))


BEHAVIOURS: dict[str, Callable[[_Handler], None]] = {
    "well": _well,
    "dated": _dated,
    "slow": lambda to: _well(to) if to.pause(0.1) else None,
    "stalled-head": _stalled_head,
    "stalled-body": _stalled_body,
    "dripped-head": _dripped_head,
    "dripped-body": _dripped_body,
    "dripped-nothing": _dripped_nothing,
    "cut-body": _cut_body,
    "cut-chunks": _cut_chunks,
    "cut-gzip": lambda to: to.answer(200, gzip.compress(BODY * 99)[:-20], content_encoding="gzip"),
    "bad-gzip": lambda to: to.answer(200, BODY, content_encoding="gzip"),
    "hangs-up": lambda to: None,
    "no-http": _binary,
    "raw": _raw,
    "comments": lambda to: to.answer(200, b"<!---->" * 146 + b"<gml/>"),
    "wrong-length": lambda to: to.head(200, content_length="-3x"),
    "huge-head": lambda to: to.answer(200, BODY, x_long="x" * 300_000),
    "404": _always(404, PAGE, content_type="text/csv"),
    "403": _always(403),
    "418": _always(418),
    "204": _always(204, b""),
    "304": _always(304, b""),
    "500": _always(500),
    "500-once": _failing_first(500),
    "429-once": _failing_first(429, retry_after="0"),
    "429-in-2": _failing_first(429, retry_after="2"),
    "429-long": _always(429, retry_after="86400"),
    "503-dated": _always(503, retry_after="Fri, 30 Jul 2027 06:00:00 GMT"),
    "loop": _to(lambda to: "/loop/again"),
    "to-well": _to(lambda to: "/well/moved.csv"),
    "to-file": _to(lambda to: "file:///etc/passwd"),
    "to-plain": _to(lambda to: to.server.url("well/a.csv").replace("https:", "http:")),
    "to-nowhere": _to(lambda to: "http://[::bad/"),
    "lies": lambda to: to.answer(200, BODY, content_type="text/html; charset=klingon"),
    "page": _always(200, PAGE, content_type="text/csv"),
    "page-utf16": _always(200, "<html><body>".encode("utf-16"), content_type="text/csv"),
    "flapping": lambda to: to.answer(200, b"%d," % (to.turn % 3) * 50_000),
    "empty": _always(200, b"", content_type="text/csv"),
    "endless": _endless,
    "gzip": lambda to: to.answer(200, _in_two(BODY), content_encoding="gzip"),
    "gzip-bomb": lambda to: to.answer(200, BOMB, content_encoding="gzip"),
    "large": lambda to: to.head(200, content_length=str(10**12)),
    "brotli": _always(200, BODY, content_encoding="br"),
    "odd-etag": lambda to: to.answer(200, BODY, etag="\u00e9", last_modified="yesterday"),
}

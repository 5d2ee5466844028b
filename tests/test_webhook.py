"""Events pushed to a real server with bad manners: signed, retried, taken at most once."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from heatrisk.errors import InputError, StoreError
from heatrisk.webhook import Webhook, signature
from tests.messages import explains

SECRET = "an honest secret of the city"
NOW = datetime(2025, 8, 4, 20, 10, tzinfo=UTC)


class Receiver(ThreadingHTTPServer):
    """Takes events, or has bad manners: ``manners`` are used up one a request, the last one stays."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.manners: list[str] = ["take"]
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.asked = 0
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook/T0K3N"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        server = self.server
        server.asked += 1
        manner = server.manners.pop(0) if len(server.manners) > 1 else server.manners[0]
        if manner == "hang up at once":
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if manner.isdigit():
            self.send_response(int(manner))
            if manner.startswith("3"):
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        server.taken.append(({key.lower(): value for key, value in self.headers.items()}, body))
        if manner == "take and say nothing":
            return
        if manner == "take and stall":
            server.closing.wait(20)
            return
        if manner == "take and babble":
            self.wfile.write(b"\x00\xff SSH-2.0\r\n\r\n")
            return
        if manner == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not server.closing.wait(0.02):
                self.wfile.write(b"x")
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000000000")  # an answer that nobody reads to its end
        self.end_headers()
        if manner == "flood":
            while not server.closing.is_set():
                self.wfile.write(bytes(65536))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join(10)
    server.server_close()


class Pauses:
    """Stands in for sleeping, and writes the pauses down."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


def hook(folder: Path, receiver: Receiver, pauses: Pauses | None = None, **changes: Any) -> Webhook:
    options = {"timeout": 10.0, "clock": lambda: NOW, "sleep": pauses or Pauses(), "chance": lambda: 1.0}
    return Webhook(folder / "told", receiver.url, SECRET, **{**options, **changes})


def test_an_event_arrives_signed_and_once(tmp_path: Path, receiver: Receiver) -> None:
    first = hook(tmp_path, receiver).send("normal/東京都/2025-08-05/alert", {"texts": {"ja": "暑い"}})
    again = hook(tmp_path, receiver).send("normal/東京都/2025-08-05/alert", {"texts": {"ja": "もっと暑い"}})
    assert (first.state, first.new, again.state, again.new) == ("sent", True, "sent", False)
    assert hook(tmp_path, receiver).send("another", {}).new
    assert receiver.asked == 2
    headers, body = receiver.taken[0]
    assert json.loads(body) == {
        "texts": {"ja": "暑い"},
        "event": "normal/東京都/2025-08-05/alert",
        "sent": "2025-08-04T20:10:00+00:00",
    }
    assert headers["content-type"] == "application/json"
    # As a receiver would check it, by RFC 2104 and nothing of ours.
    parts = dict(part.split("=") for part in headers["heatrisk-signature"].split(","))
    expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert parts == {"t": str(int(NOW.timestamp())), "v1": expected}
    assert receiver.taken[1][0]["heatrisk-event"] != headers["heatrisk-event"]


def test_the_signature_is_the_one_of_a_published_example() -> None:
    # RFC 4231, test case 2, with its data cut at the dot that a timestamp ends with.
    example = hmac.new(b"Jefe", b"what do ya want for nothing?", hashlib.sha256).hexdigest()
    assert example == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    expected = hmac.new(b"Jefe", b"1754338200.{}", hashlib.sha256).hexdigest()
    assert signature("Jefe", 1754338200, b"{}") == f"t=1754338200,v1={expected}"


@pytest.mark.parametrize("status", ["429", "500", "502", "503", "504", "408"])
def test_an_answer_that_it_was_not_taken_is_tried_again_with_growing_pauses(
    tmp_path: Path, receiver: Receiver, status: str
) -> None:
    receiver.manners = [status, status, status, "take"]
    pauses = Pauses()
    assert hook(tmp_path, receiver, pauses).send("event", {}).state == "sent"
    assert pauses.taken == [2.0, 4.0, 8.0]
    assert (receiver.asked, len(receiver.taken)) == (4, 1)


def test_what_could_not_be_sent_waits_for_the_next_time(tmp_path: Path, receiver: Receiver) -> None:
    receiver.manners = ["503"]
    assert hook(tmp_path, receiver, attempts=3).send("event", {}).state == "failed"
    assert receiver.asked == 3
    receiver.manners = ["take"]
    outcome = hook(tmp_path, receiver).send("event", {})
    assert (outcome.state, outcome.new, len(receiver.taken)) == ("sent", True, 1)


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "410", "301", "307"])
def test_a_refusal_is_final_and_redirections_are_not_followed(
    tmp_path: Path, receiver: Receiver, status: str
) -> None:
    receiver.manners = [status]
    for new in (True, False):
        outcome = hook(tmp_path, receiver).send("event", {})
        assert (outcome.state, outcome.new) == ("refused", new)
    assert (receiver.asked, receiver.taken) == (1, [])


@pytest.mark.parametrize(
    "manner", ["take and say nothing", "take and stall", "take and babble", "drip", "hang up at once"]
)
def test_what_may_have_been_taken_is_not_sent_twice(tmp_path: Path, receiver: Receiver, manner: str) -> None:
    receiver.manners = [manner, "take"]
    started = time.monotonic()
    for new in (True, False):
        outcome = hook(tmp_path, receiver, timeout=1.0).send("event", {})
        assert (outcome.state, outcome.new) == ("uncertain", new)
    assert receiver.asked == 1
    assert time.monotonic() - started < 10, "nobody waits for a receiver that does not answer"


def test_an_answer_is_not_read_to_its_end(tmp_path: Path, receiver: Receiver) -> None:
    receiver.manners = ["flood"]
    started = time.monotonic()
    assert hook(tmp_path, receiver).send("event", {}).state == "sent"
    assert time.monotonic() - started < 8


def test_nobody_there_is_no_doubt(tmp_path: Path, receiver: Receiver) -> None:
    nobody = Webhook(tmp_path, "http://127.0.0.1:1/", SECRET, attempts=2, timeout=1.0, sleep=Pauses())
    assert nobody.send("event", {}).state == "failed"
    unknown = Webhook(tmp_path, "http://no-such-host.invalid/", SECRET, attempts=1, timeout=5.0)
    assert unknown.send("event", {}).state == "failed"


def test_a_sender_that_died_leaves_a_doubt(tmp_path: Path, receiver: Receiver) -> None:
    hook(tmp_path, receiver).send("event", {})
    (record,) = (tmp_path / "told").iterdir()
    record.write_text(record.read_text("utf-8").replace('"sent"', '"sending"'), "utf-8")
    outcome = hook(tmp_path, receiver).send("event", {})
    assert (outcome.state, outcome.new, receiver.asked) == ("uncertain", False, 1)


@pytest.mark.parametrize("damage", ["{", "[]", "7", '{"state": 7}', '{"state": "open"}', "\0" * 99])
def test_a_damaged_record_is_a_doubt_too(tmp_path: Path, receiver: Receiver, damage: str) -> None:
    hook(tmp_path, receiver).send("event", {})
    (record,) = (tmp_path / "told").iterdir()
    record.write_text(damage, "utf-8")
    assert hook(tmp_path, receiver).send("event", {}).state == "uncertain"


def _send(folder: Path, url: str, started: Any) -> None:
    started.wait()
    with contextlib.suppress(StoreError):  # told that another process is sending it
        Webhook(folder, url, SECRET).send("event", {})


def test_of_many_processes_one_sends(tmp_path: Path, receiver: Receiver) -> None:
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Event()
    senders = [spawn.Process(target=_send, args=(tmp_path, receiver.url, started)) for _ in range(4)]
    for sender in senders:
        sender.start()
    started.set()
    for sender in senders:
        sender.join(60)
    assert [sender.exitcode for sender in senders] == [0] * 4
    assert len(receiver.taken) == 1


def test_while_one_sends_another_is_told_so(tmp_path: Path, receiver: Receiver) -> None:
    receiver.manners = ["take and stall"]
    slow = threading.Thread(target=hook(tmp_path, receiver, timeout=3.0).send, args=("event", {}))
    slow.start()
    while not receiver.taken:
        time.sleep(0.01)
    with pytest.raises(StoreError) as refused:
        hook(tmp_path, receiver).send("event", {})
    explains(refused.value, tmp_path)
    receiver.closing.set()
    slow.join(10)
    assert receiver.asked == 1


def test_neither_the_address_nor_the_secret_is_written_anywhere(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        outcome = hook(tmp_path, receiver).send("event", {})
    written = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*.json"))
    for text in (written, caplog.text, outcome.words.ja, outcome.words.en):
        assert "T0K3N" not in text and SECRET not in text
    assert SECRET.encode() not in receiver.taken[0][1]


def test_a_store_that_cannot_be_written_sends_nothing(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "told").write_text("a file where the folder should be")
    with pytest.raises(StoreError):
        hook(tmp_path, receiver).send("event", {})
    assert receiver.asked == 0


@pytest.mark.parametrize(
    "url", ["", "ftp://example.jp/", "file:///etc/passwd", "https://", "example.jp", "http://[::"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="address"):
        Webhook(tmp_path, url, SECRET)


@pytest.mark.parametrize("secret", ["", "short"])
def test_nothing_is_sent_unsigned(tmp_path: Path, secret: str, receiver: Receiver) -> None:
    with pytest.raises(InputError, match="HEATRISK_WEBHOOK_SECRET") as refused:
        Webhook(tmp_path, receiver.url, secret)
    explains(refused.value, "HEATRISK_WEBHOOK_SECRET")

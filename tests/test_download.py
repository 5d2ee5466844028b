"""Downloads: what a server may do, and what becomes of the kept copy."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.city.sections import HttpSection
from heatrisk.errors import InputError, OffSeasonError, SourceUnavailableError, StoreError
from heatrisk.sources.web import Download, Downloads, named
from tests.hostile_server import BODY, ETAG, MODIFIED, HostileServer, serving
from tests.messages import explains

NOW = datetime(2026, 7, 30, 5, 45, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with serving() as running:
        yield running


class Patient(Downloads):
    """Downloads with a clock to be set and with pauses that are only written down."""

    def __init__(self, folder: Path, **settings: float | str) -> None:
        self.at, self.paused = NOW, list[float]()
        wanted = HttpSection.model_validate({"timeout": 5, **settings})
        super().__init__(
            folder, wanted, contact="環境課 heat@example.jp",
            clock=lambda: self.at, sleep=self._pause, chance=lambda: 0.5,
        )  # fmt: skip

    async def _pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(0)


def bodies(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if path.name not in ("copy.json", ".lock"))


def test_a_file_is_fetched_and_kept_with_its_digest(server: HostileServer, tmp_path: Path) -> None:
    found = Patient(tmp_path).fetch(server.url("well/yohou_44132.csv?x=1"))
    assert found.path.read_bytes() == BODY
    assert found.path.name == "yohou_44132.csv"
    assert found.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (found.fresh, found.trouble, found.fetched) == (True, None, NOW)
    assert found.modified == datetime(2026, 7, 30, 5, 30, tzinfo=UTC)
    assert found.path.stat().st_mtime == found.modified.timestamp()
    record = json.loads((found.path.parents[1] / "copy.json").read_text("utf-8"))
    assert record == {
        "url": server.url("well/yohou_44132.csv?x=1"), "sha256": found.sha256,
        "fetched": "2026-07-30T05:45:00+00:00", "modified": "2026-07-30T05:30:00+00:00",
        "etag": ETAG, "content_type": "text/csv",
    }  # fmt: skip
    ((_, headers),) = server.asked
    assert headers["user-agent"].startswith("heatrisk/")
    assert headers["user-agent"].endswith("(+heat@example.jp)")
    assert headers["accept-encoding"] == "gzip"


def test_the_city_names_the_user_agent(server: HostileServer, tmp_path: Path) -> None:
    Patient(tmp_path, user_agent="三鷹市 Mitaka/1\r\nX: y").fetch(server.url("well/a"))
    assert server.asked[0][1]["user-agent"] == "Mitaka/1 X: y"


@pytest.mark.parametrize(
    ("behaviour", "header", "value"),
    [("well", "if-none-match", ETAG), ("dated", "if-modified-since", MODIFIED)],
)
def test_what_is_kept_is_not_sent_again(
    server: HostileServer, tmp_path: Path, behaviour: str, header: str, value: str
) -> None:
    downloads = Patient(tmp_path)
    first = downloads.fetch(server.url(f"{behaviour}/a.csv"))
    downloads.at += timedelta(hours=1)
    server.body = b"never sent"
    again = downloads.fetch(server.url(f"{behaviour}/a.csv"))
    assert header not in server.asked[0][1]
    assert server.asked[1][1][header] == value
    assert (again.path, again.sha256, again.fresh) == (first.path, first.sha256, True)
    assert again.fetched == NOW + timedelta(hours=1)


def test_a_changed_file_replaces_the_copy_and_those_in_use_stay(
    server: HostileServer, tmp_path: Path
) -> None:
    downloads, found = Patient(tmp_path), []
    for number in range(7):
        server.body, server.etag = b"%d,1\n" % number, f'"{number}"'
        downloads.at = datetime.now(UTC)
        found.append(downloads.fetch(server.url("well/a.csv")))
        assert found[-1].path.read_bytes() == server.body
    assert [one.path.exists() for one in found] == [False] * 3 + [True] * 4
    downloads.at += timedelta(hours=2)
    downloads.fetch(server.url("well/a.csv"))
    assert bodies(tmp_path) == [found[-1].path]


def test_the_same_bytes_sent_again_are_the_same_file(server: HostileServer, tmp_path: Path) -> None:
    downloads = Patient(tmp_path)
    first = downloads.fetch(server.url("well/a.csv"))
    inode = first.path.stat().st_ino
    server.etag = '"other"'
    again = downloads.fetch(server.url("well/a.csv"))
    assert (again.path, again.path.stat().st_ino) == (first.path, inode)
    assert json.loads((first.path.parents[1] / "copy.json").read_text())["etag"] == '"other"'


@pytest.mark.parametrize("damage", ["body", "record", "gone"])
def test_a_damaged_copy_is_no_copy(server: HostileServer, tmp_path: Path, damage: str) -> None:
    downloads = Patient(tmp_path)
    path = downloads.fetch(server.url("well/a.csv")).path
    record = path.parents[1] / "copy.json"
    if damage == "body":
        path.write_bytes(BODY[:-3])
    elif damage == "record":
        record.write_text(record.read_text().replace('"fetched": "2026', '"fetched": "x'))
    else:
        path.unlink()
    again = downloads.fetch(server.url("well/a.csv"))
    assert again.path.read_bytes() == BODY
    assert "if-none-match" not in server.asked[1][1]


# behaviour, a word of the reason (Japanese, English), requests with three attempts
BAD = [
    ("stalled-head", "0.2 秒待っても応答", "no answer for 0.2 s", 3),
    ("stalled-body", "0.2 秒待っても応答", "no answer for 0.2 s", 3),
    ("cut-body", "途中で切れて", "cut short", 3),
    ("cut-chunks", "途中で切れて", "cut short", 3),
    ("cut-gzip", "途中で切れて", "cut short", 3),
    ("bad-gzip", "途中で切れて", "cut short", 3),
    ("hangs-up", "途中で切れて", "cut short", 3),
    ("no-http", "途中で切れて", "cut short", 3),
    ("wrong-length", "途中で切れて", "cut short", 3),
    ("huge-head", "途中で切れて", "cut short", 3),
    ("empty", "空です", "empty", 3),
    ("500", "正常に応答しません（500）", "out of order (500)", 3),
    ("404", "ファイルがありません（404）", "no such file (404)", 1),
    ("403", "断られました（403）", "denies access (403)", 1),
    ("418", "想定外の応答です（418）", "(418)", 1),
    ("204", "想定外の応答です（204）", "(204)", 1),
    ("429-long", "アクセスが多すぎる", "too often (429)", 1),
    ("503-dated", "正常に応答しません（503）", "out of order (503)", 1),
    ("loop", "転送先", "elsewhere", 6),
    ("to-file", "転送先を開けません（file）", "elsewhere", 1),
    ("to-nowhere", "途中で切れて", "cut short", 3),
    ("page", "ウェブページ", "web page", 1),
    ("page-utf16", "ウェブページ", "web page", 1),
    ("gzip-bomb", "0.5 MB の上限", "larger than 0.5 MB", 1),
    ("endless", "0.5 MB の上限", "larger than 0.5 MB", 1),
    ("large", "0.5 MB の上限", "larger than 0.5 MB", 1),
    ("brotli", "圧縮です（br）", "(br)", 1),
]


@pytest.mark.parametrize(("behaviour", "ja", "en", "requests"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_answer_is_told_and_the_copy_stands_in(
    server: HostileServer, tmp_path: Path, behaviour: str, ja: str, en: str, requests: int
) -> None:
    url = server.url("well/a.csv")
    good = Patient(tmp_path).fetch(url)
    server.behaviour = behaviour
    downloads = Patient(tmp_path, max_megabytes=0.5, timeout=0.2 if "stalled" in behaviour else 5)
    downloads.at += timedelta(hours=23)
    found = downloads.fetch(url)
    assert server.counts[behaviour] == requests
    assert (found.path, found.fresh, found.fetched) == (good.path, False, NOW)
    assert found.path.read_bytes() == BODY
    assert found.trouble is not None
    assert found.trouble.ja.startswith("a.csv: ")
    assert ja in found.trouble.ja
    assert en in found.trouble.en
    assert "2026-07-30 14:45 に取得したもの" in found.trouble.ja
    assert "copy of 2026-07-30 14:45 JST" in found.trouble.en
    downloads.at += timedelta(hours=2)
    with pytest.raises(SourceUnavailableError, match="older than 24 hours"):
        downloads.fetch(url)
    assert bodies(tmp_path) == [good.path], "nothing of a bad answer stays"


@pytest.mark.parametrize(("behaviour", "ja", "en", "requests"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_answer_without_a_copy_is_an_error(
    server: HostileServer, tmp_path: Path, behaviour: str, ja: str, en: str, requests: int
) -> None:
    url = server.url(f"{behaviour}/a.csv")
    with pytest.raises(SourceUnavailableError) as caught:
        Patient(tmp_path, max_megabytes=0.5, attempts=1, timeout=0.2 if "stalled" in behaviour else 5).fetch(
            url
        )
    said = explains(caught.value, url)
    assert ja in said
    assert en in said
    assert bodies(tmp_path) == []


@pytest.mark.parametrize("behaviour", ["dripped-head", "dripped-body", "dripped-nothing"])
def test_a_server_that_drips_meets_the_deadline(
    server: HostileServer, tmp_path: Path, behaviour: str
) -> None:
    started = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="not finished within 2 s"):
        Patient(tmp_path, timeout=0.2).fetch(server.url(f"{behaviour}/a.csv"))
    assert 1.9 < time.monotonic() - started < 8
    assert bodies(tmp_path) == []


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with serving() as gone:
        url = gone.url("well/a.csv")
    downloads = Patient(tmp_path)
    with pytest.raises(SourceUnavailableError, match="cannot be reached") as caught:
        downloads.fetch(url)
    assert "接続できません" in explains(caught.value, url)
    assert len(downloads.paused) == 2
    with pytest.raises(SourceUnavailableError, match="name of the server is unknown"):
        downloads.fetch("http://nowhere.invalid/a.csv")


@pytest.mark.parametrize("behaviour", ["500-once", "429-once", "429-in-2"])
def test_what_passes_is_asked_again(server: HostileServer, tmp_path: Path, behaviour: str) -> None:
    downloads = Patient(tmp_path)
    found = downloads.fetch(server.url(f"{behaviour}/a.csv"))
    assert (found.fresh, found.path.read_bytes()) == (True, BODY)
    # half of a second, and what the server asks for
    assert downloads.paused == [2.5 if behaviour == "429-in-2" else 0.5]


def test_pauses_double_up_to_the_timeout(server: HostileServer, tmp_path: Path) -> None:
    downloads = Patient(tmp_path, timeout=3, attempts=5)
    with pytest.raises(SourceUnavailableError):
        downloads.fetch(server.url("500/a.csv"))
    assert downloads.paused == [0.5, 1.0, 1.5, 1.5], "half of 1, 2, 3, 3 s"


@pytest.mark.parametrize("behaviour", ["lies", "gzip", "to-well", "odd-etag", "slow"])
def test_odd_but_whole_answers_are_taken(server: HostileServer, tmp_path: Path, behaviour: str) -> None:
    for _ in range(2):
        found = Patient(tmp_path).fetch(server.url(f"{behaviour}/a.csv"))
        assert (found.fresh, found.path.read_bytes()) == (True, BODY)


def test_many_comments_are_looked_through_at_once(server: HostileServer, tmp_path: Path) -> None:
    assert Patient(tmp_path).fetch(server.url("comments/a.gml")).path.read_bytes().endswith(b"<gml/>")


STARTS = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 304 \r\n", b"HTTP/1.1 302 Found\r\n", b"HTTP/9 2\r\n", b""]
NAMES = (
    b"Content-Length Content-Encoding Transfer-Encoding Location ETag Last-Modified Retry-After Set-Cookie X"
)
VALUES = b"9|gzip|chunked|//|http:|https://\xff\xfe/|http://[::1|?|Thu, 99 Jul 99999 05:30:00 GMT|1e9|http://x:99999/"
HEADER = st.tuples(
    st.sampled_from(NAMES.split()),
    st.just(b": "),
    st.one_of(st.sampled_from(VALUES.split(b"|")), st.binary(max_size=20)),
    st.just(b"\r\n"),
).map(b"".join)
ANSWERS = st.tuples(
    st.sampled_from(STARTS),
    st.lists(HEADER, max_size=5).map(b"".join),
    st.sampled_from([b"\r\n", b""]),
    st.one_of(st.binary(max_size=60), st.just(b"9\r\n123456789\r\n0\r\n\r\n")),
).map(b"".join)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANSWERS)
def test_any_bytes_are_a_file_or_an_error(server: HostileServer, tmp_path: Path, answer: bytes) -> None:
    server.body = answer
    url = server.url("raw/a.csv")
    downloads = Patient(tmp_path, attempts=2)
    with contextlib.suppress(SourceUnavailableError):
        found = downloads.fetch(url)
        assert hashlib.sha256(found.path.read_bytes()).hexdigest() == found.sha256
        # What was kept must not stop the next request, whatever its headers were.
        downloads.fetch(url)


@pytest.mark.parametrize("day, off", [("2026-01-15", True), ("2026-04-10", True), ("2026-08-05", False)])
def test_out_of_season_is_said(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str, off: bool
) -> None:
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.setenv("no_proxy", "")
    url = "http://www.wbgt.env.go.jp/404/yohou_all.csv"
    with pytest.raises(SourceUnavailableError, match="late April to late October") as caught:
        downloads = Patient(tmp_path)
        downloads.at = datetime.fromisoformat(f"{day}T05:00+09:00")
        downloads.fetch(url)
    assert isinstance(caught.value, OffSeasonError) == off
    assert "例年 4 月下旬から" in explains(caught.value, url)
    assert server.asked[0][0] == url, "a proxy is asked for the whole address"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate for a TLS server")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=heatrisk"
    wanted = [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path]
    subprocess.run([*wanted[:-1], f"{path}.crt"], check=True, capture_output=True, timeout=60)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_encryption_is_kept_and_certificates_are_checked(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(certificate) as server:
        with pytest.raises(SourceUnavailableError, match="certificate") as caught:
            Patient(tmp_path).fetch(server.url("well/a.csv"))
        assert "証明書" in explains(caught.value, server.url("well/a.csv"))
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        downloads = Patient(tmp_path)
        assert downloads.fetch(server.url("to-well/a.csv")).path.read_bytes() == BODY
        with pytest.raises(SourceUnavailableError, match=r"sends elsewhere.*\(http\)"):
            downloads.fetch(server.url("to-plain/a.csv"))


def test_secrets_are_used_but_never_shown(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CITY_KEY", "s3cret")
    downloads = Patient(tmp_path)
    for behaviour in ("well", "404"):
        place = server.url(f"{behaviour}/${{CITY_KEY}}.csv").replace("://", "://me:s3cret@")
        url = f"{place}?id=1&api_key=s3cret&x=${{CITY_KEY}}#token=s3cret"
        shown = server.url(f"{behaviour}/${{CITY_KEY}}.csv").replace("://", "://***@")
        shown += "?id=1&api_key=***&x=${CITY_KEY}#token=***"
        if behaviour == "well":
            found = downloads.fetch(url)
            assert found.url == shown
            said = [repr(found)]
        else:
            with pytest.raises(SourceUnavailableError) as caught:
                downloads.fetch(url)
            assert caught.value.where == shown
            said += [caught.value.text("ja"), caught.value.text("en"), repr(caught.value.__cause__)]
        path, headers = server.asked[-1]
        assert path == f"/{behaviour}/s3cret.csv?id=1&api_key=s3cret&x=s3cret"
        assert headers["authorization"].startswith("Basic ")
    said += [str(path) for path in tmp_path.rglob("*")]
    said += [path.read_text() for path in tmp_path.rglob("copy.json")]
    assert caplog.records, "the log is looked at"
    assert "s3cret" not in "\n".join([*said, caplog.text])


def test_several_are_fetched_together_and_each_fails_alone(server: HostileServer, tmp_path: Path) -> None:
    names = [f"slow/{number}.csv" for number in range(8)]
    urls = [server.url(name) for name in (*names, "404/x.csv", names[0])]
    found = Patient(tmp_path).fetch_all(urls)
    assert [getattr(one, "fresh", None) for one in found] == [True] * 8 + [None, True]
    assert isinstance(found[8], SourceUnavailableError)
    assert found[9] is found[0]
    assert server.counts["slow"] == 8, "asked once each"
    assert 2 <= server.most_together <= 4


def test_a_malformed_address_stops_before_anything_is_asked(server: HostileServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not set"):
        Patient(tmp_path).fetch_all([server.url("well/a.csv"), "https://x/${NO_SUCH_VARIABLE}"])
    assert server.asked == []


def test_it_works_inside_a_running_loop(server: HostileServer, tmp_path: Path) -> None:
    async def notebook() -> Download:
        return Patient(tmp_path).fetch(server.url("well/a.csv"))

    assert asyncio.run(notebook()).path.read_bytes() == BODY


FETCH_OFTEN = """
import hashlib, sys
from pathlib import Path
from heatrisk.city.sections import HttpSection
from heatrisk.sources.web import Downloads
for _ in range(12):
    found = Downloads(Path(sys.argv[1]), HttpSection(timeout=5)).fetch(sys.argv[2])
    assert found.fresh
    assert hashlib.sha256(found.path.read_bytes()).hexdigest() == found.sha256
"""


def test_processes_at_once_do_not_tear_a_copy(server: HostileServer, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FETCH_OFTEN, tmp_path, server.url("flapping/a.csv")]
    running = [subprocess.Popen(command, cwd=Path(__file__).parents[1]) for _ in range(2)]
    assert [one.wait(120) for one in running] == [0, 0]
    assert server.counts["flapping"] == 24
    assert 1 <= len(bodies(tmp_path)) <= 4


def test_copies_nobody_asks_for_are_removed(server: HostileServer, tmp_path: Path) -> None:
    downloads = Patient(tmp_path)
    downloads.at = datetime.now(UTC)
    old = downloads.fetch(server.url("well/{%Y%m%d}.csv")).path
    left = old.parents[1] / ".part-1-ff"
    left.write_bytes(b"killed")
    (tmp_path / "mine").mkdir()
    downloads.at += timedelta(hours=2)
    downloads.fetch(server.url("well/b.csv"))
    assert (old.exists(), left.exists()) == (True, False)
    downloads.at += timedelta(days=31)
    downloads.fetch(server.url("well/c.csv"))
    assert not old.exists()
    assert (tmp_path / "mine").exists()


def test_a_disk_that_refuses_is_an_error_of_the_store(server: HostileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        Patient(tmp_path / "file").fetch(server.url("well/a.csv"))
    explains(caught.value, tmp_path / "file")


def test_files_of_one_name_are_told_apart(server: HostileServer, tmp_path: Path) -> None:
    urls = [server.url(f"well/{number}/a.csv") for number in range(3)]
    found = [one for one in Patient(tmp_path).fetch_all([*urls, urls[0]]) if isinstance(one, Download)]
    files = named(found)
    assert list(files) == ["a.csv", "a-2.csv", "a-3.csv"]
    assert list(files.values()) == [one.path for one in found[:3]]

"""Facility reports as both databases keep them: none lost, none changed, none outlives its time."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import text

from heatrisk.errors import ForeignTokenError, InputError, StoreError, TokenError, TooOftenError
from heatrisk.reports import Live, Reports, Said, merged, standing
from heatrisk.reports.tables import FILE
from heatrisk.shelters import Report, Shelter, Status, reported
from heatrisk.words import Words
from tests import postgres

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)
NAME = "中央図書館"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if (why := postgres.lacking()) is not None:
        pytest.skip(why)
    with postgres.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database; the empty address is the store's own file."""
    if request.param == "sqlite":
        return ""
    server: str = request.getfixturevalue("server")
    engine = sqlalchemy.create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return server


@pytest.fixture
def reports(tmp_path: Path, url: str) -> Iterator[Reports]:
    found = Reports(tmp_path, url)
    yield found
    found.close()


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_a_report_is_the_status_until_it_expires(reports: Reports) -> None:
    holder = reports.holder(reports.issue("1", NAME, NOW), "1")
    kept = reports.record(holder, Said("busy", ("water", "wifi"), "2階は空いています", 60), NOW)
    assert reports.told(NOW) == {"1": kept}
    assert kept == Live("1", NAME, "busy", ("water", "wifi"), "2階は空いています", NOW, after(60))
    assert reports.told(after(59.9)) == {"1": kept}
    assert reports.told(after(60)) == {}
    assert reports.told(after(-0.1)) == {}, "of a past instant it is told what was known then"


def test_the_newest_counts_and_no_older_one_comes_back(reports: Reports) -> None:
    holder = reports.holder(reports.issue("1", NAME, NOW), "1")
    reports.record(holder, Said("full", minutes=600), NOW)
    reports.record(holder, Said("open", minutes=10), after(5))
    assert reports.told(after(4))["1"].state == "full"  # type: ignore[index]
    assert reports.told(after(6))["1"].state == "open"  # type: ignore[index]
    assert reports.told(after(16)) == {}
    assert [entry.said.state for entry in reports.trail()] == ["full", "open"]


def test_facilities_do_not_mix(reports: Reports) -> None:
    for number, state in enumerate(("open", "busy", "full", "closed")):
        holder = reports.holder(reports.issue(str(number), f"館{number}", NOW), str(number))
        reports.record(holder, Said(state), NOW)  # type: ignore[arg-type]
    told = reports.told(after(1)) or {}
    assert {shelter: (live.name, live.state) for shelter, live in told.items()} == {
        "0": ("館0", "open"), "1": ("館1", "busy"), "2": ("館2", "full"), "3": ("館3", "closed"),
    }  # fmt: skip
    assert {(entry.token, entry.said.shelter) for entry in reports.trail()} == {
        (1, "0"), (2, "1"), (3, "2"), (4, "3"),
    }  # fmt: skip


INJECTION = "1'; DROP TABLE facility_reports; --"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "1",
        "1.",
        "0.x",
        "-1.x",
        "99999999999999999999.x",
        "１.x",
        "1 OR 1=1.x",
        INJECTION,
        "1.\ud800",
        "\0.\0",
    ],
)
def test_what_is_no_token_opens_nothing(reports: Reports, token: str) -> None:
    with pytest.raises(TokenError):
        reports.holder(token, "1")  # no token was ever made
    reports.issue("1", NAME, NOW)
    with pytest.raises(TokenError):
        reports.holder(token, "1")


def test_a_token_opens_its_own_facility_until_it_is_withdrawn(reports: Reports) -> None:
    first, second, other = (reports.issue(shelter, NAME, NOW) for shelter in ("1", "1", "2"))
    assert len({first, second, other}) == 3 and min(map(len, (first, second, other))) > 40
    with pytest.raises(ForeignTokenError):
        reports.holder(other, "1")
    # The number of one token with the secret of another is neither.
    with pytest.raises(TokenError):
        reports.holder(f"{second.split('.')[0]}.{first.split('.')[1]}", "1")
    assert reports.tokens() == {"1": 2, "2": 1}
    assert (reports.withdraw("1", NOW), reports.withdraw("1", NOW)) == (2, 0)
    for token in (first, second):
        with pytest.raises(TokenError):
            reports.holder(token, "1")
    assert reports.tokens() == {"2": 1}


def test_the_secret_is_kept_nowhere(tmp_path: Path) -> None:
    reports = Reports(tmp_path, "")
    secret = reports.issue("1", NAME, NOW).split(".")[1]
    reports.close()
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()


def test_text_of_an_injection_is_text(reports: Reports) -> None:
    holder = reports.holder(reports.issue(INJECTION, INJECTION, NOW), INJECTION)
    reports.record(holder, Said("open", note=INJECTION), NOW)
    assert reports.told(NOW)[INJECTION].note == INJECTION  # type: ignore[index]
    assert len(list(reports.trail())) == 1


def test_a_report_sent_again_is_not_made_twice(reports: Reports) -> None:
    holder = reports.holder(reports.issue("1", NAME, NOW), "1")
    first = reports.record(holder, Said("full", key="abcdefgh"), NOW)
    reports.record(holder, Said("open"), after(1))
    assert reports.record(holder, Said("full", key="abcdefgh"), after(2)) == first
    assert reports.told(after(3))["1"].state == "open", "a replay changes nothing"  # type: ignore[index]
    assert len(list(reports.trail())) == 2
    with pytest.raises(InputError, match="another report"):
        reports.record(holder, Said("closed", key="abcdefgh"), after(2))
    other = reports.holder(reports.issue("2", NAME, NOW), "2")
    assert reports.record(other, Said("closed", key="abcdefgh"), after(2)).state == "closed"


def test_the_same_report_at_once_is_made_once(reports: Reports) -> None:
    holder = reports.holder(reports.issue("1", NAME, NOW), "1")
    together = threading.Barrier(8)

    def send(_: int) -> Live:
        together.wait()
        return reports.record(holder, Said("full", key="abcdefgh"), NOW)

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(send, range(8)))
    assert len(made) == len(list(reports.trail())) == 1


def test_a_token_that_reports_too_often_is_slowed(reports: Reports) -> None:
    holder = reports.holder(reports.issue("1", NAME, NOW), "1")
    for second in range(30):
        reports.record(holder, Said("open"), NOW + timedelta(seconds=second))
    with pytest.raises(TooOftenError):
        reports.record(holder, Said("open"), NOW + timedelta(seconds=59))
    reports.record(holder, Said("full"), NOW + timedelta(seconds=61))
    assert len(list(reports.trail())) == 31


@pytest.mark.parametrize(
    "statement", ["UPDATE facility_reports SET state = 'open'", "DELETE FROM facility_reports"]
)
def test_the_database_itself_refuses_to_change_the_trail(
    reports: Reports, tmp_path: Path, url: str, statement: str
) -> None:
    reports.record(reports.holder(reports.issue("1", NAME, NOW), "1"), Said("full"), NOW)
    address = url.replace("postgresql:", "postgresql+psycopg:") or f"sqlite:///{tmp_path / FILE}"
    engine = sqlalchemy.create_engine(address)
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="audit trail"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert [entry.said.state for entry in reports.trail()] == ["full"]


WRITER = """
import sys; from concurrent.futures import ThreadPoolExecutor
from datetime import datetime; from pathlib import Path
from heatrisk.reports import Reports, Said
reports = Reports(Path(sys.argv[1]), sys.argv[2])
holders = [reports.holder(token, str(k)) for k, token in enumerate(sys.argv[4:])]
at = datetime.fromisoformat("2025-08-05T05:10:00+00:00")
def send(k): reports.record(holders[k % len(holders)], Said("busy", note=f"{sys.argv[3]}-{k}"), at)
with ThreadPoolExecutor(32) as pool: list(pool.map(send, range(250)))
"""


def test_of_a_thousand_updates_at_once_none_is_lost(reports: Reports, tmp_path: Path, url: str) -> None:
    """Four processes, each with 32 threads, report for the same 40 facilities."""
    tokens = [reports.issue(str(number), NAME, NOW) for number in range(40)]
    command = [sys.executable, "-c", WRITER, str(tmp_path), url]
    writers = [
        subprocess.Popen([*command, str(name), *tokens], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for name in range(4)
    ]
    for writer in writers:
        assert writer.communicate(timeout=240)[1] == ""
    trail = list(reports.trail())
    assert {entry.said.note for entry in trail} == {f"{name}-{k}" for name in range(4) for k in range(250)}
    assert len(trail) == 1000
    assert len(reports.told(NOW) or {}) == 40


def test_a_store_without_reports_has_none_and_stays_as_it_is(tmp_path: Path) -> None:
    reports = Reports(tmp_path, "")
    assert (reports.told(NOW), reports.tokens(), list(reports.trail()), reports.withdraw("1", NOW)) == (
        {},
        {},
        [],
        0,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_down_is_told_as_such_and_not_asked_all_the_time(tmp_path: Path) -> None:
    if (why := postgres.lacking()) is not None and "psycopg" in why:
        pytest.skip(why)
    reports = Reports(tmp_path, "postgresql://heat:geheim@127.0.0.1:1/heat")
    assert reports.told(NOW) is None
    with pytest.raises(StoreError) as refused:
        reports.holder("1.x", "1")
    for words in (refused.value.text("ja"), refused.value.text("en")):
        assert "geheim" not in words and "127.0.0.1" not in words
    started = datetime.now(UTC)
    assert reports.told(NOW) is None
    assert datetime.now(UTC) - started < timedelta(seconds=0.5)


@pytest.mark.parametrize(
    "content", [b"", b"no database at all, only text" * 99, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_damaged_file_is_a_refusal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    reports = Reports(tmp_path, "")
    if not content:
        assert reports.told(NOW) == {}
        return
    assert reports.told(NOW) is None
    with pytest.raises(StoreError):
        reports.issue("1", NAME, NOW)


@pytest.mark.parametrize("url", ["nonsense", "mysql://root:geheim@db/heat", "://", "postgresql"])
def test_an_address_that_is_none_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="HEATRISK_DATABASE_URL") as refused:
        Reports(tmp_path, url)
    assert "geheim" not in refused.value.text("ja") + refused.value.text("en")


def test_the_file_is_a_write_ahead_log(tmp_path: Path) -> None:
    Reports(tmp_path, "").issue("1", NAME, NOW)
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


LIBRARY = Shelter("1", NAME, equipment=("water",))
EARLIER = Report("water", "usable", NOW - timedelta(minutes=30), after(90))


def live(**changes: object) -> Live:
    return replace(Live("1", NAME, "busy", ("water",), "", NOW, after(60)), **changes)  # type: ignore[arg-type]


def test_the_newer_word_on_a_thing_counts() -> None:
    shelter = merged(replace(LIBRARY, reports=(EARLIER,)), live())
    told = {report.about: words.ja for report, words in reported(shelter, after(12))}
    assert told == {
        "water": "給水：使えません（14:10 現在、12分前）",
        "congestion": "混雑状況：やや混雑（14:10 現在、12分前）",
    }
    newer = Report("congestion", "free", after(5), after(90))
    both = merged(replace(LIBRARY, reports=(newer,)), live())
    assert {report.state for report in both.reports} == {"free", "broken"}
    assert merged(LIBRARY, None) is LIBRARY
    assert merged(LIBRARY, live(name="別の館")) is LIBRARY, "row 1 of the list is another shelter now"


def test_what_was_just_reported_holds_from_the_minute_that_has_begun() -> None:
    pressed = live(received=NOW + timedelta(seconds=45))
    assert [report.about for report, _ in reported(merged(LIBRARY, pressed), NOW)] == ["congestion", "water"]
    assert "14:10 現在、0分前" in standing(LIBRARY, PUBLISHED, pressed, NOW).reason.ja
    assert standing(LIBRARY, PUBLISHED, pressed, after(-1)) is PUBLISHED
    older = Report("congestion", "free", NOW + timedelta(seconds=30), after(90))
    merged_reports = merged(replace(LIBRARY, reports=(older,)), pressed).reports
    assert {report.about: report.state for report in merged_reports} == {
        "congestion": "busy",
        "water": "broken",
    }


PUBLISHED = Status("unknown", Words("記載がありません", "No hours are published"))


@pytest.mark.parametrize(
    "state, stands, words",
    [
        ("open", "open", "開いています"),
        ("busy", "open", "混雑"),
        ("full", "open", "満員"),
        ("closed", "closed", "閉まって"),
    ],
)
def test_a_facility_s_own_word_goes_before_its_published_hours(state: str, stands: str, words: str) -> None:
    told = standing(LIBRARY, PUBLISHED, live(state=state), after(5))
    assert told.state == stands
    assert (
        words in told.reason.ja
        and "14:10 現在、5分前" in told.reason.ja
        and "施設からの報告" in told.reason.ja
    )
    assert "14:10 JST, 5 min ago" in told.reason.en
    for out_of_it in (after(60), after(-1)):
        assert standing(LIBRARY, PUBLISHED, live(state=state), out_of_it) is PUBLISHED
    assert standing(LIBRARY, PUBLISHED, live(name="別の館"), after(5)) is PUBLISHED
    assert (
        [report.about for report in live(state=state).reports()] == ["water"] if state == "closed" else True
    )

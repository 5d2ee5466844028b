"""``heatrisk tell``, ``token`` and ``reports``, as staff and cron call them."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heatrisk.cli import main, telling
from heatrisk.reports import Reports, Said
from heatrisk.words import JST
from tests.receiver import Receiver, is_signed, receiving, write_alerted_run

SECRET, STAFF_SECRET = "the public channel's secret", "the staff channel's secret"
Call = Callable[..., tuple[int, str, str]]


def at(hour: int) -> datetime:
    return datetime(2025, 8, 5, hour, tzinfo=JST)


@pytest.fixture
def heatrisk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return the command line as a function: arguments in; exit code, stdout and stderr out."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("LC_ALL", "HEATRISK_PUBLIC_URL", "HEATRISK_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(telling, "_now", lambda: at(18).astimezone(UTC))

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["heatrisk", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a run with an alert of the morning and a drill of the afternoon."""
    root = tmp_path_factory.mktemp("city") / "store"
    write_alerted_run(root)
    (root.parent / "city.toml").write_text("[store]\n", "utf-8")
    return root


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Run a server that takes events, and yield it."""
    monkeypatch.setenv("HEATRISK_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("HEATRISK_STAFF_WEBHOOK_SECRET", STAFF_SECRET)
    with receiving() as server:
        yield server


def test_the_text_is_one_line_in_the_language_and_length_asked_for(heatrisk: Call, store: Path) -> None:
    for lang, word in (
        ("ja", "三鷹市、8月5日(火)の暑さ"),
        ("ja-easy", "あつさ"),
        ("en", "Mitaka: heat on Tue 5 Aug"),
    ):
        for length in (140, 400):
            code, text, _ = heatrisk("tell", "--store", store, "--lang", lang, "--length", length)
            assert code == 0 and word in text
            assert text.count("\n") == 1 and len(text) <= length + 1
    code, text, _ = heatrisk("tell", "latest", "--store", store, "--kind", "alert", "--lang", "all")
    assert code == 0 and len(text.splitlines()) == 3 and "SPECIAL" not in text and "訓練" not in text


def test_without_an_alert_nothing_is_said_but_to_the_staff(
    heatrisk: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_now", lambda: at(4))
    code, text, aside = heatrisk("tell", "--store", store, "--kind", "alert")
    assert (code, text) == (0, "") and "警戒情報はありません" in aside


def test_a_file_is_written_whole(heatrisk: Call, store: Path, tmp_path: Path) -> None:
    code, text, _ = heatrisk("tell", "--store", store, "--to", tmp_path / "out" / "asa.txt", "--length", 140)
    assert (code, text) == (0, "")
    written = (tmp_path / "out" / "asa.txt").read_text("utf-8")
    assert "三鷹市" in written and len(written) <= 141
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["asa.txt"]


def test_a_webhook_gets_every_language_and_length_once(
    heatrisk: Call, store: Path, receiver: Receiver
) -> None:
    url, taken = receiver.url, receiver.taken
    for expected in ("送信しました", "送信済み"):
        code, text, _ = heatrisk("tell", "--store", store, "--kind", "alert", "--webhook", url)
        assert code == 0 and expected in text
    ((signed, body),) = taken
    assert is_signed(signed, body, SECRET)
    content = json.loads(body)
    assert (content["status"], content["channel"], content["kind"]) == ("normal", "public", "alert")
    assert content["alert"]["day"] == "2025-08-05" and content["event"] == "normal/東京都/2025-08-05/alert"
    assert set(content["texts"]) == {"ja", "ja-easy", "en"} and set(content["texts"]["en"]) == {"140", "400"}


def test_a_drill_reaches_the_staff_channel_alone(
    heatrisk: Call,
    store: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, taken = receiver.url, receiver.taken
    monkeypatch.setenv("STAFF_HOOK", f"{url}staff")
    code, text, _ = heatrisk(
        "tell", "--store", store, "--kind", "alert", "--staff", "--webhook", "env:STAFF_HOOK"
    )
    assert code == 0 and "【訓練】" in text
    drills = [(signed, body) for signed, body in taken if json.loads(body)["status"] == "drill"]
    assert len(taken) == 2 and len(drills) == 1
    for signed, body in taken:
        # Who holds the public secret cannot take it for an alert.
        assert is_signed(signed, body, STAFF_SECRET) and not is_signed(signed, body, SECRET)
        assert json.loads(body)["channel"] == "staff"
    assert all(text.startswith(("【訓練】", "【くんれん", "[DRILL]")) for text in every_text(drills[0][1]))


def every_text(body: bytes) -> list[str]:
    return [text for lengths in json.loads(body)["texts"].values() for text in lengths.values()]


def test_without_its_secret_nothing_is_sent(
    heatrisk: Call,
    store: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HEATRISK_WEBHOOK_SECRET")
    code, _, aside = heatrisk("tell", "--store", store, "--webhook", f"{receiver.url}other")
    assert code == 20 and "HEATRISK_WEBHOOK_SECRET" in aside and receiver.taken == []
    monkeypatch.setenv("HEATRISK_WEBHOOK_SECRET", SECRET)
    code, _, aside = heatrisk("tell", "--store", store, "--webhook", "env:UNSET_HOOK")
    assert code == 20 and "UNSET_HOOK" in aside


def test_a_receiver_that_is_down_leaves_a_code_for_cron(
    heatrisk: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATRISK_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr("heatrisk.webhook._FIRST_PAUSE", 0.001)
    code, text, _ = heatrisk("tell", "--store", store, "--webhook", "http://127.0.0.1:1/")
    assert code == 10 and "次回" in text


# --- tokens and the trail ---


def test_a_token_is_shown_once_with_a_link_and_opens_its_facility(heatrisk: Call, store: Path) -> None:
    city = store.parent / "city.toml"
    code, text, _ = heatrisk("token", city, "1", "--url", "https://heat.example.jp/", "--lang", "ja")
    assert code == 0 and "中央図書館" in text
    link, token = text.splitlines()[-1].split("#")
    assert link == "https://heat.example.jp/staff/1"
    reports = Reports(store, "")
    assert reports.holder(token, "1").name == "中央図書館"
    _, listed, _ = heatrisk("token", city)
    assert listed.splitlines()[0] == "1\t1\t中央図書館" and token.split(".")[1] not in listed
    code, text, _ = heatrisk("token", city, "1", "--withdraw", "--lang", "en")
    assert code == 0 and "1 tokens" in text and reports.tokens() == {}
    code, _, aside = heatrisk("token", city, "no such", "--lang", "ja")
    assert code == 20 and "公開中の一覧にない施設" in aside
    reports.close()


def test_the_trail_is_a_table_that_no_spreadsheet_runs(heatrisk: Call, store: Path) -> None:
    reports = Reports(store, "")
    holder = reports.holder(reports.issue("3", "集会所", at(9)), "3")
    reports.record(holder, Said("busy", ("water",), "=HYPERLINK(1)"), at(9))
    reports.close()
    code, text, _ = heatrisk("reports", store.parent / "city.toml")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert code == 0 and len(rows) == 1
    row = rows[0]
    assert (row["shelter"], row["name"], row["state"], row["broken"]) == ("3", "集会所", "busy", "water")
    assert (row["received"], row["expires"]) == ("2025-08-05T09:00:00+09:00", "2025-08-05T11:00:00+09:00")
    assert row["note"] == "'=HYPERLINK(1)"

"""Feeds: alerts as Atom, RSS and CAP and the morning's text, each by its rules and at its time; no drill."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from heatrisk.alerts import AlertBulletin, Status, to_dict
from heatrisk.api import Settings, create_app
from heatrisk.bulletin.entries import Feed
from heatrisk.bulletin.feeds import atom, cap, rss
from heatrisk.bulletin.outlook import outlook
from heatrisk.errors import StoreError
from heatrisk.words import JST, Words
from tests.cap import NAMESPACE, checked
from tests.client import Client, is_problem
from tests.feed_rules import ATOM, atom_checked, rss_checked
from tests.small_run import CREATED, write_small_run

FIRST, SECOND = date(2025, 8, 5), date(2025, 8, 6)
MITAKA = {"name": {"ja": "三鷹市", "en": "Mitaka"}, "sample": False, "config": {"alerts": {"area": "130000"}}}


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2025, 8, day, hour, minute, tzinfo=JST)


def issued(hour: int, today: int, tomorrow: int, status: Status = "normal") -> AlertBulletin:
    days = ((FIRST, today), (SECOND, tomorrow))
    maxima = (("日最高WBGT(5:00)", "東京:32/八王子:33"),)
    return AlertBulletin("130000", "東京都", at(hour), at(hour), status, days, maxima)


class City:
    """A served run whose alerts and clock a test sets."""

    def __init__(
        self, root: Path, created: datetime = CREATED, config: Any = None, sample: bool = False
    ) -> None:
        more = {"config": {**MITAKA["config"], **(config or {})}, "sample": sample}  # type: ignore[dict-item]
        self.run = write_small_run(root, created, city={**MITAKA, **more})
        self.root = root
        self.clock = at(6)

    def asks(self, path: str, *known: AlertBulletin, **details: Any) -> Any:
        """Ask a fresh service, with the newest bulletin last."""
        if known:
            *earlier, newest = known
            whole = to_dict(replace(newest, earlier=tuple(reversed(earlier))))
            (self.run.path / "alerts.json").write_text(json.dumps(whole, ensure_ascii=False), "utf-8")
        settings = Settings(public_url="https://heat.example.jp/mitaka")
        return Client(create_app(self.root, settings, clock=lambda: self.clock)).get(path, **details)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("store"))


@pytest.fixture
def city(served: City) -> City:
    (served.run.path / "alerts.json").unlink(missing_ok=True)
    served.clock = at(6)
    return served


def entries(answer: Any) -> list[ET.Element]:
    """Return the alerts of a feed, which holds the morning's text besides."""
    found = ET.fromstring(answer.content).findall(f"{ATOM}entry")
    return [entry for entry in found if term(entry) != "morning"]


def term(entry: ET.Element) -> str | None:
    category = entry.find(f"{ATOM}category")
    return None if category is None else category.get("term")


# --- Atom ---


def test_the_feed_holds_what_atom_requires_of_feed_and_entries(city: City) -> None:
    city.clock = at(18)
    answer = city.asks("/feeds/alerts.atom", issued(5, 1, 9), issued(17, 1, 1))
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = ET.fromstring(answer.content)
    atom_checked(answer.content)
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "環境省 熱中症予防情報サイト"
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links["self"] == "https://heat.example.jp/mitaka/feeds/alerts.atom"
    found = entries(answer)
    assert [entry.findtext(f"{ATOM}updated") for entry in found] == [
        "2025-08-05T05:00:00+09:00", "2025-08-05T17:00:00+09:00",
    ]  # fmt: skip
    assert "8月5日(火)の熱中症警戒アラート" in (found[0].findtext(f"{ATOM}title") or "")
    summary = found[1].findtext(f"{ATOM}summary") or ""
    assert "出典：環境省" in summary and "Heat-stroke alert for 東京都 on Wed 6 Aug" in summary
    assert len({entry.findtext(f"{ATOM}id") for entry in found}) == 2
    for entry in found:
        related = next(link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "related")
        path = (related.get("href") or "").removeprefix("https://heat.example.jp/mitaka")
        assert city.asks(path).status_code == 200


def test_an_empty_feed_says_why(city: City) -> None:
    def subtitle(*known: AlertBulletin) -> str:
        answer = city.asks("/feeds/alerts.atom", *known)
        assert entries(answer) == []
        return ET.fromstring(answer.content).findtext(f"{ATOM}subtitle") or ""

    assert "取得できていません" in subtitle() and "not been available" in subtitle()
    assert "発表されていません" in subtitle(issued(5, 0, 9))
    city.clock = at(4)
    assert "まだ確認できていません" in subtitle(issued(5, 1, 9))


def test_the_feed_is_kept_by_caches_for_a_minute_and_confirmed_by_its_tag(city: City) -> None:
    answer = city.asks("/feeds/alerts.atom", issued(5, 1, 9))
    assert answer.headers["cache-control"] == "public, max-age=60"
    again = city.asks("/feeds/alerts.atom", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    city.clock = at(23, 59)
    assert city.asks("/feeds/alerts.atom").headers["etag"] == answer.headers["etag"]
    city.clock = at(0, day=6)
    assert city.asks("/feeds/alerts.atom").headers["etag"] != answer.headers["etag"]


# --- the morning's text ---


def morning(city: City, *known: AlertBulletin, path: str = "/feeds/alerts.atom") -> ET.Element | None:
    root = atom_checked(city.asks(path, *known).content)
    found = [entry for entry in root.findall(f"{ATOM}entry") if term(entry) == "morning"]
    return found[0] if found else None


def said(entry: ET.Element | None, name: str) -> str:
    assert entry is not None
    return entry.findtext(ATOM + name) or ""


def test_the_morning_is_an_entry_from_its_time_on(city: City) -> None:
    city.clock = at(5, 49)
    assert morning(city, issued(5, 1, 9)) is None
    city.clock = at(5, 50)
    entry = morning(city, issued(5, 1, 9))
    assert said(entry, "title") == "三鷹市、8月5日(火)の暑さ"
    assert said(entry, "updated") == "2025-08-05T05:50:00+09:00"
    assert entry is not None and entry.findtext(f"{ATOM}author/{ATOM}name") == "三鷹市"
    ja, computed, en, _ = said(entry, "summary").splitlines()
    assert "東京都に熱中症警戒アラートが発表されています（5:00発表）" in ja and "参考値" in ja
    assert "出典：環境省 熱中症予防情報サイト（4:25発表" in ja
    assert computed == "計算：2025-08-05 04:30" and "参考値" not in en and "MOE" in en
    city.clock = at(23, 59)
    again = morning(city)
    assert said(again, "summary") == said(entry, "summary"), "it stays as it became known"
    city.clock = at(5, 50, day=6)
    assert said(morning(city), "id") != said(entry, "id")


def test_the_city_file_says_when_the_morning_is(tmp_path: Path) -> None:
    later = City(tmp_path, config={"tell": {"morning": "07:15"}})
    later.clock = at(7, 14)
    assert morning(later) is None
    later.clock = at(7, 15)
    assert said(morning(later), "updated") == "2025-08-05T07:15:00+09:00"


def test_each_language_is_an_entry_of_its_own(city: City) -> None:
    words = {"ja": "最も暑いのは", "ja-easy": "いちばん あついです", "en": "Hottest around"}
    identifiers = set()
    for lang, word in words.items():
        path = f"/feeds/alerts.atom?lang={lang}"
        entry = morning(city, issued(5, 1, 9), path=path)
        text = said(entry, "summary")
        assert word in text and not any(other in text for other in words.values() if other != word)
        (alert,) = entries(city.asks(path))
        identifiers |= {said(entry, "id"), said(alert, "id")}
        root = ET.fromstring(city.asks(path).content)
        assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == lang[:2]
        assert root.find(f"{ATOM}link").get("href", "").endswith(path)  # type: ignore[union-attr]
    assert len(identifiers) == 6
    is_problem(city.asks("/feeds/alerts.atom?lang=fr"), 422, "invalid-parameter")


def test_a_stale_run_says_its_age_and_one_that_has_ended_that_it_has_nothing_to_say(city: City) -> None:
    city.clock = at(6, day=6)
    entry = morning(city)
    assert said(entry, "updated") == "2025-08-06T05:50:00+09:00"
    assert "場所ごとの予測はいま示せません（最後の計算は8/5 4:30）" in said(entry, "summary")
    assert "the last one is of 5 Aug 4:30" in said(entry, "summary")
    assert "計算：2025-08-05 04:30" in said(entry, "summary")
    city.clock = datetime(2025, 12, 1, 6, tzinfo=JST)
    assert morning(city) is None, "out of season there is nothing to be missed"


def test_a_day_that_an_old_run_still_covers_is_told_with_the_age_of_the_run(tmp_path: Path) -> None:
    old = City(tmp_path, created=datetime(2025, 8, 4, 8, 10, tzinfo=UTC))
    text = said(morning(old), "summary")
    assert "場所ごとの予測は8/4 17:10時点の計算です。最も暑いのは15時ごろ" in text
    assert "Forecast by place as of 4 Aug 17:10." in text and "計算：2025-08-04 17:10" in text


def test_an_invented_town_says_so_in_every_entry(tmp_path: Path) -> None:
    invented = City(tmp_path, sample=True)
    for lang, mark in (("ja", "【架空の町】"), ("ja-easy", "【みほんの まち】"), ("en", "[SAMPLE TOWN]")):
        answer = invented.asks(f"/feeds/alerts.atom?lang={lang}", issued(5, 1, 9))
        found = atom_checked(answer.content).findall(f"{ATOM}entry")
        assert [term(entry) for entry in found] == ["alert", "morning"]
        for entry in found:
            assert said(entry, "title").startswith(mark) and said(entry, "summary").startswith(mark)
        assert "環境省" not in answer.text and "Ministry" not in answer.text


def test_a_field_that_cannot_be_read_hides_no_alert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: Any, **__: Any) -> NoReturn:
        raise StoreError("damaged")

    monkeypatch.setattr("heatrisk.bulletin.outlook", unreadable)
    city = City(tmp_path)
    assert morning(city, issued(5, 1, 9)) is None
    assert len(entries(city.asks("/feeds/alerts.atom"))) == 1


@pytest.mark.parametrize("damaged", ["fields.zarr/wbgt_moe/c/0/0/0", "fields.zarr/mask/zarr.json"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff what?" * 99, None])
def test_a_damaged_field_leaves_the_alert_and_the_morning_without_it(
    tmp_path: Path, damaged: str, content: bytes | None
) -> None:
    city = City(tmp_path)
    spoilt = city.run.path / damaged
    spoilt.unlink()
    if content is not None:
        spoilt.write_bytes(content)
    answer = city.asks("/feeds/alerts.atom", issued(5, 1, 9))
    assert answer.status_code == 200 and len(entries(answer)) == 1
    text = said(morning(city), "summary")
    assert "熱中症警戒アラート" in text and "場所ごとの予測はいま示せません" in text


def test_a_morning_tells_of_an_alert_that_was_read_before_its_report_time(city: City) -> None:
    city.clock = at(9, 59)
    assert "アラートが発表" not in said(morning(city, issued(10, 1, 9)), "summary")
    city.clock = at(10)
    entry = morning(city)
    assert "東京都に熱中症警戒アラートが発表されています（10:00発表）" in said(entry, "summary")
    assert said(entry, "updated") == "2025-08-05T10:00:00+09:00"


def test_the_text_is_composed_once_however_often_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[datetime] = []

    def outlooks(run: Any, day: date, seen: datetime, *rest: Any) -> Any:
        composed.append(seen)
        return outlook(run, day, seen, *rest)

    monkeypatch.setattr("heatrisk.bulletin.outlook", outlooks)
    city = City(tmp_path)
    client = Client(create_app(tmp_path, Settings(), clock=lambda: city.clock))
    for hour in (6, 9, 12):
        city.clock = at(hour)
        for form in ("atom", "rss", "atom?lang=en"):
            assert client.get(f"/feeds/alerts.{form}").status_code == 200
    assert composed == [at(5, 50)]


# --- RSS ---


def test_rss_holds_what_atom_does(city: City) -> None:
    known = (issued(5, 1, 9), issued(17, 1, 1))
    city.clock = at(18)
    answer = city.asks("/feeds/alerts.rss", *known)
    assert answer.headers["content-type"].startswith("application/rss+xml")
    assert answer.headers["cache-control"] == "public, max-age=60"
    channel = rss_checked(answer.content)
    feed = atom_checked(city.asks("/feeds/alerts.atom").content)
    assert channel.findtext("title") == feed.findtext(f"{ATOM}title")
    assert channel.findtext("description") == feed.findtext(f"{ATOM}subtitle")
    items, found = channel.findall("item"), feed.findall(f"{ATOM}entry")
    assert len(items) == len(found) == 3
    for item, entry in zip(items, found, strict=True):
        for ours, theirs in (("title", "title"), ("guid", "id"), ("description", "summary")):
            assert item.findtext(ours) == said(entry, theirs)
        posted = parsedate_to_datetime(item.findtext("pubDate") or "")
        assert posted == datetime.fromisoformat(said(entry, "updated"))
    assert "http://testserver" not in answer.text
    again = city.asks("/feeds/alerts.rss", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


# --- CAP ---


def test_a_message_obeys_the_rules_and_says_what_was_issued(city: City) -> None:
    answer = city.asks("/feeds/alerts.cap.xml", issued(5, 1, 9))
    assert answer.headers["content-type"].startswith("application/cap+xml")
    root = checked(answer.content)
    value = {child.tag.removeprefix(NAMESPACE): child.text for child in root}
    assert value["identifier"] == "heatrisk.130000.20250805.alert"
    assert value["sender"] == "heatrisk@heat.example.jp"
    assert (value["sent"], value["status"], value["msgType"]) == (
        "2025-08-05T05:00:00+09:00",
        "Actual",
        "Alert",
    )
    assert "references" not in value
    infos = root.findall(f"{NAMESPACE}info")
    assert [info.findtext(f"{NAMESPACE}language") for info in infos] == ["ja-JP", "en-US"]
    ja = {child.tag.removeprefix(NAMESPACE): child.text for child in infos[0]}
    assert ja["event"] == "熱中症警戒情報（熱中症警戒アラート）"
    assert (ja["urgency"], ja["severity"], ja["certainty"]) == ("Expected", "Severe", "Likely")
    assert (ja["onset"], ja["expires"]) == ("2025-08-05T00:00:00+09:00", "2025-08-06T00:00:00+09:00")
    assert ja["description"] == "環境省の発表：日最高WBGT(5:00) 東京:32/八王子:33"
    assert infos[0].findtext(f"{NAMESPACE}area/{NAMESPACE}areaDesc") == "東京都"
    assert infos[0].findtext(f"{NAMESPACE}area/{NAMESPACE}geocode/{NAMESPACE}value") == "130000"


def test_a_special_alert_takes_the_place_of_the_ordinary_one(city: City) -> None:
    known = (issued(5, 0, 9), issued(10, 0, 1), issued(14, 0, 3))
    city.clock = at(13)
    before = checked(city.asks("/feeds/alerts.cap.xml", *known).content)
    assert before.findtext(f"{NAMESPACE}identifier") == "heatrisk.130000.20250806.alert"
    city.clock = at(14)
    after = checked(city.asks("/feeds/alerts.cap.xml", *known).content)
    assert after.findtext(f"{NAMESPACE}msgType") == "Update"
    sent, name = (before.findtext(NAMESPACE + part) for part in ("sent", "identifier"))
    assert after.findtext(f"{NAMESPACE}references") == f"heatrisk@heat.example.jp,{name},{sent}"
    info = after.find(f"{NAMESPACE}info")
    assert info is not None and info.findtext(f"{NAMESPACE}severity") == "Extreme"
    assert info.findtext(f"{NAMESPACE}urgency") == "Future"


def test_a_message_never_changes_while_it_is_in_force(city: City) -> None:
    first = city.asks("/feeds/alerts.cap.xml?day=2025-08-06", issued(5, 0, 9), issued(17, 0, 1))
    assert first.status_code == 204
    city.clock = at(17)
    evening = city.asks("/feeds/alerts.cap.xml?day=2025-08-06").content
    morning = replace(issued(5, 0, 1), issued=at(5, day=6), days=((SECOND, 1), (date(2025, 8, 7), 9)))
    city.clock = at(23, 59, day=6)
    assert city.asks("/feeds/alerts.cap.xml", issued(17, 0, 1), morning).content == evening
    city.clock = at(0, day=7)
    assert city.asks("/feeds/alerts.cap.xml").status_code == 204


def test_without_an_alert_there_is_no_message_but_what_is_known(city: City) -> None:
    for known, state in (((), "unavailable"), ((issued(5, 0, 9),), "none"), ((issued(5, 2, 9),), "unknown")):
        answer = city.asks("/feeds/alerts.cap.xml", *known)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["heatrisk-alert-state"] == state
        assert answer.headers["cache-control"] == "public, max-age=60"
    is_problem(city.asks("/feeds/alerts.cap.xml?day=soon"), 422, "invalid-parameter")


# --- what never leaves ---


@pytest.mark.parametrize("status", ["drill", "test"])
def test_drills_are_in_no_feed(city: City, status: Status) -> None:
    city.clock = at(18)
    known = (issued(5, 0, 9), issued(10, 3, 3, status))
    answer = city.asks("/feeds/alerts.atom", *known)
    assert entries(answer) == [] and "特別" not in answer.text and "訓練" not in answer.text
    assert "特別" not in city.asks("/feeds/alerts.rss?lang=ja", *known).text
    for day in ("", "?day=2025-08-05", "?day=2025-08-06"):
        assert city.asks(f"/feeds/alerts.cap.xml{day}", *known).status_code == 204


def test_nothing_is_in_a_feed_before_its_report_time(city: City) -> None:
    city.clock = at(16, 59)
    known = (issued(5, 0, 9), issued(17, 3, 3))
    answer = city.asks("/feeds/alerts.atom", *known)
    assert entries(answer) == [] and "特別" not in answer.text and "17:00" not in answer.text
    for day in ("", "?day=2025-08-05", "?day=2025-08-06"):
        assert city.asks(f"/feeds/alerts.cap.xml{day}", *known).status_code == 204
    city.clock = at(17)
    assert len(entries(city.asks("/feeds/alerts.atom", *known))) == 2


@pytest.mark.parametrize(
    "name",
    ["<a>&amp;]]>", "a\x00b\x0bc\ufffe", "名前,with spaces & <tags>", "", " ", "\u202eevil", "x" * 5000],
)
def test_any_name_gives_a_whole_document(name: str) -> None:
    known = replace(issued(5, 1, 9), area=name, area_name=name or "a", maxima=((name, name),))
    feed = Feed(Words(name, name), "http://h/", known, at(6))
    (alert,) = feed.alerts()
    for sender in (name, f"heatrisk@{name}", "a b,c<d&e"):
        root = ET.fromstring(cap(feed, alert, sender or "x"))
        assert root.findtext(f"{NAMESPACE}identifier")
        if name.strip().isprintable() and name.strip():
            checked(cap(feed, alert, f"heatrisk@{sender}"))
    if name.strip():
        atom_checked(atom(feed, Words(name, name), at(6)))
        rss_checked(rss(feed, Words(name, name), at(6)))


def test_an_invented_town_issues_nothing_actual(tmp_path: Path) -> None:
    feed = Feed(Words("ひなた市", "Hinata"), "http://h", issued(5, 1, 9), at(6), sample=True)
    root = checked(cap(feed, feed.alerts()[0], "heatrisk@h"))
    assert root.findtext(f"{NAMESPACE}status") == "Test"
    assert (root.findtext(f"{NAMESPACE}info/{NAMESPACE}headline") or "").startswith("【架空の町】")

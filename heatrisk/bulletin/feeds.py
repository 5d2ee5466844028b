"""The official alerts as feeds: Atom (RFC 4287) for readers, CAP 1.2 for the systems of others.

Both are made from the flags that are public at an instant, so they hold no drill and nothing of a report time
to come. A message about an alert never changes: its identifier, times and words follow from the alert alone.

References
----------
.. [1] OASIS, Common Alerting Protocol Version 1.2, 1 July 2010.
.. [2] M. Nottingham, R. Sayre (2005), The Atom Syndication Format, RFC 4287.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import NamedTuple

from heatrisk.alerts import NAMES, Alert, AlertBulletin, Level, public
from heatrisk.bulletin.phrases import ADVICE, ALERTS, MINISTRY, PUBLICATION, Tongue, clock_told, day_told
from heatrisk.bulletin.wording import plain
from heatrisk.words import JST, Words

ATOM, CAP = "http://www.w3.org/2005/Atom", "urn:oasis:names:tc:emergency:cap:1.2"

#: An alert is a forecast that any place of an area reaches 33, a special one that all of them reach 35.
_SEVERITY: Mapping[Level, str] = {"alert": "Severe", "special": "Extreme"}
_LANGUAGES: tuple[tuple[str, Tongue], ...] = (("ja-JP", "ja"), ("en-US", "en"))


class Feed(NamedTuple):
    """What the feeds of a city are made from.

    Parameters
    ----------
    city : Words
        Its name.
    base : str
        Address of the service, without trailing slash.
    bulletin : AlertBulletin, optional
        What was read of the alerts, drills and coming report times included.
    at : datetime.datetime
        The clock, with zone.
    sample : bool
        Whether the city is an invented one.
    """

    city: Words
    base: str
    bulletin: AlertBulletin | None
    at: datetime
    sample: bool = False

    def alerts(self) -> list[Alert]:
        """Return the alerts that are public: today's and those of later days."""
        return [] if self.bulletin is None else public(self.bulletin, self.at)


def atom(feed: Feed, state: Words, updated: datetime) -> bytes:
    """Return the alerts as an Atom feed, today's first.

    Parameters
    ----------
    feed : Feed
        What it is made from.
    state : Words
        What is known of alerts today: no entry may mean that there is none, or that nothing is known.
    updated : datetime.datetime
        When that became known, with zone.
    """
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "ja"})
    name = plain(feed.city.ja)
    _add(root, "id", _urn(feed, "feed"))
    _add(root, "title", f"{name} 熱中症警戒情報 / Heat-stroke alerts")
    _add(root, "subtitle", plain(f"{state.ja} / {state.en}"))
    _add(root, "updated", _written(updated))
    _add(_add(root, "author"), "name", PUBLICATION.ja)
    _add(root, "link", rel="self", type="application/atom+xml", href=f"{feed.base}/feeds/alerts.atom")
    _add(root, "link", rel="alternate", type="text/html", href=f"{feed.base}/")
    for alert in feed.alerts():
        ja, en = _headline(alert, "ja"), _headline(alert, "en")
        entry = _add(root, "entry")
        _add(entry, "id", _urn(feed, _name(feed, alert)))
        _add(entry, "title", f"{_invented(feed, 'ja')}{ja}")
        _add(entry, "updated", _written(alert.issued))
        _add(entry, "published", _written(alert.issued))
        _add(entry, "category", term=alert.level, label=NAMES[alert.level].ja)
        cap = f"{feed.base}/feeds/alerts.cap.xml?day={alert.day}"
        _add(entry, "link", rel="alternate", type="text/html", href=f"{feed.base}/")
        _add(entry, "link", rel="related", type="application/cap+xml", href=cap)
        summary = f"{ja}{ADVICE[alert.level].ja}出典：{PUBLICATION.ja}\n{en} {ADVICE[alert.level].en}"
        _add(entry, "summary", summary)
    return _document(root)


def cap(feed: Feed, alert: Alert, sender: str) -> bytes:
    """Return one alert as a CAP message, in Japanese and English.

    Parameters
    ----------
    feed : Feed
        What it is made from.
    alert : Alert
        One of ``feed.alerts()``.
    sender : str
        Who passes it on, unique in the world; characters that an address cannot have are left out.
    """
    root = ET.Element("alert", xmlns=CAP)
    sender = re.sub(r"[^A-Za-z0-9@._:-]+", "", sender)
    before = _replaced(feed, alert)
    _add(root, "identifier", _name(feed, alert))
    _add(root, "sender", sender)
    _add(root, "sent", _written(alert.issued))
    _add(root, "status", "Test" if feed.sample else "Actual")
    _add(root, "msgType", "Update" if before else "Alert")
    _add(root, "source", PUBLICATION.ja)
    _add(root, "scope", "Public")
    if feed.sample:
        _add(root, "note", "架空の町の見本です。 This is the sample of an invented town.")
    if before:
        _add(root, "references", f"{sender},{_name(feed, before)},{_written(before.issued)}")
    for code, tongue in _LANGUAGES:
        _describe(_add(root, "info"), feed, alert, code, tongue)
    return _document(root)


def _describe(info: ET.Element, feed: Feed, alert: Alert, code: str, tongue: Tongue) -> None:
    """Fill in what an alert says in one language, in the order that CAP prescribes."""
    onset = datetime.combine(alert.day, time(), JST)
    ahead = alert.issued.astimezone(JST).date() < alert.day
    name = NAMES[alert.level].ja if tongue == "ja" else NAMES[alert.level].en
    for element, value in (
        ("language", code),
        ("category", "Met"),
        ("category", "Health"),
        ("event", name),
        ("responseType", "Avoid"),
        ("urgency", "Future" if ahead else "Expected"),
        ("severity", _SEVERITY[alert.level]),
        ("certainty", "Likely"),
        ("effective", _written(alert.issued)),
        ("onset", _written(onset)),
        ("expires", _written(onset + timedelta(days=1))),
        ("senderName", PUBLICATION.to(tongue)),
        ("headline", f"{_invented(feed, tongue)}{_headline(alert, tongue)}"),
        ("description", _published(feed, alert, tongue)),
        ("instruction", ADVICE[alert.level].to(tongue)),
        ("web", f"{feed.base}/"),
    ):
        if value:
            _add(info, element, value)
    area = _add(info, "area")
    _add(area, "areaDesc", plain(alert.area_name))
    if feed.bulletin is not None and plain(feed.bulletin.area):
        geocode = _add(area, "geocode")
        _add(geocode, "valueName", "府県予報区等コード")
        _add(geocode, "value", plain(feed.bulletin.area))


def _replaced(feed: Feed, alert: Alert) -> Alert | None:
    """Return the ordinary alert of the same day that a special one takes the place of."""
    if feed.bulletin is None or alert.level != "special":
        return None
    earlier = public(feed.bulletin, alert.issued - timedelta(seconds=1))
    return next((one for one in earlier if one.day == alert.day), None)


def _headline(alert: Alert, tongue: Tongue) -> str:
    return ALERTS[alert.level].to(tongue).format(
        area=plain(alert.area_name),
        day=day_told(alert.day).to(tongue),
        issued=clock_told(alert.issued, alert.day).to(tongue),
    )  # fmt: skip


def _published(feed: Feed, alert: Alert, tongue: Tongue) -> str:
    """Return the forecast highest values as the bulletin publishes them; English speakers read names too."""
    bulletin = feed.bulletin
    newest = () if bulletin is None else (bulletin, *bulletin.earlier)
    said = next((one for one in newest if one.status == "normal" and one.issued == alert.issued), None)
    rows = (
        []
        if said is None
        else [f"{plain(column)} {plain(text)}" for column, text in said.maxima if text.strip()]
    )
    title = {"ja": f"{MINISTRY}の発表：", "en": "As published: "}.get(tongue, "")
    return title + "、".join(rows) if rows else ""


def _invented(feed: Feed, tongue: Tongue) -> str:
    return "" if not feed.sample else "【架空の町】" if tongue == "ja" else "[SAMPLE TOWN] "


def _name(feed: Feed, alert: Alert) -> str:
    """Return the identifier of an alert: of a day there is one of each level, and it is never taken back."""
    area = "" if feed.bulletin is None else re.sub(r"[^0-9A-Za-z]", "", feed.bulletin.area)
    return f"heatrisk.{area or 'area'}.{alert.day:%Y%m%d}.{alert.level}"


def _urn(feed: Feed, name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"heatrisk/{feed.city.ja}/{name}").urn


def _written(at: datetime) -> str:
    # CAP wants an offset and forbids "Z".
    return at.astimezone(JST).isoformat(timespec="seconds")


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _document(root: ET.Element) -> bytes:
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()

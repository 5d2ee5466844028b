"""What a city tells as feeds: Atom (RFC 4287) and RSS 2.0 for readers, CAP 1.2 for the systems of others.

Atom and RSS hold the same entries; CAP is for alerts alone, a message each.

References
----------
.. [1] OASIS, Common Alerting Protocol Version 1.2, 1 July 2010.
.. [2] M. Nottingham, R. Sayre (2005), The Atom Syndication Format, RFC 4287.
.. [3] RSS Advisory Board, RSS 2.0 Specification, 2.0.11, 30 March 2009.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from email.utils import format_datetime

from heatrisk.alerts import NAMES, Alert, Level, public
from heatrisk.bulletin.entries import OUTLOOK, Feed, entries
from heatrisk.bulletin.phrases import ADVICE, MINISTRY, PUBLICATION, Tongue
from heatrisk.bulletin.wording import plain
from heatrisk.words import JST, Language, Words

ATOM, CAP = "http://www.w3.org/2005/Atom", "urn:oasis:names:tc:emergency:cap:1.2"

#: An alert is a forecast that any place of an area reaches 33, a special one that all of them reach 35.
_SEVERITY: Mapping[Level, str] = {"alert": "Severe", "special": "Extreme"}
_LANGUAGES: tuple[tuple[str, Tongue], ...] = (("ja-JP", "ja"), ("en-US", "en"))


def atom(feed: Feed, state: Words, updated: datetime, tongue: Tongue | None = None) -> bytes:
    """Return alerts and morning's text as an Atom feed.

    Parameters
    ----------
    feed : Feed
        What it is made from.
    state : Words
        What is known of alerts today: no alert may mean that there is none, or that nothing is known.
    updated : datetime.datetime
        When that became known, with zone.
    tongue : {"ja", "ja-easy", "en"}, optional
        Language; Japanese and English if omitted.
    """
    found = list(entries(feed, tongue))
    title, subtitle, language = _heading(feed, state, tongue)
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _add(root, "id", _urn(feed, "feed", tongue))
    _add(root, "title", title)
    _add(root, "subtitle", subtitle)
    _add(root, "updated", _written(max((one.at for one in found), default=updated)))
    # An invented town's alerts are nobody's publication.
    _add(_add(root, "author"), "name", (plain(feed.city.ja) or "-") if feed.sample else PUBLICATION.ja)
    _add(root, "link", rel="self", type="application/atom+xml", href=_address(feed, "atom", tongue))
    _add(root, "link", rel="alternate", type="text/html", href=f"{feed.base}/")
    for one in found:
        entry = _add(root, "entry")
        _add(entry, "id", _urn(feed, one.name, tongue))
        _add(entry, "title", one.title)
        _add(entry, "updated", _written(one.at))
        if one.author:
            _add(_add(entry, "author"), "name", one.author)
        _add(entry, "category", term=one.term, label=one.label)
        _add(entry, "link", rel="alternate", type="text/html", href=f"{feed.base}/")
        if one.cap:
            _add(entry, "link", rel="related", type="application/cap+xml", href=one.cap)
        _add(entry, "summary", one.text)
    return _document(root)


def rss(feed: Feed, state: Words, updated: datetime, tongue: Tongue | None = None) -> bytes:
    """Return the same as an RSS 2.0 channel; parameters as for :func:`atom`."""
    found = list(entries(feed, tongue))
    title, subtitle, language = _heading(feed, state, tongue)
    root = ET.Element("rss", {"version": "2.0", "xmlns:atom": ATOM})
    channel = _add(root, "channel")
    _add(channel, "title", title)
    _add(channel, "link", f"{feed.base}/")
    _add(channel, "description", subtitle)
    _add(channel, "language", language)
    _add(channel, "lastBuildDate", _posted(max((one.at for one in found), default=updated)))
    own = _address(feed, "rss", tongue)
    _add(channel, "atom:link", rel="self", type="application/rss+xml", href=own)
    for one in found:
        item = _add(channel, "item")
        _add(item, "title", one.title)
        _add(item, "link", f"{feed.base}/")
        _add(item, "description", one.text)
        _add(item, "category", one.label)
        _add(item, "guid", _urn(feed, one.name, tongue), isPermaLink="false")
        _add(item, "pubDate", _posted(one.at))
    return _document(root)


def _heading(feed: Feed, state: Words, tongue: Tongue | None) -> tuple[str, str, str]:
    """Return title, subtitle and language of a feed."""
    ja, en = plain(feed.city.ja), plain(feed.city.en)
    title = Words(f"{ja} 熱中症警戒情報・{OUTLOOK.ja}", f"{en}: heat-stroke alerts and {OUTLOOK.en}")
    if tongue is None:
        return f"{title.ja} / {title.en}", plain(f"{state.ja} / {state.en}"), "ja"
    spoken: Language = "en" if tongue == "en" else "ja"
    return title.to(spoken), plain(state.to(spoken)), spoken


def _address(feed: Feed, form: str, tongue: Tongue | None) -> str:
    return f"{feed.base}/feeds/alerts.{form}" + (f"?lang={tongue}" if tongue else "")


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
    _add(root, "identifier", feed.name(alert))
    _add(root, "sender", sender)
    _add(root, "sent", _written(alert.issued))
    _add(root, "status", "Test" if feed.sample else "Actual")
    _add(root, "msgType", "Update" if before else "Alert")
    _add(root, "source", PUBLICATION.ja)
    _add(root, "scope", "Public")
    if feed.sample:
        _add(root, "note", "架空の町の見本です。 This is the sample of an invented town.")
    if before:
        _add(root, "references", f"{sender},{feed.name(before)},{_written(before.issued)}")
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
        ("headline", feed.headline(alert, tongue)),
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


def _urn(feed: Feed, name: str, tongue: Tongue | None) -> str:
    """Return the identifier of an event; in another language it is another entry."""
    spoken = f"/{tongue}" if tongue else ""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"heatrisk/{feed.city.ja}/{name}{spoken}").urn


def _written(at: datetime) -> str:
    # CAP wants an offset and forbids "Z".
    return at.astimezone(JST).isoformat(timespec="seconds")


def _posted(at: datetime) -> str:
    """Write an instant as RFC 822 does."""
    return format_datetime(at.astimezone(JST))


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _document(root: ET.Element) -> bytes:
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()

"""The rules of Atom and RSS 2.0 as checkers of their own; nothing here knows how our feeds are made.

Written down from RFC 4287 (section 4: which elements a feed and an entry must and may hold), and from the RSS
2.0 specification of the RSS Advisory Board; dates after RFC 3339 and RFC 822.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

ATOM = "{http://www.w3.org/2005/Atom}"

#: Elements with the fewest and the most times they may occur.
_Rules = dict[str, tuple[int, int | None]]
_COMMON: _Rules = {
    "id": (1, 1), "title": (1, 1), "updated": (1, 1), "author": (0, None), "category": (0, None),
    "contributor": (0, None), "link": (0, None), "rights": (0, 1),
}  # fmt: skip
_FEED: _Rules = {
    **_COMMON, "generator": (0, 1), "icon": (0, 1), "logo": (0, 1), "subtitle": (0, 1), "entry": (0, None),
}  # fmt: skip
_ENTRY: _Rules = {**_COMMON, "published": (0, 1), "summary": (0, 1), "content": (0, 1), "source": (0, 1)}
_CHANNEL: _Rules = {
    "title": (1, 1), "link": (1, 1), "description": (1, 1), "language": (0, 1), "copyright": (0, 1),
    "pubDate": (0, 1), "lastBuildDate": (0, 1), "category": (0, None), "generator": (0, 1), "docs": (0, 1),
    "ttl": (0, 1), "image": (0, 1), f"{ATOM}link": (0, None), "item": (0, None),
}  # fmt: skip
_ITEM: _Rules = {
    "title": (0, 1), "link": (0, 1), "description": (0, 1), "author": (0, 1), "category": (0, None),
    "guid": (0, 1), "pubDate": (0, 1), "source": (0, 1), "comments": (0, 1), "enclosure": (0, 1),
}  # fmt: skip

_RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_RFC_822 = (
    r"((Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d\d? (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d(:\d\d)? (GMT|UT|[+-]\d{4})"
)
_IRI = r"[a-z][a-z0-9+.-]*:\S+"


def atom_checked(document: bytes) -> ET.Element:
    """Return the feed of a document after checking it against every rule."""
    feed = ET.fromstring(document)
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    for element, rules in ((feed, _FEED), *((entry, _ENTRY) for entry in entries)):
        _counted(element, {ATOM + name: count for name, count in rules.items()})
        assert re.fullmatch(_IRI, element.findtext(f"{ATOM}id") or "")
        for name in ("updated", "published"):
            assert all(re.fullmatch(_RFC_3339, one.text or "") for one in element.findall(ATOM + name))
        _linked(element)
        assert all(one.get("term") for one in element.findall(f"{ATOM}category"))
        assert all(one.findtext(f"{ATOM}name") for one in element.findall(f"{ATOM}author"))
    assert any(link.get("rel") == "self" for link in feed.findall(f"{ATOM}link")), "a feed should name itself"
    own = bool(feed.findall(f"{ATOM}author"))
    for entry in entries:
        assert own or entry.findall(f"{ATOM}author"), "somebody says it"
        alternate = any(link.get("rel", "alternate") == "alternate" for link in entry.findall(f"{ATOM}link"))
        assert alternate or entry.findall(f"{ATOM}content"), "an entry without content has an alternate link"
    identifiers = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(identifiers)) == len(identifiers)
    return feed


def _linked(element: ET.Element) -> None:
    links = element.findall(f"{ATOM}link")
    assert all(re.fullmatch(_IRI, link.get("href", "")) for link in links)
    kinds = [
        (link.get("type"), link.get("hreflang"))
        for link in links
        if link.get("rel", "alternate") == "alternate"
    ]
    assert len(set(kinds)) == len(kinds), "one alternate of a type and language"


def rss_checked(document: bytes) -> ET.Element:
    """Return the channel of a document after checking it against every rule."""
    root = ET.fromstring(document)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    assert channel.tag == "channel"
    items = channel.findall("item")
    for element, rules in ((channel, _CHANNEL), *((item, _ITEM) for item in items)):
        _counted(element, rules)
        for name in ("pubDate", "lastBuildDate"):
            assert all(re.fullmatch(_RFC_822, one.text or "") for one in element.findall(name))
        assert all(re.fullmatch(_IRI, one.text or "") for one in element.findall("link"))
    for item in items:
        assert item.findtext("title") or item.findtext("description"), "an item has one of them at least"
        guid = item.find("guid")
        permanent = guid is not None and guid.get("isPermaLink", "true") == "true"
        assert not permanent or re.fullmatch(r"https?://\S+", guid.text or "")  # type: ignore[union-attr]
    guids = [item.findtext("guid") for item in items]
    assert len(set(guids)) == len(guids)
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    return channel


def _counted(element: ET.Element, rules: _Rules) -> None:
    tags = [child.tag for child in element]
    assert set(tags) <= set(rules), set(tags) - set(rules)
    for name, (fewest, most) in rules.items():
        assert fewest <= tags.count(name) and (most is None or tags.count(name) <= most), name

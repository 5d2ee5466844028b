"""The rules of CAP 1.2 as a checker of its own: order and number of elements, code lists, forms of values.

Written down from OASIS, Common Alerting Protocol Version 1.2 (1 July 2010), sections 3.2 and 3.4; nothing
here knows how our messages are made.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import datetime

NAMESPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"

#: Elements in their order, each with the fewest and the most times it may occur.
ALERT = {
    "identifier": (1, 1), "sender": (1, 1), "sent": (1, 1), "status": (1, 1), "msgType": (1, 1),
    "source": (0, 1), "scope": (1, 1), "restriction": (0, 1), "addresses": (0, 1), "code": (0, None),
    "note": (0, 1), "references": (0, 1), "incidents": (0, 1), "info": (0, None),
}  # fmt: skip
INFO = {
    "language": (0, 1), "category": (1, None), "event": (1, 1), "responseType": (0, None), "urgency": (1, 1),
    "severity": (1, 1), "certainty": (1, 1), "audience": (0, 1), "eventCode": (0, None), "effective": (0, 1),
    "onset": (0, 1), "expires": (0, 1), "senderName": (0, 1), "headline": (0, 1), "description": (0, 1),
    "instruction": (0, 1), "web": (0, 1), "contact": (0, 1), "parameter": (0, None), "resource": (0, None),
    "area": (0, None),
}  # fmt: skip
AREA = {
    "areaDesc": (1, 1), "polygon": (0, None), "circle": (0, None), "geocode": (0, None),
    "altitude": (0, 1), "ceiling": (0, 1),
}  # fmt: skip
PAIR = {"valueName": (1, 1), "value": (1, 1)}

CODES = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d"
_NAME = r"[^\s,<&]+"
FORMS = {
    "identifier": _NAME,
    "sender": _NAME,
    "sent": _INSTANT,
    "effective": _INSTANT,
    "onset": _INSTANT,
    "expires": _INSTANT,
    "references": rf"{_NAME},{_NAME},{_INSTANT}( {_NAME},{_NAME},{_INSTANT})*",
    "language": r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*",
    "web": r"https?://\S+",
}
_INNER: dict[str, dict[str, tuple[int, int | None]]] = {
    "info": INFO, "area": AREA, "geocode": PAIR, "eventCode": PAIR, "parameter": PAIR,
}  # fmt: skip


def checked(document: bytes) -> ET.Element:
    """Return the message of a document after checking it against every rule."""
    root = ET.fromstring(document)
    assert root.tag == f"{NAMESPACE}alert"
    _check(root, ALERT)
    _check_meaning(root)
    return root


def _check(element: ET.Element, rules: dict[str, tuple[int, int | None]]) -> None:
    names = [child.tag.removeprefix(NAMESPACE) for child in element]
    assert all(child.tag.startswith(NAMESPACE) for child in element), names
    assert set(names) <= set(rules), set(names) - set(rules)
    order = list(rules)
    assert names == sorted(names, key=order.index), f"out of order: {names}"
    for name, (fewest, most) in rules.items():
        assert fewest <= names.count(name) and (most is None or names.count(name) <= most), name
    for name, child in zip(names, element, strict=True):
        if name in _INNER:
            _check(child, _INNER[name])
            continue
        text = child.text or ""
        assert not len(child) and text.strip(), f"{name} is empty"
        assert name not in CODES or text in CODES[name].split(), (name, text)
        assert name not in FORMS or re.fullmatch(FORMS[name], text), (name, text)


def _check_meaning(root: ET.Element) -> None:
    """Check what the text of the standard asks for beyond its schema."""

    def value(element: ET.Element, name: str) -> str | None:
        return element.findtext(NAMESPACE + name)

    if value(root, "msgType") in ("Update", "Cancel", "Ack", "Error"):
        assert value(root, "references"), "names the messages that it is about"
    if value(root, "scope") == "Restricted":
        assert value(root, "restriction")
    infos = root.findall(f"{NAMESPACE}info")
    languages = [value(info, "language") or "en-US" for info in infos]
    assert len(languages) == len(set(languages)), "one info a language"
    for info in infos:
        onset, expires = value(info, "onset"), value(info, "expires")
        if onset and expires:
            assert datetime.fromisoformat(onset) < datetime.fromisoformat(expires)

"""The official alerts as a run keeps them: what is public, and what is a drill for the staff alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from heatrisk.alerts import Alert, AlertBulletin, Status, from_dict, public
from heatrisk.stored import StoredRun


class Known(NamedTuple):
    """What a run holds of the alerts.

    Parameters
    ----------
    configured : bool
        Whether the city file names a source of alerts.
    bulletin : AlertBulletin, optional
        What was read, drills and coming report times included.
    """

    configured: bool
    bulletin: AlertBulletin | None


def known(run: StoredRun) -> Known:
    """Return what a run holds of the alerts; a record that cannot be read counts as one not to be had."""
    config = run.manifest.get("city", {}).get("config") or {}
    try:
        text = run.document("alerts.json")
        bulletin = None if text is None else from_dict(json.loads(text))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Known(True, None)
    return Known(bulletin is not None or "alerts" in config, bulletin)


def issued(run: StoredRun, at: datetime) -> list[Alert]:
    """Return the alerts that are public at an instant: today's and those of later days, never a drill's."""
    bulletin = known(run).bulletin
    return [] if bulletin is None else public(bulletin, at)


def drilled(run: StoredRun, at: datetime) -> list[tuple[Status, Alert]]:
    """Return what would be alerts at an instant if drills and tests were none, for the staff channel alone.

    They too have a report time, and are not told before it.
    """
    bulletin = known(run).bulletin
    if bulletin is None:
        return []
    found = []
    for one in (bulletin, *bulletin.earlier):
        if one.status != "normal":
            alone = replace(one, status="normal", earlier=())
            found += [(one.status, alert) for alert in public(alone, at)]
    # Of a drill that is announced twice the newest announcement counts.
    newest = {(status, alert.day, alert.level): (status, alert) for status, alert in reversed(found)}
    return sorted(newest.values(), key=lambda row: row[1].day)

"""The official alerts as they are known: what is public, and what is a drill for the staff alone.

A run keeps the alerts that it was made with. An attempt that ends without a run may have read newer ones,
and an official alert does not wait for our field: so every attempt keeps what it reads of them before it
computes, whole or not at all, in the store's ``alerts.json``, with when that was and the files' digests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from heatrisk import disk
from heatrisk.alerts import Alert, AlertBulletin, Status, from_dict, public, to_dict
from heatrisk.errors import StoreError
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun

#: The same name in a run, and in the store for what was read after it.
_NAME = "alerts.json"

_DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError)


class Known(NamedTuple):
    """What is known of the alerts.

    Parameters
    ----------
    configured : bool
        Whether the city file names a source of alerts.
    bulletin : AlertBulletin, optional
        What was read, drills and coming report times included.
    read : datetime.datetime
        When, with zone.
    """

    configured: bool
    bulletin: AlertBulletin | None
    read: datetime

    def issued(self, at: datetime) -> list[Alert]:
        """Return the alerts that are public at an instant, today's and later ones; never a drill's."""
        return [] if self.bulletin is None else public(self.bulletin, at)

    def drilled(self, at: datetime) -> list[tuple[Status, Alert]]:
        """Return what would be alerts if drills and tests were none, for the staff channel alone.

        They too have a report time, and are not told before it.
        """
        if self.bulletin is None:
            return []
        found = []
        for one in (self.bulletin, *self.bulletin.earlier):
            if one.status != "normal":
                alone = replace(one, status="normal", earlier=())
                found += [(one.status, alert) for alert in public(alone, at)]
        # Of a drill that is announced twice the newest announcement counts.
        newest = {(status, alert.day, alert.level): (status, alert) for status, alert in reversed(found)}
        return sorted(newest.values(), key=lambda row: row[1].day)


def known(run: StoredRun, store: RunStore | None = None) -> Known:
    """Return what is known of the alerts; a record that cannot be read counts as one not to be had.

    Parameters
    ----------
    run : StoredRun
        The run.
    store : RunStore, optional
        Its store. Of the published run what was read after it was made counts instead; and what was read
        before where the run itself has read nothing, or an older bulletin: an alert is never taken back.
    """
    own = _of(run)
    kept = None if store is None or store.latest_id() != run.id else _kept(store)
    if kept is None:
        return own
    first, last = (own, kept) if kept.read > own.read else (kept, own)
    return first if _still_counts(first, last) else last


def _still_counts(first: Known, last: Known) -> bool:
    """Tell whether what was read first counts though something was read later."""
    if first.bulletin is None:
        return False
    if last.bulletin is None:
        return last.configured and bool(first.issued(last.read))
    newer = last.bulletin.issued < first.bulletin.issued <= last.read
    return newer and first.bulletin.area == last.bulletin.area


def _of(run: StoredRun) -> Known:
    """Return what a run was made with."""
    config = run.manifest.get("city", {}).get("config") or {}
    try:
        text = run.document(_NAME)
        bulletin = None if text is None else from_dict(json.loads(text))
    except _DAMAGED:
        return Known(True, None, run.created)
    return Known(bulletin is not None or "alerts" in config, bulletin, run.created)


def keep(store: RunStore, bulletin: AlertBulletin, read: datetime, digests: Iterable[str]) -> None:
    """Keep what an attempt has read of the alerts beside the runs; what is known already stays as it is.

    Parameters
    ----------
    store : RunStore
        The store, whose lock the caller holds.
    bulletin : AlertBulletin
        What was read.
    read : datetime.datetime
        The clock of the attempt, with zone.
    digests : iterable of str
        SHA-256 of the files, hexadecimal.

    Raises
    ------
    StoreError
        The disk refuses.
    """
    with suppress(StoreError):  # there is no run beside which it would be known
        before = known(store.open(), store)
        if before.bulletin == bulletin or _still_counts(before, Known(True, bulletin, read)):
            return  # or a feed would tell the same anew with every attempt
    at = f"{read.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00"  # in whole seconds, as runs are dated
    record: dict[str, Any] = {"read": at, "sha256": sorted(digests), "alerts": to_dict(bulletin)}
    with disk.writing(store.root):
        disk.replace(store.root / _NAME, json.dumps(record, ensure_ascii=False).encode())


def _kept(store: RunStore) -> Known | None:
    try:
        record = json.loads((store.root / _NAME).read_text("utf-8"))
        read = datetime.fromisoformat(record["read"]).astimezone(UTC)
        return Known(True, from_dict(record["alerts"]), read)
    except _DAMAGED:
        return None

"""How the last attempt went, for ``status.json``: the verdict, and every source with its age and reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from heatrisk.errors import HeatRiskError, OffSeasonError
from heatrisk.sources.inputs import Inputs, told
from heatrisk.sources.reading import ROLES, Reading
from heatrisk.verdict import Verdict
from heatrisk.words import Words

#: What may be said of a source, beside its reason.
STATES = {
    "ok": Words("取得済み", "read"),
    "kept": Words("以前の控えを使用", "an earlier copy"),
    "missing": Words("使えません", "missing"),
    "doubt": Words("要確認", "doubtful"),
    "error": Words("異常", "error"),
}

_NOTHING = Words("", "")


def status(verdict: Verdict, run_id: str | None, inputs: Inputs | None, created: datetime) -> dict[str, Any]:
    """Return the record of an attempt, JSON-ready.

    Parameters
    ----------
    verdict : Verdict
        How it went.
    run_id : str or None
        The run that was made.
    inputs : Inputs or None
        What was read; None where it did not come to that.
    created : datetime.datetime
        The clock, with zone.
    """
    return {
        "at": created.isoformat(),
        "run_id": run_id,
        "verdict": verdict.as_dict(),
        "sources": [] if inputs is None else list(_sources(inputs, verdict, created)),
    }


def _sources(inputs: Inputs, verdict: Verdict, created: datetime) -> Iterator[dict[str, Any]]:
    failed: dict[str, list[dict[str, Any]]] = {}
    for role, error in inputs.failed:
        failed.setdefault(role, []).append(_failed(role, error))
    last = {reading.role: reading for reading in inputs.readings}
    for reading in inputs.readings:
        if reading.role != "city":
            # What was read before a role failed was in order, so the failure is that of its last source.
            rows = failed.pop(reading.role, []) if reading is last[reading.role] else []
            yield _read(reading, inputs, verdict, created) | (rows[0] if rows else {})
            yield from rows[1:]
    for lack in inputs.lacking:
        yield _row(lack.role, "missing", told(lack.role, lack.error))
    for rows in failed.values():
        yield from rows


def _failed(role: str, error: HeatRiskError) -> dict[str, Any]:
    """Return the row of a source that stopped the run; that nothing is published in winter is no error."""
    state = "missing" if isinstance(error, OffSeasonError) else "error"
    return _row(role, state, told(role, error))


def _read(reading: Reading, inputs: Inputs, verdict: Verdict, created: datetime) -> dict[str, Any]:
    copies = [row for row in reading.facts.get("web", ()) if not row["fresh"]]
    doubts = [note.words for note in verdict.notes if note.code.startswith(f"{reading.role}_")]
    troubles = [inputs.troubles[row["url"]] for row in copies if row["url"] in inputs.troubles]
    state = "kept" if copies else "doubt" if doubts else "ok"
    # The name of an alert file may tell of a drill.
    named = {} if reading.role == "alerts" else {"file": reading.path.name}
    web = [row["fetched"] for row in reading.facts.get("web", ())]
    age = None if reading.as_of is None else round((created - reading.as_of).total_seconds() / 3600, 1)
    return {
        **_row(reading.role, state, next(iter((*troubles, *doubts)), _NOTHING)),
        **named,
        "as_of": None if reading.as_of is None else f"{reading.as_of:%Y-%m-%dT%H:%M:%SZ}",
        "age_hours": age,
        "fetched": min(web) if web else None,
        "used": reading.used,
        "refused": len(reading.refused),
    }


def _row(role: str, state: str, why: Words) -> dict[str, Any]:
    name = ROLES.get(role, Words(role, role))
    return {"role": role, "name": name._asdict(), "state": state, "why": why._asdict()}

"""Bulletins sent to the systems of a city: after a pass of the watcher, or when ``heatrisk tell`` asks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, time
from pathlib import Path
from typing import NamedTuple

from heatrisk.bulletin import Bulletin, bulletins, known
from heatrisk.city import read_city
from heatrisk.city.sections import NOON, TellSection
from heatrisk.errors import CityFileError, HeatRiskError, InputError, StoreError
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.webhook import Webhook
from heatrisk.words import JST, Words

#: Exit codes of what became of an event: it arrived, waits for the next time or is in doubt, was refused.
_CODES = {"sent": 0, "failed": 10, "uncertain": 10, "refused": 20}

_BEFORE = Words("送信済みのため送りません", "sent before, so not again")


class Sending(NamedTuple):
    """What became of an event that was to be sent.

    Parameters
    ----------
    words : Words
        For the staff, with the name of the event; without the address, which may hold a key.
    code : int
        0, 10 or 20 as the exit codes of the command line.
    again : bool
        Whether it may be sent the next time.
    new : bool
        Whether anything was sent, or tried, now.
    event : str or None
        The event; None where it did not come to one.
    """

    words: Words
    code: int
    again: bool
    new: bool
    event: str | None = None


def send(
    store: Path, address: str, run: StoredRun, found: Iterable[Bulletin], *, staff: bool
) -> Iterator[Sending]:
    """Send bulletins to an address, each event at most once; yield what became of each.

    Parameters
    ----------
    store : pathlib.Path
        Keeps what was sent, in its folder ``told``.
    address : str
        URL, or ``"env:NAME"`` for the environment variable that holds it.
    run : StoredRun
        The run that they tell of.
    found : iterable of Bulletin
        What there is to tell.
    staff : bool
        Which channel this is. Each has a secret of its own, so that the receiver of one cannot take what was
        meant for the other: HEATRISK_STAFF_WEBHOOK_SECRET or HEATRISK_WEBHOOK_SECRET.

    Raises
    ------
    InputError
        The address or the secret cannot be used.
    """
    hook = _hook(store, address, staff=staff)
    for one in found:
        of = {"run": run.id, "computed": run.created.isoformat()}
        content = {**one.as_dict(), **of, "channel": "staff" if staff else "public"}
        try:
            outcome = hook.send(one.event, content)
        except StoreError as error:  # what was sent cannot be kept, so this is not; the others may be
            yield _hindered(error, one.event)
            continue
        told = _BEFORE if outcome.state == "sent" and not outcome.new else outcome.words
        code = _CODES[outcome.state] if outcome.new or outcome.state != "refused" else 0
        words = Words(f"{one.event}：{told.ja}", f"{one.event}: {told.en}")
        yield Sending(words, code, outcome.state == "failed", outcome.new, one.event)


def _hindered(error: HeatRiskError, event: str | None = None) -> Sending:
    """Return that nothing was sent; only a store may be in order the next time."""
    ja, en = error.text("ja"), error.text("en")
    words = Words(ja, en) if event is None else Words(f"{event}：{ja}", f"{event}: {en}")
    return Sending(words, 20, again=isinstance(error, StoreError), new=True, event=event)


def _hook(store: Path, address: str, *, staff: bool) -> Webhook:
    if address.startswith("env:"):
        name = address.removeprefix("env:")
        address = os.environ.get(name, "")
        if not address:
            raise InputError(
                Words("環境変数に送信先がありません", "the environment holds no address to send to"),
                where=name,
                remedy=Words("この環境変数に URL を設定してください", "Set this variable to the URL."),
            )
    variable = "HEATRISK_STAFF_WEBHOOK_SECRET" if staff else "HEATRISK_WEBHOOK_SECRET"
    return Webhook(store / "told", address, os.environ.get(variable, ""), variable=variable)


def _channels(section: TellSection) -> Iterator[tuple[str, bool]]:
    """Yield the addresses of a city, and whether each is the staff's."""
    for address, staff in ((section.webhook, False), (section.staff_webhook, True)):
        if address is not None:
            yield address, staff


def unusable(section: TellSection, store: Path) -> Iterator[HeatRiskError]:
    """Yield why nothing could be sent to an address of a city, as far as shows before sending."""
    for address, staff in _channels(section):
        try:
            _hook(store, address, staff=staff)
        except HeatRiskError as error:
            yield error


def send_news(
    city_file: Path, store: RunStore, run_id: str, at: datetime, begun: datetime | None = None
) -> list[Sending]:
    """Send what there is to tell, to the addresses that ``[tell]`` of the city file names.

    The official alerts as soon as they were read and their report time has come, whether a run was made with
    them or not; the morning's text from ``[tell] morning`` to noon, of a run of the same day. Drills and
    tests go to the staff's address alone. What is wrong with an address, the run or the store is told, not
    raised: a watcher goes on.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    store : RunStore
        Holds the run, what was read of the alerts after it, and keeps what was sent.
    run_id : str
        The run that is published.
    at : datetime.datetime
        The clock, with zone.
    begun : datetime.datetime, optional
        When the pass began after which they are sent, with zone: one of the morning may end after noon.

    Returns
    -------
    list of Sending
        Nothing of events that were sent before.
    """
    section = TellSection()
    with suppress(CityFileError):  # told by the next pass, which stops at it
        section = read_city(city_file).tell
    here = at.astimezone(JST)
    before = here if begun is None else begun.astimezone(JST)
    morning = time.fromisoformat(section.morning) <= here.time() and before.time() < NOON
    found: list[Sending] = []
    for address, staff in _channels(section):
        try:
            run = store.open(run_id)
            alerts = known(run, store)
            events = bulletins(run, "alert", at, staff=staff, alerts=alerts)
            # Sent once, it had better not be yesterday's outlook.
            today = run.created.astimezone(JST).date() == here.date()
            events += bulletins(run, "morning", at, alerts=alerts) if morning and today else []
            for one in send(store.root, address, run, events, staff=staff):
                found += [one] if one.new else []
        except HeatRiskError as error:
            found.append(_hindered(error))
    return found

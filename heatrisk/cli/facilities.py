"""``heatrisk token`` and ``heatrisk reports``: who may report from a facility, and what was reported."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

import heatrisk
from heatrisk.cli.options import CityFile, Lang, Store, app, store_of
from heatrisk.cli.speech import out, say
from heatrisk.words import JST, Words


@app.command()
def token(
    city_file: CityFile,
    shelter: Annotated[str | None, typer.Argument(metavar="[SHELTER_ID]")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Make the tokens of the shelter invalid instead.")
    ] = False,
    url: Annotated[
        str,
        typer.Option(envvar="HEATRISK_PUBLIC_URL", help="Address of the service, for a link to the form."),
    ] = "",
    store: Store = None,
    lang: Lang = None,
) -> None:
    """施設が状況を報告するためのトークンを作ります。 Make a token with which a facility reports."""
    root, now = store_of(store, city_file), datetime.now(UTC)
    reports = heatrisk.reports.Reports(root)
    if shelter is not None and withdraw:
        count = reports.withdraw(shelter, now)
        say(
            Words(
                f"{shelter} のトークン {count} 件を無効にしました", f"{count} tokens of {shelter} withdrawn"
            )
        )
        return
    listed = {
        row["id"]: row["properties"]["name"]
        for row in heatrisk.store.RunStore(root).open().shelters["features"]
    }
    if shelter is None:
        held = reports.tokens()
        for name in listed:
            out.file.write(f"{name}\t{held.get(name, 0)}\t{listed[name]}\n")
        return
    if shelter not in listed:
        raise heatrisk.errors.InputError(
            Words("公開中の一覧にない施設です", "the shelter is not in the list that is served"),
            got=shelter,
            remedy=Words(
                "`heatrisk token city.toml` で一覧を確かめてください",
                "`heatrisk token city.toml` lists them.",
            ),
        )
    made = reports.issue(shelter, listed[shelter], now)
    say(
        Words(
            f"{listed[shelter]} のトークンです。この画面にだけ表示されます。施設の方だけに渡してください",
            f"the token of {listed[shelter]}: it is shown only now; give it to that facility alone",
        )
    )
    out.print(f"{url.rstrip('/')}/staff/{quote(shelter, safe='')}#{made}" if url else made, markup=False)


@app.command()
def reports(city_file: CityFile, store: Store = None, lang: Lang = None) -> None:
    """施設からの報告の記録を CSV で出力します。 Write every report of the facilities as CSV."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["number", "received", "shelter", "name", "token", "state", "broken", "note", "expires"])
    for number, by, said in heatrisk.reports.Reports(store_of(store, city_file)).trail():
        received, expires = (
            f"{at.astimezone(JST):%Y-%m-%dT%H:%M:%S+09:00}" for at in (said.received, said.expires)
        )
        row = [said.shelter, said.name, by, said.state, " ".join(said.broken), said.note]
        rows.writerow([number, received, *map(_plain, row), expires])
    out.file.write(text.getvalue())


def _plain(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text

"""The fault matrix: what a run makes of each source in each kind of trouble, and what is served then.

``pytest -n 0 -s tests/test_faults.py`` prints it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from heatrisk.operation import recompute, recomputing
from heatrisk.run import Simulation
from heatrisk.store import RunStore, standing
from heatrisk.verdict import EXIT_CODES, Light
from tests.hostile_server import BEHAVIOURS, HostileServer, serving
from tests.test_alert_csv import written as bulletin
from tests.tiny_city import CITY, MORNING, SHELTERS, make_tiny

HOURS = [("30", 18), ("30", 21), ("30", 24), *(("31", hour) for hour in (3, 6, 9, 12))]
OFFICIAL = {3: 27, 6: 29, 9: 31, 12: 32, 15: 31, 18: 29, 21: 28, 24: 27}
FORECAST = (
    ",," + ",".join(f"202607{day}{hour:02d}" for day, hour in HOURS) + "\n"
    "44116,2026/07/30 07:25," + ",".join(f" {OFFICIAL[hour]}0" for _, hour in HOURS) + "\n"
)


def weather(first: int = 30) -> str:
    """Return two clear days of July; those from the 30th on go with the forecast."""
    rows = ["time,ta,rh,va,ghi"]
    for hour in range(7, 40):
        sun = max(0.0, 850 - 22 * (hour % 24 - 12) ** 2)
        day = f"2026-07-{first + hour // 24:02d}"
        warm = 30.0 + sun / 212
        rows.append(f"{day}T{hour % 24:02d}:00,{warm:.1f},{75 - sun / 42:.0f},2,{sun:.0f}")
    return "\n".join(rows) + "\n"


NEXT = MORNING + timedelta(hours=1)
LATE = MORNING + timedelta(hours=25)
WINTER = datetime(2026, 12, 1, tzinfo=UTC)

#: The files of the sources, by what they are to the city.
FILES = {
    "official": "yohou.csv",
    "weather": "weather.csv",
    "alerts": "alert_20260730_05.csv",
    "shelters": "shelters.csv",
}
SECTIONS = """
[weather]
path = "weather.csv"
kind = "csv"
[alerts]
path = "alert_20260730_05.csv"
area = "130000"
[http]
timeout = 1.0
attempts = 1
keep_hours = 24
"""


class Row(NamedTuple):
    """One kind of trouble with one source, and what has to come of it."""

    source: str
    fault: str
    at: datetime
    light: Light
    served: str
    reason: str

    @property
    def name(self) -> str:
        """What the trouble is called."""
        return f"{self.source} {self.fault} {'later' if self.at == LATE else ''}".rstrip()


def rows() -> Iterator[Row]:
    """Yield the matrix. An hour after a good run its copies are young; a day later they are too old."""
    needed, wanted = ("official", "weather"), ("alerts", "shelters")
    for fault in ("down", "slow", "cut", "malformed"):
        for source in (*needed, *wanted):
            yield Row(source, fault, NEXT, Light.AMBER, "new run, last good copy", "source_kept")
        for source in needed:
            yield Row(source, fault, LATE, Light.RED, "last run", "")
        for source in wanted:
            yield Row(source, fault, LATE, Light.AMBER, "new run", f"{source}_missing")
    yield Row("official", "half", NEXT, Light.AMBER, "new run, last good copy", "source_kept")
    yield Row("official", "stale", MORNING + timedelta(hours=8), Light.AMBER, "new run", "official_stale")
    yield Row("official", "run out", MORNING + timedelta(hours=70), Light.RED, "last run", "")
    yield Row("official", "run out, off-season", WINTER, Light.OFF_SEASON, "last run", "")
    yield Row("official", "gone, off-season", WINTER, Light.OFF_SEASON, "last run", "")
    yield Row("weather", "stale", NEXT, Light.RED, "last run", "")
    yield Row("alerts", "stale", NEXT, Light.AMBER, "new run", "alerts_stale")
    yield Row("alerts", "drill", NEXT, Light.AMBER, "new run, drill untold", "alerts_stale")
    yield Row("none", "well", NEXT, Light.GREEN, "new run", "")


#: How the server behaves; what is not here is a matter of the content.
MANNERS = {"down": "500", "slow": "stalled-head", "cut": "cut-body"}
MATRIX: list[tuple[str, str, int, str]] = []


class Web:
    """A server that holds all sources, each well or in its own trouble."""

    def __init__(self, server: HostileServer) -> None:
        self.server, self.bodies, self.faults = server, dict[str, bytes](), dict[str, str]()
        BEHAVIOURS["source"] = self._answer

    def _answer(self, to: object) -> None:
        name = to.path.rpartition("/")[2]  # type: ignore[attr-defined]
        fault = self.faults.get(name)
        if fault is None:
            to.answer(200, self.bodies[name])  # type: ignore[attr-defined]
        else:
            BEHAVIOURS[fault](to)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Web]]:
    """Run the city once while all is well; every row begins with a copy of its store."""
    folder = tmp_path_factory.mktemp("good")
    city = make_tiny(folder)
    with pytest.MonkeyPatch.context() as patch, serving() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        web = Web(server)
        today = dict.fromkeys(("CreateDate", "ReportDate", "TargetDate1"), "2026/07/30")
        alert = bulletin(folder, name=FILES["alerts"], TargetDate2="2026/07/31", **today)
        contents = {
            "official": FORECAST.encode(),
            "weather": weather().encode(),
            "shelters": SHELTERS.encode(),
        }
        contents["alerts"] = alert.read_bytes()
        text = CITY + SECTIONS
        for source, name in FILES.items():
            web.bodies[name] = contents[source]
            text = text.replace(f'"{name}"', f'"{server.url(f"source/{name}")}"')
        city.write_text(text, "utf-8")
        computed: list[Simulation] = []

        def simulated(*arguments: Any, **options: Any) -> Simulation:
            # What goes wrong lies before and after the physics: it is computed once for all rows.
            if not computed:
                computed.append(Simulation(*arguments, **options))
                blocks = list(computed[0].blocks())
                patch.setattr(computed[0], "blocks", lambda *_: iter(blocks))
            return computed[0]

        patch.setattr(recomputing, "Simulation", simulated)
        outcome = recompute(city, RunStore(folder / "store"), MORNING, lambda *_: None)
        assert outcome.verdict.light is Light.GREEN, outcome.verdict
        yield city, web
    del BEHAVIOURS["source"]
    print("\n| trouble | verdict | exit code | served |\n|---|---|---|---|")
    for name, level, code, served in MATRIX:
        print(f"| {name} | {level} | {code} | {served} |")


def spoilt(row: Row, web: Web, folder: Path) -> bytes | None:
    """Return what a source in trouble consists of; None where its content is not the matter."""
    name = FILES.get(row.source)
    if row.fault == "malformed":
        return b"\x00\xff\x00 what?"
    if row.fault == "half":
        return web.bodies["yohou.csv"][:-12] + b"\n"
    if row.fault == "drill" and name is not None:
        today = dict.fromkeys(("CreateDate", "ReportDate", "TargetDate1"), "2026/07/30")
        return bulletin(folder, name=name, TargetDate2="2026/07/31", Status="訓練", **today).read_bytes()
    if row.source == "weather" and row.fault == "stale":
        return weather(28).encode()
    if row.source == "alerts" and row.fault == "stale" and name is not None:
        past = dict.fromkeys(("CreateDate", "ReportDate", "TargetDate1"), "2026/07/20")
        return bulletin(folder, name=name, TargetDate2="2026/07/21", **past).read_bytes()
    return None


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in rows()])
def test_what_becomes_of_a_run(
    row: Row, good: tuple[Path, Web], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, web = good
    shutil.copytree(city.parent / "store", tmp_path / "store", symlinks=True)
    store = RunStore(tmp_path / "store")
    before, name = store.latest_id(), FILES.get(row.source, "")
    content = spoilt(row, web, tmp_path)
    with monkeypatch.context() as patch:
        if row.fault in MANNERS:
            patch.setitem(web.faults, name, MANNERS[row.fault])
        if content is not None:
            patch.setitem(web.bodies, name, content)
        if row.fault == "gone, off-season":
            patch.setenv("http_proxy", web.server.url(""))
            patch.setenv("no_proxy", "127.0.0.1")
            moved = city.read_text("utf-8").replace(
                web.server.url("source/yohou"), "http://www.wbgt.env.go.jp/404/yohou"
            )
            city = tmp_path / "city.toml"
            city.write_text(
                moved.replace('"footprints.gpkg"', f'"{good[0].parent}/footprints.gpkg"'), "utf-8"
            )
        outcome = recompute(city, store, row.at, lambda *_: None)
    verdict, new = outcome.verdict, row.served.startswith("new run")
    assert verdict.light is row.light, verdict.line.en
    assert (outcome.run_id is not None) == new
    assert (store.latest_id() != before) == new
    assert before in store.runs() and store.verify() == []
    codes = {note.code for note in verdict.notes}
    assert not row.reason or row.reason in codes, codes
    status = store.status()
    assert status is not None and status["verdict"]["exit_code"] == EXIT_CODES[row.light]
    states = {found["role"]: found["state"] for found in status["sources"]}
    assert row.source == "none" or states[row.source] != "ok" or row.fault == "drill", states
    assert standing(store, row.at).light is row.light
    manifest = store.open().manifest
    assert "訓練" not in str(manifest)
    MATRIX.append((row.name, row.light.value, EXIT_CODES[row.light], row.served))

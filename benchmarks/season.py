"""A replayed season of the sample town: time and disk: ``python -m benchmarks.season [--days 90] [--runs]``.

The sample's forecast and weather are dated anew for every day of an archive, so that each day is one that an
unattended run would have met.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

from heatrisk.operation import season, write_season
from heatrisk.store import RunStore

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"
#: The day of the sample that becomes each day of the archive.
MODEL = date(2025, 8, 5)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--runs", action="store_true", help="keep every day's run too")
    chosen = options.parse_args()
    first = date(2025, 6, 15)
    days = [first + timedelta(days=n) for n in range(chosen.days)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        city = archived(folder, days)
        store = RunStore(folder / "store")
        season(city, store, days[0], days[0], lambda *_: None)  # compiles, untimed
        shutil.rmtree(store.root / "cache")
        begin, used = time.perf_counter(), time.process_time()
        found = season(city, store, days[0], days[-1], lambda *_: None, keep_runs=chosen.runs)
        seconds, busy = time.perf_counter() - begin, time.process_time() - used
        table, record = write_season(found, folder)
        kept = size(store.root)
        print(table.read_text("utf-8-sig"))
        print(
            f"{len(found.computed)} of {len(days)} days in {seconds:.1f} s ({busy:.1f} s of processor time);"
            f" summary {table.stat().st_size + record.stat().st_size} bytes, store {kept / 1e6:.1f} MB;"
            f" peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
        )


def archived(folder: Path, days: list[date]) -> Path:
    """Write the sample town with an archive of a forecast and a weather file a day; return its city file."""
    for path in SAMPLE.iterdir():
        if path.suffix in (".tif", ".gpkg", ".csv"):
            shutil.copyfile(path, folder / path.name)
    text = (SAMPLE / "city.toml").read_text("utf-8")
    for name, stem in (("yohou_hinata.csv", "yohou"), ("open_meteo.json", "weather")):
        ending = Path(name).suffix
        text = text.replace(f'"{name}"', f'"archive/{stem}_{{%Y%m%d}}{ending}"')
    (folder / "city.toml").write_text(text, "utf-8")
    (folder / "archive").mkdir()
    forecast = (SAMPLE / "yohou_hinata.csv").read_text().splitlines()
    weather = json.loads((SAMPLE / "open_meteo.json").read_text("utf-8"))
    for day in days:
        later = day - MODEL
        stamps = [
            f"{datetime.strptime(one[:8], '%Y%m%d') + later:%Y%m%d}{one[8:]}"
            for one in forecast[0].split(",")[2:]
        ]
        station, issued, *values = forecast[1].split(",")
        again = datetime.strptime(issued, "%Y/%m/%d %H:%M") + later
        lines = [",".join(("", "", *stamps)), ",".join((station, f"{again:%Y/%m/%d %H:%M}", *values)), ""]
        (folder / "archive" / f"yohou_{day:%Y%m%d}.csv").write_text("\n".join(lines))
        times = [f"{datetime.fromisoformat(at) + later:%Y-%m-%dT%H:%M}" for at in weather["hourly"]["time"]]
        moved = {**weather, "hourly": {**weather["hourly"], "time": times}}
        (folder / "archive" / f"weather_{day:%Y%m%d}.json").write_text(json.dumps(moved))
    return folder / "city.toml"


def size(folder: Path) -> int:
    """Return the bytes of all files of a folder; those that share their bytes count once."""
    files = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return sum(files.values())


if __name__ == "__main__":
    main()

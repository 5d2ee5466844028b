"""What every route needs: the store, the settings, the clock, and the headers that state a run's age."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import HTTPConnection

from heatrisk.api.caching import freshness
from heatrisk.api.params import CLOCK, LATEST, step_of, utc
from heatrisk.api.settings import BASEMAPS, Basemap, Settings
from heatrisk.reports import Reports
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun


def present() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Service:
    """The store of runs as the public sees it at one moment.

    Parameters
    ----------
    store : RunStore
        Finished runs.
    settings : Settings
        What the operator chose.
    clock : callable
        Returns the present with a zone; tests give their own.
    """

    store: RunStore
    settings: Settings
    clock: Callable[[], datetime] = present

    def step(self, run: str, time: str) -> tuple[StoredRun, int, dict[str, str]]:
        """Return the run and the index of the step that two parameters mean, with the headers of the answer.

        Raises
        ------
        RunNotFoundError
            No such run.
        TimeNotFoundError
            The run has no step then.
        """
        stored = self.store.open(run)
        index = step_of(time, stored.times, self.clock())
        headers = self.headers(stored, fixed=run != LATEST and time not in CLOCK)
        headers["Heatrisk-Valid-Time"] = utc(stored.times[index])
        return stored, index, headers

    def headers(self, run: StoredRun, *, fixed: bool) -> dict[str, str]:
        """Return freshness and origin of an answer.

        Caches may keep a fixed answer for a year, so it states when its run was made but not how long ago.
        """
        stated = {
            "Cache-Control": freshness(fixed),
            "Heatrisk-Run": run.id,
            "Heatrisk-Created": utc(run.created),
        }
        if not fixed:
            stated["Heatrisk-Data-Age"] = str(round(self.age(run).total_seconds()))
            if self.stale(run):
                stated["Heatrisk-Stale"] = "true"
        return stated

    def age(self, run: StoredRun) -> timedelta:
        """Return how long ago a run was made; never negative."""
        return max(self.clock() - run.created, timedelta(0))

    def stale(self, run: StoredRun) -> bool:
        """Tell whether the last window of a run has passed."""
        return self.clock() >= horizon(run)

    def background(self) -> Basemap | None:
        """Return the base map to draw: the operator's choice, else the one of the newest run's city file."""
        chosen = self.settings.basemap
        if chosen is None and (newest := self.store.latest_id()) is not None:
            config = self.store.open(newest).manifest["city"].get("config", {})
            chosen = (config.get("dashboard") or {}).get("basemap")
        return BASEMAPS.get(chosen or "none")

    def base(self, connection: HTTPConnection) -> str:
        """Return the address of the service without trailing slash, as the public reaches it."""
        return (self.settings.public_url or str(connection.base_url)).rstrip("/")


def horizon(run: StoredRun) -> datetime:
    """Return the end of a run's last window; a step stands for half its length on either side."""
    return run.times[-1] + run.window / 2


def service_of(connection: HTTPConnection) -> Service:
    """Return the service that an application was created with."""
    service: Service = connection.app.state.service
    return service


def reports_of(connection: HTTPConnection) -> Reports:
    """Return the facility reports that an application was created with."""
    reports: Reports = connection.app.state.reports
    return reports

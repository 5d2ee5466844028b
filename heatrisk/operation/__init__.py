"""What staff do with a city: propose a city file, check the inputs, recompute and publish, day after day.

Nothing is lost on the way: whatever fails before the publication leaves the last good run in its place.
"""

from __future__ import annotations

from heatrisk.operation.checking import Findings, check
from heatrisk.operation.explaining import explain_city, explain_run
from heatrisk.operation.gathering import Progress
from heatrisk.operation.recomputing import Outcome, recompute
from heatrisk.operation.replaying import replay
from heatrisk.operation.seasons import season
from heatrisk.operation.seasons import write as write_season
from heatrisk.operation.telling import Sending, send, send_news
from heatrisk.operation.watching import Next, watch
from heatrisk.sources.proposal import propose

__all__ = [
    "Findings",
    "Next",
    "Outcome",
    "Progress",
    "Sending",
    "check",
    "explain_city",
    "explain_run",
    "propose",
    "recompute",
    "replay",
    "season",
    "send",
    "send_news",
    "watch",
    "write_season",
]

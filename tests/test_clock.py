"""Times as files write them: one by one, and whole columns at once."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.sources.clock import instant, instants, since_1970

FORMS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y年%m月%d日 %H時", "%Y-%m-%dT%H:%M%z"]
TIMES = st.datetimes(pd.Timestamp("1901-01-01").to_pydatetime(), pd.Timestamp("2199-01-01").to_pydatetime())


@given(
    st.lists(TIMES, min_size=1, max_size=5), st.sampled_from(FORMS), st.sampled_from([0, 3600, 32400, -34200])
)
def test_a_column_reads_as_its_cells_do(times: list[pd.Timestamp], form: str, offset: int) -> None:
    texts = [time.strftime(form.replace("%z", "+05:30")) for time in times]
    one_by_one = [instant(text, timedelta(seconds=offset)) for text in texts]
    assert list(instants(texts, timedelta(seconds=offset))) == one_by_one


@pytest.mark.parametrize("odd", ["2025/8/4 24:00", "2025-08-04T15:00Z", "2025年8月5日 0時"])
def test_one_odd_cell_in_a_plain_column_is_read_too(odd: str) -> None:
    midnight = pd.Timestamp("2025-08-04T15:00")
    assert list(instants(["2025/8/4 23:00", odd])) == [midnight - pd.Timedelta(hours=1), midnight]


@pytest.mark.parametrize(
    "wrong", ["", "noon", "2025/2/30 1:00", "1850/1/1 0:00", "9999/1/1 0:00", "2025/8/4 25:00"]
)
def test_what_is_no_time_is_refused_wherever_it_stands(wrong: str) -> None:
    for texts in ([wrong], ["2025/8/4 23:00", wrong]):
        with pytest.raises(ValueError, match=r".*"):
            instants(texts)


@pytest.mark.parametrize("zone", ["+14:30", "-15:00", "+99:00", "+09:60"])
def test_no_clock_is_set_farther_from_utc_than_fourteen_hours(zone: str) -> None:
    assert instant("2025-08-05T00:00+14:00") == pd.Timestamp("2025-08-04T10:00")
    with pytest.raises(ValueError, match=re.escape(zone)):
        instant(f"2025-08-05T00:00{zone}")


def test_an_empty_column_has_no_times() -> None:
    assert len(instants([])) == 0


def test_seconds_since_1970() -> None:
    # date -u -d @1754319600: 2025-08-04 15:00
    assert list(since_1970(np.array([1754319600]))) == [pd.Timestamp("2025-08-04T15:00")]
    for far in (10**18, -(10**18)):
        with pytest.raises(ValueError, match=str(far)):
            since_1970(np.array([far]))

"""Grid squares from their codes: against an official file, and against each other."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.sources.areas.mesh import mesh_outlines
from tests.messages import SHARED

#: Four digits that lie in Japan, then rows and columns of 8 and of 10.
CODES = st.builds(
    "{}{}{}{}{}{}".format,
    st.integers(30, 68),
    st.integers(22, 53),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(0, 9),
    st.integers(0, 9),
)


def test_codes_of_an_official_file() -> None:
    path = SHARED / "hits" / "PopForecast_250m_kotoward.geojson"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    cells = gpd.read_file(path)
    made = shapely.bounds(mesh_outlines(cells["MESH_ID"]))
    np.testing.assert_allclose(made, cells.bounds.to_numpy(), atol=1e-9)


def test_the_square_of_tokyo() -> None:
    # JIS X 0410: latitude x 1.5 and longitude - 100 of the south-west corner are the first four digits.
    (square,) = mesh_outlines(["5339"])
    np.testing.assert_allclose(square.bounds, (139.0, 53 / 1.5, 140.0, 54 / 1.5))


@settings(deadline=None)
@given(CODES)
def test_quarters_fill_their_square(code: str) -> None:
    whole, *parts = mesh_outlines([code, *(code + quarter for quarter in "1234")])
    assert shapely.union_all(np.array(parts)).symmetric_difference(whole).area < 1e-9 * whole.area
    south_west, south_east, north_west, _ = parts
    assert south_west.bounds[:2] == pytest.approx(whole.bounds[:2])
    assert south_east.centroid.x > south_west.centroid.x
    assert north_west.centroid.y > south_west.centroid.y


@pytest.mark.parametrize(
    "code",
    [
        "",
        "533",
        "5339368",
        "53398",
        "533980",
        "5339360",
        "533936115",
        "53393611555",
        "9939",
        "5300",
        "５３３９",
    ],
)
def test_other_codes_are_none(code: str) -> None:
    assert mesh_outlines([code])[0] is None

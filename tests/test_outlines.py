"""Outlines from rings: the same as shapely builds one by one; broken ones mended or absent."""

from __future__ import annotations

from array import array

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.sources.buildings.outlines import Ring, mend, outlines


def ring(*corners: tuple[float, float]) -> Ring:
    return array("d", [number for x, y in (*corners, corners[0]) for number in (y, x, 50.0)])


def square(x: float, y: float, side: float) -> Ring:
    return ring((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def test_holes_several_polygons_and_none() -> None:
    court = [square(0, 0, 4), square(1, 1, 2)]
    touching = [[square(10, 0, 2)], [square(12, 0, 2)]]
    shapes, mended = outlines([[court], [], touching])
    assert shapely.area(shapes[0]) == 12.0
    assert shapes[1] is None
    assert shapes[2].bounds == (10.0, 0.0, 14.0, 2.0)
    assert not mended.any()


def test_a_bow_tie_is_mended_and_a_line_is_nothing() -> None:
    shapes, mended = outlines([[[ring((0, 0), (2, 2), (2, 0), (0, 2))]], [[ring((0, 0), (1, 0), (2, 0))]]])
    assert shapely.area(shapes[0]) == 2.0
    assert shapely.is_valid(shapes[0])
    assert shapes[1] is None
    assert mended.tolist() == [True, True]


def test_absurd_numbers_do_no_harm() -> None:
    shapes, _ = mend(
        np.array([shapely.Polygon([(0, 0), (1e308, 1e308), (1e308, -1e308), (-1e308, 1)]), None])
    )
    assert shapes[1] is None
    shapes, _ = outlines(
        [[[square(1e300, 1e300, 1e299)], [ring((0, 0), (-1e308, 1e308), (1e308, 0), (0, 1))]]]
    )
    assert len(shapes) == 1


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=7))
def test_the_same_as_one_by_one(corners: list[tuple[int, int]]) -> None:
    polygon = shapely.Polygon([*corners, corners[0]])
    expected = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    shapes, mended = outlines([[[ring(*corners)]]])
    assert mended[0] == (not polygon.is_valid)
    if expected.area == 0:
        assert shapes[0] is None
    else:
        assert shapely.equals(shapes[0], expected)

"""How crowns pass light: one share for all, or by their leaf and the way of each ray."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatrisk.city import read_city
from heatrisk.errors import CityFileError, InputError
from heatrisk.fields import sky_views
from heatrisk.grid import Grid
from heatrisk.physics.shadow import CROWN_TRANSMISSIVITY, LEAF_OFF_EXTINCTION, LEAF_ON_EXTINCTION
from heatrisk.radiation import face_fluxes
from heatrisk.scene import Scene
from heatrisk.sources.intake import read_inputs
from tests import made_city
from tests.test_radiation import HOUR, NOON, cloudless

SUMMER, WINTER = (datetime(2025, month, 5, 5, 10, tzinfo=UTC) for month in (8, 1))
FIXED = (CROWN_TRANSMISSIVITY, None)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_city.make_city(tmp_path_factory.mktemp("leaves"))


@pytest.mark.parametrize(
    ("stated", "now", "expected"),
    [
        (None, SUMMER, FIXED),
        ("0.3", SUMMER, (0.3, None)),
        ("0", SUMMER, (0.0, None)),
        ('"leaf-on"', WINTER, (CROWN_TRANSMISSIVITY, LEAF_ON_EXTINCTION)),
        ('"leaf-off"', SUMMER, (CROWN_TRANSMISSIVITY, LEAF_OFF_EXTINCTION)),
        ('"season"', SUMMER, (CROWN_TRANSMISSIVITY, LEAF_ON_EXTINCTION)),
        ('"season"', WINTER, (CROWN_TRANSMISSIVITY, LEAF_OFF_EXTINCTION)),
    ],
)
def test_the_city_file_says_how_crowns_pass_light(
    city: Path, stated: str | None, now: datetime, expected: tuple[float, float | None]
) -> None:
    text = city.read_text("utf-8")
    if stated is not None:
        assert "[trees]\n" in text
        text = text.replace("[trees]\n", f"[trees]\ntransmissivity = {stated}\n")
    path = city.with_name("other.toml")
    path.write_text(text, "utf-8")
    scene = read_inputs(read_city(path), path, now=now, go_on=True).scene
    assert scene is not None
    assert (scene.transmissivity, scene.extinction) == expected


def test_a_season_needs_a_date(city: Path) -> None:
    path = city.with_name("undated.toml")
    path.write_text(
        city.read_text("utf-8").replace("[trees]\n", '[trees]\ntransmissivity = "season"\n'), "utf-8"
    )
    with pytest.raises(InputError, match="needs a date"):
        read_inputs(read_city(path), path)


@pytest.mark.parametrize("stated", ['"evergreen"', "1.5", "-0.1", "true", "[0.1]", "nan"])
def test_what_is_neither_share_nor_leaf_is_refused(city: Path, stated: str) -> None:
    path = city.with_name("wrong.toml")
    path.write_text(
        city.read_text("utf-8").replace("[trees]\n", f"[trees]\ntransmissivity = {stated}\n"), "utf-8"
    )
    with pytest.raises(CityFileError, match=r"trees\.transmissivity: not a valid share"):
        read_city(path)


def test_bare_crowns_let_more_light_through_than_those_in_leaf() -> None:
    grid = Grid.covering((677_000.0, 6_400_000.0, 677_040.0, 6_400_040.0), "EPSG:32632", 1.0)
    plain, wood = np.zeros((40, 40), np.float32), np.full((40, 40), 12.0, np.float32)

    def under(extinction: float | None) -> tuple[float, float]:
        scene = Scene.from_rasters(grid, plain, plain, canopy=wood, extinction=extinction)
        views = sky_views(scene.shade, grid, scene.transmissivity, scene.extinction)
        data = face_fluxes(scene, cloudless(), steps=NOON, step=HOUR, views=views, cell=(20, 20))
        return float(views["svf"][20, 20]), float(data["kdown"].mean())

    dense, sparse, none = under(LEAF_ON_EXTINCTION), under(LEAF_OFF_EXTINCTION), under(0.0)
    assert dense[0] < sparse[0] < none[0]
    assert dense[1] < sparse[1] < none[1]
    assert none[0] == pytest.approx(1.0, abs=1e-6)
    assert pd.notna(dense[1])

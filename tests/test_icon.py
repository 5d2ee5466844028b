"""The sign of the page on a home screen, and what a browser must know to put it there."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from heatrisk.api import icon, pages

SKY, SUN, WALL, SHADE = (23, 50, 77), (255, 176, 46), (244, 247, 250), (159, 179, 200)


@pytest.mark.parametrize("side", icon.SIDES)
def test_the_sign_is_a_sun_and_a_house_with_a_shady_half(side: int) -> None:
    picture = np.asarray(Image.open(io.BytesIO(icon.drawn(side))))
    assert picture.shape == (side, side, 3)
    for right, down, colour in (
        (0.05, 0.05, SKY),
        (0.36, 0.38, SUN),
        (0.5, 0.5, WALL),
        (0.74, 0.72, SHADE),
        (0.95, 0.95, SKY),
    ):
        assert tuple(picture[int(down * side), int(right * side)]) == colour


@pytest.mark.parametrize("side", icon.SIDES)
def test_nothing_of_it_is_cut_where_a_home_screen_shows_a_circle(side: int) -> None:
    picture = np.asarray(Image.open(io.BytesIO(icon.drawn(side)))).astype(int)
    down, right = np.nonzero(np.abs(picture - SKY).sum(axis=2) > 30)
    away = np.hypot(right + 0.5 - side / 2, down + 0.5 - side / 2)
    # W3C, Web Application Manifest, section "icon masks": a circle of 40 % of the width is always shown.
    assert away.max() <= 0.4 * side + 1


def test_the_manifest_names_files_that_are_there() -> None:
    site = pages.site()
    manifest = json.loads(site["static/app.webmanifest"])
    assert manifest["start_url"] == manifest["scope"] == "../" and manifest["display"] == "standalone"
    sizes = {one["sizes"]: site[f"static/{one['src']}"] for one in manifest["icons"]}
    assert {"192x192", "512x512"} <= sizes.keys()
    for size, content in sizes.items():
        assert "x".join(map(str, Image.open(io.BytesIO(content)).size)) == size
    page = site["index.html"].decode()
    assert 'rel="manifest" href="static/app.webmanifest"' in page
    assert 'rel="apple-touch-icon" href="static/icon-180.png"' in page

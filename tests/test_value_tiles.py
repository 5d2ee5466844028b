"""Tiles of values and tiles for dense screens, against the fields and against the pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from heatrisk.api import Settings, create_app
from heatrisk.errors import LayerNotFoundError, TileNotFoundError
from heatrisk.layers import CODE_BUILDING, CODE_FIRST, CODE_MISSING, CODE_OUTSIDE, LAYERS
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.tiles import render, value_tile, value_tilejson
from heatrisk.tiles.values import lowest
from tests.client import Client, is_problem
from tests.made_run import made_dataset, made_run
from tests.png import rgba, samples
from tests.small_run import (
    BUILDING,
    FIELDS,
    NOON,
    OPEN_CELL,
    OUTSIDE,
    RUN,
    TMS,
    dataset,
    lonlat,
    write_small_run,
)

WIDE = (420, 640)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    wide = made_dataset(WIDE, steps=2)
    wide["mask"][200:, :330] = 2
    wide["wbgt_moe"][:, 200:, :330] = np.nan
    return RunStore(tmp_path_factory.mktemp("store")).write(made_run(wide))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    root = tmp_path_factory.mktemp("small")
    write_small_run(root)
    return Client(create_app(root, Settings(), clock=lambda: NOON))


def codes_of(run: StoredRun, values: npt.NDArray[np.uint16], quantity: str) -> npt.NDArray[np.uint8]:
    """Return the codes of a picture from a tile of values, read as its TileJSON says."""
    encoding = value_tilejson(run, quantity, "{z}/{x}/{y}.png")["heatrisk"]["encoding"]
    numbers = np.round(encoding["scale"] * values.astype(np.float64) + encoding["offset"], 3)
    numbers[values <= max(encoding["codes"].values())] = np.nan
    coded = LAYERS[quantity].codes(numbers)
    for name, code in (("outside", CODE_OUTSIDE), ("building", CODE_BUILDING), ("missing", CODE_MISSING)):
        coded[values == encoding["codes"][name]] = code
    return coded


@pytest.mark.parametrize("quantity", ["wbgt_moe", "sunlit"])
def test_values_colour_as_the_pictures_do_at_every_zoom_offered(run: StoredRun, quantity: str) -> None:
    kinds: set[int] = set()
    for zoom in range(lowest(run), max(run.levels) + 1):
        level = run.levels[zoom]
        for y in range(level.row, level.row + level.rows):
            for x in range(level.column, level.column + level.columns):
                values = value_tile(run, quantity, 1, zoom, x, y)
                picture = render(run, quantity, 1, zoom, x, y)
                if values is None or picture is None:
                    assert picture is None and (values is None or not values.any())
                    continue
                codes = samples(picture)[..., 0]
                found = codes_of(run, values, quantity)
                # A mean of stored values may round to the other side of a colour's border.
                near = 1 if zoom < max(run.levels) else 0
                drawn = codes >= CODE_FIRST
                assert (found[~drawn] == codes[~drawn]).all(), (zoom, x, y)
                assert (np.abs(found[drawn].astype(int) - codes[drawn]) <= near).all(), (zoom, x, y)
                kinds |= set(np.unique(found).tolist())
    assert {CODE_OUTSIDE, CODE_BUILDING} <= kinds and max(kinds) > CODE_FIRST + 3
    assert (CODE_MISSING in kinds) == (quantity == "wbgt_moe"), "sunlit has a value wherever it is outdoors"


def test_a_tile_of_values_that_does_not_exist_is_refused(run: StoredRun) -> None:
    level = run.levels[15]
    for z, x, y in ((15, level.column - 1, level.row), (lowest(run) - 1, 0, 0), (16, 0, 0)):
        with pytest.raises(TileNotFoundError):
            value_tile(run, "wbgt_moe", 0, z, x, y)
    for name in ("risk", "svf", "mask", "../mask", "official"):
        with pytest.raises(LayerNotFoundError):
            value_tile(run, name, 0, 15, level.column, level.row)


def test_fine_tiles_show_the_next_zoom_and_at_the_native_one_each_pixel_four_times(run: StoredRun) -> None:
    for zoom in run.levels:
        level, finer = run.levels[zoom], run.levels.get(zoom + 1)
        for y in range(level.row, level.row + level.rows):
            for x in range(level.column, level.column + level.columns):
                coarse, fine = (
                    render(run, "risk", 1, zoom, x, y),
                    render(run, "risk", 1, zoom, x, y, fine=True),
                )
                if coarse is None or fine is None:
                    assert coarse is fine is None
                    continue
                pixels = samples(fine)[..., 0]
                assert pixels.shape == (512, 512)
                if finer is None:
                    expected = samples(coarse)[..., 0].repeat(2, 0).repeat(2, 1)
                else:
                    expected = np.block(
                        [[_of(run, zoom + 1, 2 * x + i, 2 * y + j) for i in (0, 1)] for j in (0, 1)]
                    )
                assert (pixels == expected).all(), (zoom, x, y)


def _of(run: StoredRun, z: int, x: int, y: int) -> npt.NDArray[np.uint8]:
    try:
        tile = render(run, "risk", 1, z, x, y)
    except TileNotFoundError:
        tile = None
    return np.zeros((256, 256), np.uint8) if tile is None else samples(tile)[..., 0]


# --- the routes ---


def address(cell: tuple[int, int]) -> tuple[str, int, int]:
    """Return the native tile of a cell, and the row and column of its pixel."""
    lon, lat = lonlat(*cell)
    tile = TMS.tile(lon, lat, 15)
    box, (x, y) = TMS.xy_bounds(tile), TMS.xy(lon, lat)
    column = int((x - box.left) / (box.right - box.left) * 256)
    row = int((box.top - y) / (box.top - box.bottom) * 256)
    return f"15/{tile.x}/{tile.y}", row, column


@pytest.mark.parametrize("cell", [OPEN_CELL, (5, 10), (45, 5)])
@pytest.mark.parametrize("quantity", ["wbgt_moe", "wbgt_iso", "sunlit"])
def test_a_pixel_decodes_to_the_value_of_its_cell(
    client: Client, quantity: str, cell: tuple[int, int]
) -> None:
    told = client.get(f"/values/latest/{quantity}/2025-08-05T15:00/tilejson.json").json()
    tile, row, column = address(cell)
    z, x, y = tile.split("/")
    url = told["tiles"][0].format(z=z, x=x, y=y)
    answer = client.get(url.removeprefix("http://testserver"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    red, green, blue = map(int, samples(answer.content)[row, column])
    encoding = told["heatrisk"]["encoding"]
    value = encoding["scale"] * (256 * red + green) + encoding["offset"]
    assert value == pytest.approx(float(dataset()[quantity].values[4][cell]), abs=0.0051)
    assert blue == 0
    array = client.get(told["heatrisk"]["npy"].format(z=z, x=x, y=y).removeprefix("http://testserver"))
    codes = np.load(io.BytesIO(array.content), allow_pickle=False)
    assert (codes.dtype, codes.shape) == (np.uint16, (256, 256))
    assert codes[row, column] == 256 * red + green


def test_ground_without_value_has_its_own_codes(client: Client) -> None:
    for cell, code in (((BUILDING[0].start + 1, BUILDING[1].start + 2), 1), ((3, 55), 0)):
        assert code or OUTSIDE[1].start <= cell[1]
        tile, row, column = address(cell)
        image = client.get(f"/values/latest/wbgt_moe/now/{tile}.png").content
        assert samples(image)[row, column].tolist() == [0, code, 0]


def test_known_value_tiles_are_not_cut_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tile, _, _ = address(OPEN_CELL)
    urls = [f"/values/{RUN}/{name}/20250805T0600Z/{tile}.{form}"
            for name in ("wbgt_moe", "sunlit") for form in ("png", "npy")]  # fmt: skip
    tags = [client.get(url).headers["etag"] for url in urls]
    plain = client.get(urls[1], headers={"Accept-Encoding": "identity"}).headers["etag"]
    assert len({*tags, plain}) == 5, "a tag belongs to one address and one coding"
    monkeypatch.delattr("heatrisk.tiles.value_tile")
    for url, tag in zip(urls, tags, strict=True):
        assert client.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_what_is_not_there_is_a_problem(client: Client) -> None:
    tile, _, _ = address(OPEN_CELL)
    for form in ("png", "npy"):
        is_problem(client.get(f"/values/latest/wind/now/{tile}.{form}"), 404, "layer-not-found")
        is_problem(client.get(f"/values/latest/wbgt_moe/now/12/1/1.{form}"), 404, "tile-not-found")
        is_problem(client.get(f"/values/latest/wbgt_moe/noon/{tile}.{form}"), 400, "time-not-found")
        is_problem(client.get(f"/values/latest/wbgt_moe/now/15/x/1.{form}"), 422, "invalid-parameter")
    is_problem(client.get("/values/latest/wind/now/tilejson.json"), 404, "layer-not-found")


def test_quantities_are_listed_with_their_tilejson(client: Client) -> None:
    rows = client.get("/quantities?lang=ja").json()["quantities"]
    assert {row["id"] for row in rows} == FIELDS
    for row in rows:
        assert client.get(row["tilejson"].removeprefix("http://testserver")).status_code == 200
    assert next(row for row in rows if row["id"] == "wbgt_moe")["units"] == "degC"


def test_fine_tiles_have_their_own_tag(client: Client) -> None:
    tile, row, column = address(OPEN_CELL)
    urls = [f"/tiles/{RUN}/risk/20250805T0600Z/{tile}{size}.png" for size in ("", "@2x")]
    plain, fine = map(client.get, urls)
    assert plain.headers["etag"] != fine.headers["etag"]
    assert client.get(urls[1], headers={"If-None-Match": fine.headers["etag"]}).status_code == 304
    assert (rgba(fine.content)[2 * row, 2 * column] == rgba(plain.content)[row, column]).all()
    told = client.get("/tiles/latest/risk/now/tilejson.json").json()["heatrisk"]["fine"]
    assert told.endswith("/{z}/{x}/{y}@2x.png")
    is_problem(client.get("/tiles/latest/risk/now/15/1/1@2x.png"), 404, "tile-not-found")


def test_an_area_that_fills_no_tile_is_cut_whole(tmp_path: Path) -> None:
    wide = made_dataset((40, 50), steps=1)
    wide["mask"][:] = 0
    wide["wbgt_moe"][:] = 30.25
    run = RunStore(tmp_path).write(made_run(wide))
    found = [
        tile
        for level in [run.levels[15]]
        for y in range(level.row, level.row + level.rows)
        for x in range(level.column, level.column + level.columns)
        if (tile := value_tile(run, "wbgt_moe", 0, 15, x, y)) is not None
    ]
    values = np.concatenate([tile[tile > 0] for tile in found])
    assert set(values.tolist()) == {3025 + 32770}
    # 40 x 50 cells of 5 m at 3.88 m a pixel.
    assert values.size == pytest.approx(200 * 250 / 3.88**2, rel=0.02)

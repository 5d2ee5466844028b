"""What an operator may change about the service, from ``HEATRISK_*`` environment variables."""

from __future__ import annotations

from typing import Literal, TypedDict

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Basemap(TypedDict):
    """A raster base map under the heat layers, and the credit that must stay visible with it."""

    host: str
    tiles: str
    min_zoom: int
    max_zoom: int
    attribution: str
    attribution_url: str


#: 地理院タイル (淡色地図). Attribution is a condition of use: https://maps.gsi.go.jp/development/ichiran.html
GSI_PALE = Basemap(
    host="https://cyberjapandata.gsi.go.jp",
    tiles="https://cyberjapandata.gsi.go.jp/xyz/pale/{z}/{x}/{y}.png",
    min_zoom=5,
    max_zoom=18,
    attribution="国土地理院 地理院タイル",
    attribution_url="https://maps.gsi.go.jp/development/ichiran.html",
)

BASEMAPS: dict[str, Basemap] = {"gsi-pale": GSI_PALE}


class Settings(BaseSettings):
    """Settings of the service.

    Parameters
    ----------
    basemap : {"none", "gsi-pale"}, optional
        ``gsi-pale`` draws the pale map of the Geospatial Information Authority of Japan; browsers then ask
        its server. ``none`` asks no outside host: the map draws the buildings itself. As the city file of
        the newest run says, if omitted.
    public_url : str
        Address under which the public reaches the service, e.g. ``https://heat.example.jp``; TileJSON
        names its tiles with it. Empty takes the address of each request.
    """

    model_config = SettingsConfigDict(env_prefix="HEATRISK_", frozen=True)

    basemap: Literal["none", "gsi-pale"] | None = None
    public_url: str = Field(default="", pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$")

"""What the commands share: the application, and the options that several of them take."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import heatrisk
from heatrisk.cli.speech import Form, Tongue, speak, write_as
from heatrisk.words import JST

if TYPE_CHECKING:
    from heatrisk.stored import StoredRun

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help needs no library of markdown and colours
)

Lang = Annotated[
    Tongue | None,
    typer.Option(
        "--lang",
        help="ja or en; after LANG if omitted.",
        callback=speak,
        is_eager=True,
    ),
]
Store = Annotated[Path | None, typer.Option("--store", help="Folder of finished runs.", file_okay=False)]
Host = Annotated[str, typer.Option("--host")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535)]
Log = Annotated[
    Form | None,
    typer.Option("--log", help="human lines, or one JSON object a line.", callback=write_as, is_eager=True),
]
CityFile = Annotated[
    Path, typer.Argument(metavar="CITY.toml", exists=True, dir_okay=False, help="The city file.")
]


def store_of(store: Path | None, city_file: Path | None) -> Path:
    """Return the store asked for, else the city file's, else the one in this folder."""
    if store is not None or city_file is None:
        return store or Path("store")
    return heatrisk.city.store_path(city_file)


def moment(time: str) -> datetime:
    """Return the instant that an option states; the clock of Japan where it bears no offset."""
    try:
        asked = datetime.fromisoformat(time)
    except ValueError as error:
        raise typer.BadParameter(f"ISO 8601 expected, got {time}", param_hint="--time") from error
    return asked if asked.tzinfo else asked.replace(tzinfo=JST)


def step_of(found: StoredRun, time: str | None) -> int:
    """Return the index of the asked step."""
    if time is None:
        return 0
    asked = moment(time)
    if asked not in found.times:
        valid = ", ".join(f"{when.astimezone(JST):%Y-%m-%dT%H:%M}" for when in found.times)
        raise typer.BadParameter(f"no such step; there are {valid}", param_hint="--time")
    return found.times.index(asked)

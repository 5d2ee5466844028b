"""The public surface: the front door's names, and the signatures that others build on."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pkgutil import iter_modules
from types import ModuleType

import pytest

import heatrisk
from heatrisk.physics import shadow, sky, wbgt


@pytest.mark.parametrize("name", dir(heatrisk))
def test_every_name_of_the_front_door_opens(name: str) -> None:
    assert getattr(heatrisk, name) is not None


def test_the_front_door_names_every_room_that_is_a_library() -> None:
    rooms = {module.name for module in iter_modules(heatrisk.__path__)}
    opened = {name for name in dir(heatrisk) if isinstance(getattr(heatrisk, name), ModuleType)}
    assert opened == rooms - {"cli"}, "the command line is a program, not a library"


def test_the_front_door_leads_to_every_page_of_physics_without_an_import() -> None:
    code = (
        "import heatrisk, sys\n"
        "assert 'numba' not in sys.modules\n"
        "assert heatrisk.physics.wbgt.ono(30.0, 60.0, 500.0, 2.0) > 20.0\n"
        "assert heatrisk.physics.shadow.sunlit([[0.0]], 1.0, 30.0, 0.0) == 1.0\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_simulate_is_the_one_of_the_run_room() -> None:
    assert heatrisk.simulate is heatrisk.run.simulate


def test_version_is_the_distribution_s() -> None:
    assert heatrisk.__version__ == version("heatrisk")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'wbgt'"):
        _ = heatrisk.wbgt


@pytest.mark.parametrize(
    "function, names",
    [
        (wbgt.liljegren, "ta rh ps va ghi fdir cosz"),
        (wbgt.from_fluxes, "ta rh ps va dni cosz kdown kup ldown lup"),
        (wbgt.ono, "ta rh ghi va"),
        (shadow.sunlit, "dsm cell_size zenith azimuth"),
        (sky.sky_view_factor, "dsm cell_size"),
    ],
)
def test_arguments_of_the_physics(function: Callable[..., object], names: str) -> None:
    parameters = inspect.signature(function).parameters.values()
    assert [p.name for p in parameters] == names.split()
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)


def test_arguments_of_simulate() -> None:
    parameters = inspect.signature(heatrisk.simulate).parameters
    assert list(parameters)[:2] == ["scene", "weather"]
    for parameter in list(parameters.values())[2:]:
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.default is not parameter.empty
    assert {"steps", "anchor"} <= set(parameters)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, heatrisk; print(*sorted({'numpy', 'numba', 'xarray', 'pandas'} & set(sys.modules)))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == ""

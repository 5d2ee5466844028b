"""Every documented operation answers as it is documented, to sound requests and to senseless ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from heatrisk.api import create_app
from tests.small_run import NOON, write_small_run

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

OPERATIONS = [
    (method, path)
    for path, methods in create_app(Path("nowhere")).openapi()["paths"].items()
    for method in methods
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    # A schema cannot say which steps a run has, where a ring closes, or how much is too much.
    taken = ["2xx", "400", "401", "404", "413"]
    checks = {"positive_data_acceptance": {"expected-statuses": taken}}
    config = schemathesis.Config.from_dict({"checks": checks})
    app = create_app(root, clock=lambda: NOON)
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: str(part))
def test_the_service_does_what_its_schema_says(schema: Any, method: str, path: str) -> None:
    @given(case=schema[path][method].as_strategy())
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Any) -> None:
        case.call_and_validate()

    answered()

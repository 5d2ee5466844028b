"""House rules that a machine can read: sizes, names, imports, docstrings, words in both languages."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = sorted((ROOT / "heatrisk").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OTHERS = sorted((*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "sample_data").rglob("*.py")))
Function = ast.FunctionDef | ast.AsyncFunctionDef

LONGEST_FILE, LONGEST_TEST, USUAL_FUNCTION, LONGEST_FUNCTION = 400, 500, 45, 80


def named(paths: list[Path]) -> list[pytest.param]:  # type: ignore[valid-type]
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def lines_of(function: Function) -> int:
    """Lines of the body; the docstring is not counted."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", named([*PACKAGE, *TESTS, *OTHERS]))
def test_file_fits_a_sitting(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= (LONGEST_FILE if path in PACKAGE else LONGEST_TEST)


def test_functions_fit_a_screen() -> None:
    sizes = {f"{path.name}:{f.name}": lines_of(f) for path in PACKAGE for f in functions(path)}
    long = {name: size for name, size in sizes.items() if size > USUAL_FUNCTION}
    assert len(sizes) > 200
    assert len(long) <= 0.05 * len(sizes), long
    assert max(sizes.values()) <= LONGEST_FUNCTION, long


def test_no_junk_rooms() -> None:
    names = {part for path in PACKAGE for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & {"util", "utils", "helper", "helpers", "common", "misc", "core", "lib"}


@pytest.mark.parametrize("path", named([*PACKAGE, *TESTS, *OTHERS]))
def test_imports_are_absolute_and_at_the_top(path: Path) -> None:
    module = tree(path)
    relative = [n.lineno for n in ast.walk(module) if isinstance(n, ast.ImportFrom) and n.level]
    inside = [
        inner.lineno
        for node in ast.walk(module)
        if isinstance(node, (Function, ast.ClassDef))
        for inner in ast.walk(node)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    ]
    assert (relative, inside) == ([], [])


def public(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Names that a user of the package may call: module, classes, functions, methods."""
    module = tree(path)
    yield path.stem, module
    for node in module.body:
        if isinstance(node, (Function, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, Function) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


@pytest.mark.parametrize("path", named(PACKAGE))
def test_public_names_are_explained(path: Path) -> None:
    silent = [name for name, node in public(path) if not ast.get_docstring(node)]  # type: ignore[arg-type]
    assert silent == []


@pytest.mark.parametrize("path", named(PACKAGE))
def test_nothing_is_left_for_later(path: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", path.read_text(encoding="utf-8"))


def test_fast_maths_stays_off() -> None:
    on = [p.name for p in PACKAGE if re.search(r"fastmath\s*=\s*(?!False)", p.read_text(encoding="utf-8"))]
    assert on == []


def literals(call: ast.Call) -> list[str] | None:
    """Return both texts of a call of Words or Note.of, less the placeholders; None where computed."""
    texts = []
    for argument in call.args[-2:]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            texts.append(argument.value)
        elif isinstance(argument, ast.JoinedStr):
            texts.append("".join(v.value for v in argument.values if isinstance(v, ast.Constant)))
        else:
            return None
    return texts if len(texts) == 2 else None


def words() -> Iterator[tuple[str, str, str]]:
    for path in PACKAGE:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Words", "Note.of"):
                texts = literals(node)
                if texts is not None:
                    yield f"{path.name}:{node.lineno}", *texts


def test_words_are_in_both_languages() -> None:
    found = list(words())
    assert len(found) > 100
    for place, ja, en in found:
        assert bool(ja.strip(" .,:。、：")) == bool(en.strip(" .,:。、：")), place
        assert not re.search("[ぁ-ん]", en), (place, en)  # quoted headers and names are kanji or katakana
        # A text without Japanese is punctuation, or a name that both languages share.
        assert re.search("[ぁ-んァ-ヶー一-龠]", ja) or ja == en or not re.search("[A-Za-z]", en), (place, ja)


HEAVY = ("numba", "llvmlite", "geopandas", "pvlib", "rasterio", "xarray", "pandas")


@pytest.mark.parametrize(
    "module, absent", [("heatrisk.cli", HEAVY), ("heatrisk.api", ("numba", "llvmlite", "pvlib"))]
)
def test_import_stays_light(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*(name for name in {absent!r} if name in sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.strip() == ""


def test_rooms_import_downwards_only() -> None:
    if find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed: pip install -e '.[lint]'")
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert said.returncode == 0, said.stdout

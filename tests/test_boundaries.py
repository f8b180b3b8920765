"""The rules that keep the house in order, held by reading the code."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gan.models import families
from train.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "gan").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_library_never_imports_train(path):
    assert not [name for name in imports(path) if name.split(".")[0] == "train"]


@pytest.mark.parametrize("name", families())
def test_family_imports_only_base_and_layers(name):
    ours = {i for i in imports(ROOT / "gan" / "models" / f"{name}.py") if i.split(".")[0] == "gan"}
    assert {".".join(i.split(".")[:2]) for i in ours} <= {"gan", "gan.base", "gan.layers"}


def test_importing_the_library_pulls_in_no_app_and_no_training():
    code = "import gan, sys; print([m for m in ('gradio', 'train', 'pyarrow', 'datasets', 'av') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout.strip() == "[]"


def test_training_path_pulls_in_only_what_it_needs():
    code = "import train.__main__, sys; print([m for m in ('gradio', 'datasets', 'av') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout.strip() == "[]"


def test_loop_and_app_name_no_family():
    names = {*families(), *RECIPES} - {"gan"}
    app = [ROOT / "app.py", *sorted((ROOT / "gan" / "ui").rglob("*.py"))]
    for path in [*(ROOT / "train" / "run").glob("*.py"), ROOT / "train" / "game" / "step.py", *app]:
        words = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", path.read_text().lower()))
        assert not words & names, path


def test_nothing_unpickles_or_evaluates():
    for path in [*ROOT.glob("gan/**/*.py"), *ROOT.glob("train/**/*.py"), ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in {"eval", "exec", "torch.load", "pickle.load", "pickle.loads"}, path


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_short_enough_to_read(name):
    assert len(inspect.getsource(RECIPES[name].make).splitlines()) <= 20

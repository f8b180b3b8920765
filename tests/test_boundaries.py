"""The rules that keep the house in order, held by reading the code."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

from gan.models import families
from train.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent


# A module may import only what stands above it: the order of the whole project, written here once. A package's name
# stands for all its modules that are not named themselves.
ORDER = """
    gan.spec gan.files gan.base gan.layers gan.models gan.cost gan.filters gan.degrade
    gan.latent gan.walk gan.image gan.bounds gan.recipe gan.hub gan.shared_gpu gan.batching gan.engine gan.gallery
    gan.directions gan.picture gan.transform gan.project gan.edit gan.alike gan.begun gan.augment gan.dataset gan.vary
    gan.synthetic gan.space gan.web
    gan.commands gan.ui gan
    train.schedule train.seeds
    train.features
    train.data.spec train.data.cache train.data.items train.data.folders train.data.tables train.data.tars
    train.data.hub_shards train.data.sources
    train.data.pairs train.data.reading train.data.images train.data.part train.data.streamed
    train.data.mirror train.data.stream
    train.game.step train.game.objectives train.game.penalties train.game.pictures train.game.autoencoding train.game.augment
    train.game.projected
    train.game.discriminators
    train.game.optim train.game.game train.game.dynamics
    train.recipe train.settings
    train.metrics
    train.run.world train.run.draws train.run.build train.run.health train.run.loop train.run.signals train.run.checkpoint
    train.run.alone train.run.settle train.run.sheets train.run.observers train.run.watch train.run.dashboard train.run.best
    train.run.budget train.run.speed train.run.curves
    train.run.adapt train.run.origin train.run.export train.run.publish
    train.recipes train.asked train.auto train.jobs
    train.evidence.split train.evidence.statistics train.evidence.diet train.evidence.judged train.evidence.fakes
    train.evidence.experiment train.evidence.progress train.evidence.summary train.evidence.report train.evidence.plot
    train.evidence.words train.evidence train.session train
""".split()
LONGEST_FILE, LONGEST_FUNCTION = 300, 50  # lines
LONGEST = {"train/run/loop.py": 200}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(p): p for folder in ("gan", "train") for p in sorted((ROOT / folder).rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it: inside functions and under TYPE_CHECKING as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parent = module_of(path).split(".")[: -node.level + (path.name == "__init__.py") or None] if node.level else []
            whole = ".".join([*parent, *filter(None, [node.module])])
            parts = {f"{whole}.{alias.name}" for alias in node.names}
            found |= parts & MODULES.keys() | ({whole} if parts - MODULES.keys() else set())
    return found


GRAPH = {name: (imports(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}


def rank(name: str) -> int:
    """Its place in the order: that of the longest name there that it is or lies under."""
    while name not in ORDER:
        name = name.rpartition(".")[0]
    return ORDER.index(name)


def test_nothing_imports_upwards():
    assert not [f"{name} stands above {other}" for name, others in GRAPH.items() for other in others
                if rank(other) > rank(name)]


def test_nothing_imports_in_a_circle():
    left = dict(GRAPH)
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert not left, f"in a circle, or above one: {sorted(left)}"


def test_imports_are_seen_wherever_they_stand(tmp_path, monkeypatch):
    """The two tests above can fail: one on a local import, one on a circle that only type checkers see."""
    path = tmp_path / "gan" / "base.py"
    path.parent.mkdir()
    path.write_text("if TYPE_CHECKING:\n    from gan.hub import load\n"
                    "def f():\n    from . import engine\n    import gan.ui.page\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert imports(path) == {"gan.hub", "gan.engine", "gan.ui.page"}


def lines_of_text(function: ast.AST) -> int:
    """Lines of docstrings and templates, which are read as text."""
    texts = {(n.lineno, n.end_lineno) for n in ast.walk(function) if isinstance(n, ast.JoinedStr) or
             isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return len({line for first, last in texts if last > first for line in range(first + 1, last + 1)})


def test_files_and_functions_are_short():
    long = []
    for name, path in MODULES.items():
        text = path.read_text("utf-8")
        found = {name: len(text.splitlines()) - LONGEST.get(path.relative_to(ROOT).as_posix(), LONGEST_FILE)}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1 - lines_of_text(node)
                found[f"{name}.{node.name}"] = lines - LONGEST_FUNCTION
        long += [f"{what} has {lines} lines too many" for what, lines in found.items() if lines > 0]
    assert not long


def test_library_never_imports_train():
    assert not [(name, other) for name in MODULES if name.split(".")[0] == "gan" for other in imports(MODULES[name])
                if other.split(".")[0] == "train"]


def test_a_family_imports_only_base_and_layers():
    assert not [(name, other) for name in families() for other in GRAPH[f"gan.models.{name}"]
                if ".".join(other.split(".")[:2]) not in ("gan", "gan.base", "gan.layers")]


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


def test_text_is_utf8_on_every_machine():
    """Every text file is opened with its encoding: without one, Windows and LANG=C take another."""
    for path in [*MODULES.values(), ROOT / "app.py", *(ROOT / "benchmarks").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name, keywords = ast.unparse(node.func).rpartition(".")[2], {k.arg for k in node.keywords}
            mode = next((a.value for a in node.args[1:] if isinstance(a, ast.Constant)), "r")
            text = name == "read_text" and not node.args or name == "write_text" and len(node.args) < 2 or \
                ast.unparse(node.func) == "open" and "b" not in mode
            assert not text or "encoding" in keywords, f"{path}:{node.lineno}"


def test_nothing_unpickles_or_evaluates():
    """But for one file whose content is known by its checksum, and of which nothing but tensors is read."""
    for path in [*ROOT.glob("gan/**/*.py"), *ROOT.glob("train/**/*.py"), ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and not (path.name == "inception.py" and "weights_only=True" in ast.unparse(node)):
                assert ast.unparse(node.func) not in {"eval", "exec", "torch.load", "pickle.load", "pickle.loads"}, path


def test_a_recipe_is_short_enough_to_read():
    assert not [name for name, found in RECIPES.items() if len(inspect.getsource(found.make).splitlines()) > 20]

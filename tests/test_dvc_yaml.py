"""dvc.yaml against the code: each stage depends on the very files of the library that it imports."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
CHOSEN = {"menagerie.models": "${item.arch}", "menagerie.sources": "${dataset.source.kind}"}  # by params.yaml
UNTRACKED = {"src/menagerie/tracking/__init__.py", "src/menagerie/__init__.py"}  # neither can change a result


def module_file(module):
    path = SRC.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imported(file):
    """The modules of this project that a file imports, late imports included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.startswith("menagerie") and module_file(name))


def closure(file):
    """Every file that importing one file of the project may load; a package loads its __init__ first."""
    seen, waiting = set(), [file]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        if file.relative_to(SRC).as_posix() == "menagerie/tracking/__init__.py":
            continue
        for name in imported(file):
            parts = name.split(".")
            waiting += [module_file(".".join(parts[: end + 1])) for end in range(len(parts))]
        package = file.parent.relative_to(SRC).as_posix().replace("/", ".")
        if file.name == "__init__.py" and package in CHOSEN:
            waiting += file.parent.glob("[!_]*.py")
    return seen


def dependencies(stage):
    definition = STAGES[stage].get("do", STAGES[stage])
    return {path for path in definition["deps"] if path.startswith("src/")}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_files_it_imports(stage):
    expected = set()
    for file in closure(SRC / "stages" / f"{stage}.py"):
        package = file.parent.relative_to(SRC).as_posix().replace("/", ".")
        if package in CHOSEN and not file.name.startswith("_"):
            file = file.with_name(f"{CHOSEN[package]}.py")
        expected.add(file.relative_to(ROOT).as_posix())
    assert dependencies(stage) == expected - UNTRACKED


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_called_by_its_name(stage):
    definition = STAGES[stage].get("do", STAGES[stage])
    assert definition["cmd"] == f"python src {stage}" + (" ${key}" if "foreach" in STAGES[stage] else "")
    assert definition["desc"]


def test_one_package_imports_mlflow_and_one_draws():
    for library, owner in {"mlflow": "menagerie/tracking/", "matplotlib": "menagerie/plots/"}.items():
        users = set()
        for file in SRC.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                users |= {file.relative_to(SRC).as_posix() for name in names if name.split(".")[0] == library}
        assert users
        assert all(user.startswith(owner) for user in users)

"""dvc.yaml against the code: what a stage depends on is what it imports, and what it reads of params.yaml."""

import ast
import json

import pytest
import yaml

from helpers import ROOT
from menagerie.plots.style import colours_of

SRC = ROOT / "src"
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES, FIGURES = PIPELINE["stages"], PIPELINE["plots"]
# Chosen by params.yaml: the module that stands for all those of its folder.
CHOSEN = {"menagerie/models": "${item.arch}", "menagerie/download/sources": "${dataset.source.kind}"}
# They refuse, locate and record: they cannot change a result. dvc.yaml says so, too.
EXEMPT = ("menagerie/params/", "menagerie/errors.py", "menagerie/paths.py", "menagerie/files.py")
EXEMPT += ("menagerie/backend.py", "menagerie/tracking/")
# Where a model is trained they hand over the very weights asked for, or fail.
EXEMPT_OF = dict.fromkeys(["train", "replicate"], ("menagerie/download/wire/", "menagerie/mirror.py"))


def module_file(module):
    path = SRC.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def relative(file):
    return file.relative_to(SRC).as_posix()


def imported(file):
    """The modules of this project that a file imports, late imports included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.startswith("menagerie") and module_file(name))


def closure(file, exempt):
    """Every file with code that importing one file of the project may load, without what is exempt."""
    seen, waiting = set(), [file]
    while waiting:
        file = waiting.pop()
        if file in seen or relative(file).startswith(exempt):
            continue
        seen.add(file)
        for name in imported(file):
            parts = name.split(".")
            waiting += [module_file(".".join(parts[: end + 1])) for end in range(len(parts))]
        if "import_module(" in file.read_text(encoding="utf-8"):
            folder = next(folder for folder in CHOSEN if f"{folder.replace('/', '.')}.{{" in file.read_text())
            waiting += (SRC / folder).glob("[!_]*.py")
    return {file for file in seen if has_code(file)}


def has_code(file):
    """An __init__.py that holds its docstring at the most can be left out."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(file.read_text(encoding="utf-8")).body)


def stood_for(file):
    """What dvc.yaml calls a file: `${item.arch}.py` stands for every architecture."""
    folder = relative(file.parent)
    return f"src/{folder}/{CHOSEN[folder]}.py" if folder in CHOSEN else f"src/{relative(file)}"


def dependencies(stage):
    definition = STAGES[stage].get("do", STAGES[stage])
    return {path for path in definition["deps"] if path.startswith("src/")}


def covers(dependency, path):
    return path == dependency or path.startswith(dependency + "/")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_what_it_imports_and_on_nothing_else(stage):
    exempt = EXEMPT + EXEMPT_OF.get(stage, ())
    needed = {stood_for(file) for file in closure(SRC / "stages" / f"{stage}.py", exempt)}
    declared = dependencies(stage)
    assert {path for path in needed if not any(covers(one, path) for one in declared)} == set()
    assert {one for one in declared if not any(covers(one, path) for path in needed)} == set()


@pytest.mark.parametrize("folder", CHOSEN)
def test_of_modules_that_params_yaml_chooses_among_none_uses_another(folder):
    """dvc.yaml names the chosen one alone."""
    siblings = {f"{folder.replace('/', '.')}.{path.stem}" for path in (SRC / folder).glob("[!_]*.py")}
    assert siblings
    for path in (SRC / folder).glob("[!_]*.py"):
        assert not siblings & set(imported(path)), path


# The stages in their order, and what several of them share; each may use what stands before it.
ORDER = ["archives", "plots", "download", "prepare", "split", "models", "train", "evaluate", "replicate"]
ORDER += ["tracking", "tune", "compare", "report", "notebooks", "audit", "serve", "cli"]


@pytest.mark.parametrize("folder", ORDER)
def test_arrows_between_folders_point_one_way(folder):
    later = tuple(f"menagerie.{name}" for name in ORDER[ORDER.index(folder) + 1 :])
    for file in (SRC / "menagerie" / folder).rglob("*.py"):
        for name in imported(file):
            assert not any(name == one or name.startswith(one + ".") for one in later), f"{file}: {name}"


def test_every_folder_of_the_library_is_in_that_order():
    folders = {path.name for path in (SRC / "menagerie").iterdir() if list(path.glob("*.py"))}
    assert folders == {*ORDER, "params"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_called_by_its_name_and_has_a_folder_of_it(stage):
    definition = STAGES[stage].get("do", STAGES[stage])
    of_models = STAGES[stage].get("foreach") == "${models}"
    assert definition["cmd"] == f"python src {stage}" + (" ${key}" if of_models else "")
    assert definition["desc"]
    # look is a stage of its own for DVC's sake: it lists files, as archives/scanning.py does for download
    assert (SRC / "menagerie" / ("archives" if stage == "look" else stage)).is_dir()


def test_one_package_imports_mlflow_and_one_draws():
    # MLflow runs the second where a model is served; no module imports it.
    owners = {"mlflow": ("menagerie/tracking/", "menagerie/serve/mlflow_model.py")}
    for library, owner in (owners | {"matplotlib": "menagerie/plots/"}).items():
        users = set()
        for file in SRC.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                users |= {relative(file) for name in names if name.split(".")[0] == library}
        assert users
        assert all(user.startswith(owner) for user in users)


def test_the_figures_that_dvc_draws_say_what_is_along_their_axes():
    (confusion,) = STAGES["evaluate"]["do"]["plots"][0].values()
    for title, figure in [(name, figure) for one in FIGURES for name, figure in one.items()]:
        (column,) = figure["y"].values()
        assert column == "model" or " " in figure["y_label"], title
        assert figure["x"] == "epoch" or " " in figure["x_label"], title
    assert (confusion["x_label"], confusion["y_label"]) == ("true class", "predicted class")


def test_dvc_draws_up_to_ten_models_in_the_colours_of_the_other_figures():
    template = json.loads((ROOT / ".dvc/plots/by_model.json").read_text(encoding="utf-8"))
    # By Vega's definition these are the ten of Tableau, matplotlib's tab10, and go to names in their order.
    category10 = "1f77b4ff7f0e2ca02cd627289467bd8c564be377c27f7f7fbcbd2217becf"
    ours = colours_of([f"model {number}" for number in range(10)]).values()
    assert "".join(f"{round(255 * part):02x}" for colour in ours for part in colour) == category10
    assert template["encoding"]["color"]["scale"] == {"scheme": "category10"}

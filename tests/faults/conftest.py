"""A folder in which single stages run, and a clone in which the real DVC ran: a copy of it for each test."""

import shutil
import subprocess

import pytest
import yaml

from helpers import LINEAR, LINEAR_MODULE, ROOT, colours, commit, composed, draw, make_clone, succeed


@pytest.fixture(scope="session")
def stages():
    """The calls of all stages, in their order."""
    of_model = [f"{stage} linear" for stage in ("train", "evaluate", "replicate")]
    return ["look", "download", "prepare", "split", *of_model, "compare"]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures") / "three colours")


@pytest.fixture(scope="session")
def all_stages(tmp_path_factory, pictures, stages):
    """Code, settings and the outputs of every stage, of one small model; DVC is not asked."""
    folder = tmp_path_factory.mktemp("all stages")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "src/menagerie/models/linear.py").write_text(LINEAR_MODULE, encoding="utf-8")
    settings = composed(*colours(pictures, "cnn"), "replicates=1")
    recipe = settings["models"].pop("cnn")
    recipe["arch"] = "linear"
    recipe["phases"]["main"]["learning_rate"] = 0.01
    settings["models"]["linear"] = recipe
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    for stage in stages:
        succeed(folder, "python", "src", *stage.split())
    return folder


@pytest.fixture(scope="session")
def ran(tmp_path_factory, pictures):
    """A clone of one small model more, in which everything ran and was committed."""
    target = make_clone(tmp_path_factory.mktemp("clone"))
    (target / "conf/model/linear.yaml").write_text(LINEAR, encoding="utf-8")
    (target / "src/menagerie/models/linear.py").write_text(LINEAR_MODULE, encoding="utf-8")
    commit(target, "A model")
    chosen = [part for one in colours(pictures, "linear") for part in ("-S", one)]
    succeed(target, "dvc", "exp", "run", *chosen)
    succeed(target, "dvc", "checkout", "--relink")  # as links into the cache, each file once on the disk
    commit(target, "A run")
    return target


@pytest.fixture
def clone(ran, tmp_path):
    """A copy of that clone, with its links."""
    subprocess.run(["cp", "-a", ran, tmp_path / "clone"], check=True)
    return tmp_path / "clone"

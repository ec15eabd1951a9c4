"""A clone in which the real DVC ran two new models on small pictures, and a folder for single stages."""

import pytest
import yaml

from helpers import (
    LINEAR,
    LINEAR_MODULE,
    ROOT,
    WIDE,
    colours,
    commit,
    composed,
    draw,
    make_clone,
    stages_run,
    succeed,
)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures") / "three colours")


@pytest.fixture(scope="session")
def choice(pictures):
    """The arguments of `dvc exp run` for these pictures and the two new models."""
    return [part for one in colours(pictures, "cnn_wide", "linear") for part in ("-S", one)]


@pytest.fixture(scope="session")
def clone(tmp_path_factory, choice):
    """A clone with a model more and an architecture more, run and committed."""
    target = make_clone(tmp_path_factory.mktemp("clone"))
    (target / "conf/model/cnn_wide.yaml").write_text(WIDE, encoding="utf-8")
    (target / "conf/model/linear.yaml").write_text(LINEAR, encoding="utf-8")
    (target / "src/menagerie/models/linear.py").write_text(LINEAR_MODULE, encoding="utf-8")
    first = succeed(target, "dvc", "exp", "run", *choice)
    assert stages_run(first) == [
        "download", "prepare", "split", "train@cnn_wide", "train@linear",
        "evaluate@cnn_wide", "evaluate@linear", "replicate@cnn_wide", "replicate@linear", "compare",
    ]  # fmt: skip
    commit(target, "Two models")
    return target


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, pictures):
    """A folder with code, settings, pictures and split, on which single stages are run without DVC."""
    target = tmp_path_factory.mktemp("prepared")
    (target / "src").symlink_to(ROOT / "src")
    settings = composed(*colours(pictures, "cnn"))
    (target / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    for stage in ("download", "prepare", "split"):
        succeed(target, "python", "src", stage)
    return target

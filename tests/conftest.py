"""What the tests share: the real configuration, composed as DVC composes it, and the offline mirror."""

import copy
import functools
import os
from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import OmegaConf

from menagerie.params import Params
from menagerie.params.section import parse

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def outside_dvc(monkeypatch):
    """No test may write to the repository or to the tracking server that the user works with."""
    for name in ("DVC_ROOT", "DVC_EXP_NAME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@functools.cache
def _composed(*overrides):
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        config = hydra_compose("config", list(overrides))
    OmegaConf.resolve(config)
    return OmegaConf.to_container(config)


def composed(*overrides):
    """`composed("model=cnn")`: the dict that `dvc exp run -S model=cnn` writes to params.yaml."""
    return copy.deepcopy(_composed(*overrides))


@pytest.fixture(scope="session")
def compose():
    """`compose("model=cnn")`: the dict that `dvc exp run -S model=cnn` writes to params.yaml."""
    return composed


@pytest.fixture(scope="session")
def params():
    """`params("model=cnn")`: the same, checked and typed."""
    return lambda *overrides: parse(Params, composed(*overrides), "conf")


@pytest.fixture(scope="session")
def mirror():
    """The folder of real archives and weights that MENAGERIE_MIRROR names."""
    named = os.environ.get("MENAGERIE_MIRROR")
    if not named:
        pytest.skip("MENAGERIE_MIRROR names no folder with the real data")
    folder = ROOT / named  # an absolute path stays as it is
    if not folder.is_dir():
        pytest.skip(f"MENAGERIE_MIRROR is {named}, which is no folder")
    return folder.resolve()

"""What the tests share: the real configuration, composed as DVC composes it, and the offline mirror."""

import os

import pytest

from helpers import ROOT, composed
from menagerie.params import Params
from menagerie.params.section import parse


@pytest.fixture(autouse=True)
def outside_dvc(monkeypatch):
    """No test may write to the repository or to the tracking server that the user works with."""
    for name in ("DVC_ROOT", "DVC_EXP_NAME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


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

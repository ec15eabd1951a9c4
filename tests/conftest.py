"""What the tests share: the real configuration, composed as DVC composes it, and the offline mirror."""

import os

import pytest

from helpers import ROOT, composed
from lying_server import LyingServer
from menagerie.params import Params
from menagerie.params.section import parse


def pytest_collection_modifyitems(items):
    """The whole pipeline comes first: what takes longest is not to be waited for at the end."""
    items.sort(key=lambda item: item.path.name != "test_dvc.py")


@pytest.fixture(autouse=True)
def outside_dvc(monkeypatch):
    """No test may write to the repository or to the tracking server that the user works with."""
    for name in ("DVC_ROOT", "DVC_EXP_NAME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_proxy(monkeypatch):
    """No proxy of the user's: the servers of the tests are on this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def running_server():
    with LyingServer().running() as server:
        yield server


@pytest.fixture
def server(running_server, no_proxy):
    """A server that answers as it is told, nothing told yet."""
    running_server.clear()
    return running_server


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


@pytest.fixture(scope="session")
def browser():
    """A real browser without a window."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    from screens import CHROMIUM, browsing

    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """An MLflow database without a run, to be copied: making its tables takes longer than most tests."""
    mlflow = pytest.importorskip("mlflow")
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path.as_posix()}").search_experiments()
    return path


@pytest.fixture
def repository(tmp_path, monkeypatch, no_proxy):
    """The main repository, empty, as the working folder; no proxy and no mirror of the user's."""
    monkeypatch.delenv("MENAGERIE_MIRROR", raising=False)
    path = tmp_path / "repository"
    path.mkdir()
    monkeypatch.chdir(path)
    return path

"""Where the tests of tracking keep their runs: an empty repository, its own store or a server."""

import os
import shutil
import sys

import pytest

from serving import free_port, started

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """An empty main repository, which is also the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    yield tmp_path
    mlflow.set_tracking_uri(None)


@pytest.fixture
def root(bare, empty_store):
    """The same with a store that has no run."""
    shutil.copy(empty_store, bare / "mlflow.db")
    return bare


@pytest.fixture(scope="session")
def tracking_server(tmp_path_factory, empty_store):
    """The address of MLflow's own server, with a store and artifacts of its own."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store, folder / "mlflow.db")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{(folder / 'mlflow.db').as_posix()}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    address = f"http://127.0.0.1:{port}"
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # of language models
    with started(command, f"{address}/health", folder, env):
        yield address


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.slow)])
def either(request, root, monkeypatch, no_proxy):
    """The embedded store, then a server; a client of it."""
    if request.param == "sqlite":
        return mlflow.MlflowClient(f"sqlite:///{(root / 'mlflow.db').as_posix()}")
    address = request.getfixturevalue("tracking_server")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    return mlflow.MlflowClient(address)

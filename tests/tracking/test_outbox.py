"""What a store that is away has missed is sent to it later: in order, once, by whoever comes next."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from helpers import ROOT, composed
from serving import free_port, started

mlflow = pytest.importorskip("mlflow")

from menagerie import paths, tracking  # noqa: E402
from menagerie.files import write_json  # noqa: E402
from menagerie.tracking import outbox, store  # noqa: E402

TRAINING = """
import os, pathlib
from menagerie import tracking
from menagerie.params import load_params
params = load_params(pathlib.Path('params.yaml'))
with tracking.training_run(params, 'cnn', {'split.sha256': 'abc'}, pathlib.Path('begun')) as run:
    for epoch in range(1, 4):
        run.log_epoch({'val_loss': 1 / epoch}, epoch)
    os.kill(os.getpid(), 9)
"""


class Server:
    """MLflow's own server, to be killed and started again on one address and one store."""

    def __init__(self, folder, empty_store):
        self.folder, self.port = folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        folder.mkdir()
        shutil.copy(empty_store, folder / "mlflow.db")

    @contextmanager
    def up(self):
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", self.port]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with started(command, f"{self.address}/health", self.folder, env):
            yield mlflow.MlflowClient(self.address)


@pytest.fixture
def server(root, tmp_path_factory, empty_store, monkeypatch, no_proxy):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = Server(tmp_path_factory.mktemp("away") / "server", empty_store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    return server


def runs_of(client, experiment="digits"):
    return client.search_runs([client.get_experiment_by_name(experiment).experiment_id])


def epochs_of(client, run):
    return [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "val_loss")]


@pytest.mark.slow
def test_a_server_killed_in_mid_training_and_started_again_has_all(server, params, tmp_path, capsys):
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "roc.png").write_bytes(b"png")
    with server.up():
        run_context = tracking.training_run(params(), "cnn", {"split.sha256": "abc"}, tmp_path / "begun")
        run = run_context.__enter__()
        for epoch in range(1, 8):
            run.log_epoch({"val_loss": 1 / epoch, "accuracy": 0.5}, epoch)
    for epoch in range(8, 41):
        run.log_epoch({"val_loss": 1 / epoch, "accuracy": 0.5}, epoch)
    run.set_tags({"model.sha256": "f00"})
    run.log_inputs(params().dataset, "ab" * 32, {"train": 7})
    run.log_files(figures, "plots")
    assert capsys.readouterr().err.count("not tracked in MLflow for now") == 1
    with server.up() as client:
        run_context.__exit__(None, None, None)
        (kept,) = runs_of(client)
        assert kept.info.status == "FINISHED"
        assert epochs_of(client, kept) == [(epoch, 1 / epoch) for epoch in range(1, 41)]
        assert kept.data.tags["model.sha256"] == "f00"
        assert kept.data.params == tracking.settings(params(), "cnn")
        assert [one.dataset.name for one in kept.inputs.dataset_inputs] == ["digits"]
        assert [one.path for one in client.list_artifacts(kept.info.run_id, "plots")] == ["plots/roc.png"]
    assert outbox.entries() == []


@pytest.mark.slow
def test_what_no_server_ever_took_is_sent_by_the_next_stage_which_finds_its_run(server, params, tmp_path):
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "roc.png").write_bytes(b"png")
    with tracking.training_run(params(), "cnn", {"split.sha256": "abc"}, tmp_path / "begun") as run:
        for epoch in (1, 2):
            run.log_epoch({"val_loss": 1 / epoch}, epoch)
        run.log_files(figures, "plots")
        run.set_tags({"model.sha256": "f00"})
    shutil.rmtree(figures)  # as the next experiment would
    assert len(outbox.entries()) == 1
    with server.up() as client:
        with tracking.evaluation_run(params(), "cnn", "f00") as tested:
            tested.log_metrics({"test/accuracy": 0.9})
        (kept,) = runs_of(client)
        assert (kept.info.run_name, kept.info.status) == ("cnn", "FINISHED")
        assert kept.data.metrics["test/accuracy"] == 0.9
        assert epochs_of(client, kept) == [(1, 1), (2, 1 / 2)]
        assert "model.origin" not in kept.data.tags
        assert [one.path for one in client.list_artifacts(kept.info.run_id, "plots")] == ["plots/roc.png"]
    assert outbox.entries() == []


@pytest.mark.slow
def test_menagerie_sync_sends_in_order_and_once(server, root, params, tmp_path):
    (root / "params.yaml").write_text(yaml.safe_dump(composed("model=cnn")), encoding="utf-8")
    with tracking.training_run(params(), "cnn", {"split.sha256": "abc"}, tmp_path / "begun") as run:
        run.log_epoch({"val_loss": 1.0}, 1)
        run.set_tags({"model.sha256": "f00"})
    with tracking.evaluation_run(params(), "cnn", "f00") as tested:
        tested.log_metrics({"test/accuracy": 0.9})

    def sync():
        env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-c", "from menagerie.cli.main import main; main(['sync'])"]
        return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)

    refused = sync()
    assert refused.returncode == 1
    assert "of 2 runs something waits in .work/outbox: start the server" in refused.stderr
    with server.up() as client:
        assert [sync().stdout for _ in "12"] == ["sent: cnn, cnn\n", "sent: nothing waited\n"]
        (kept,) = runs_of(client)
        assert kept.data.metrics == {"val_loss": 1.0, "test/accuracy": 0.9}
        assert kept.info.status == "FINISHED"


def kept_elsewhere(root, params, monkeypatch):
    """An entry for a store that is not there."""
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        patch.setenv("MLFLOW_TRACKING_URI", "http://ann:secret@127.0.0.1:9")  # nobody listens on discard
        with tracking.training_run(params(), "cnn", {"split.sha256": "abc"}, Path("begun")) as run:
            for epoch in (1, 2):
                run.log_epoch({"val_loss": 1 / epoch}, epoch)
            run.set_tags({"model.sha256": "f00"})
    (entry,) = outbox.entries()
    return entry


def test_what_waits_for_another_store_is_not_sent_to_this_one_and_told(root, params, monkeypatch, capsys):
    entry = kept_elsewhere(root, params, monkeypatch)
    done = tracking.sync()
    assert done.sent == []
    assert done.waiting == [f"{entry.folder.name}: it is for http://127.0.0.1:9"]
    assert "secret" not in (entry.folder / "about.json").read_text(encoding="utf-8")
    assert "secret" not in capsys.readouterr().err


def of_this_store(entry):
    """Say that an entry was for the store of this repository."""
    entry.belong(outbox.name_of(store.tracking_uri(paths.main_repository())))
    return entry


def test_what_is_sent_twice_is_there_once(root, params, monkeypatch):
    entry = of_this_store(kept_elsewhere(root, params, monkeypatch))
    shutil.copytree(entry.folder, root / "again")
    assert tracking.sync().sent == ["cnn"]
    shutil.copytree(root / "again", entry.folder)
    assert tracking.sync().sent == ["cnn"]
    client = store.client()
    (kept,) = runs_of(client)
    assert epochs_of(client, kept) == [(1, 1), (2, 1 / 2)]
    assert kept.info.status == "FINISHED"
    assert kept.data.tags["model.sha256"] == "f00"


def test_a_line_that_a_kill_cut_short_is_passed_over_and_the_next_is_whole(root, params, monkeypatch):
    entry = of_this_store(kept_elsewhere(root, params, monkeypatch))
    with (entry.folder / "operations.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"do": "set_ta')
    entry.add({"do": "set_tags", "tags": {"note": "after"}})
    assert tracking.sync().sent == ["cnn"]
    (kept,) = runs_of(store.client())
    assert kept.data.tags["note"] == "after"


def test_a_training_goes_on_whatever_a_disk_made_of_what_was_kept_and_the_rest_is_sent(root, params, capsys):
    entry = killed(root, AWAY)
    file = entry.folder / "operations.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    assert b"val_loss" in lines[2]
    file.write_bytes(b"".join([*lines[:2], b"\xff{\n", *lines[3:]]))
    with tracking.training_run(params("model=cnn"), "cnn", {"split.sha256": "abc"}, root / "begun") as run:
        run.log_epoch({"val_loss": 1 / 4}, 4)
    assert "line 3 of " in capsys.readouterr().err
    client = store.client()
    (kept,) = runs_of(client)
    (lost,) = {1, 2, 3, 4} - {epoch for epoch, _ in epochs_of(client, kept)}
    assert lost < 4
    assert kept.info.status == "FINISHED"


def test_what_cannot_be_known_of_what_was_kept_is_told_and_stops_no_training(root, params, capsys):
    entry = killed(root, AWAY)
    (entry.folder / "about.json").write_bytes(b"\0" * 40)
    with tracking.training_run(params("model=cnn"), "cnn", {"split.sha256": "abc"}, root / "begun"):
        pass
    assert f"{entry.folder / 'about.json'} cannot be read, and what lies beside it" in capsys.readouterr().err
    assert [run.info.status for run in runs_of(store.client())] == ["FINISHED"]
    assert (entry.folder / "operations.jsonl").exists()


def killed(root, env):
    (root / "params.yaml").write_text(yaml.safe_dump(composed("model=cnn")), encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(ROOT / "src"), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"} | env
    done = subprocess.run([sys.executable, "-c", TRAINING], cwd=root, env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    (entry,) = outbox.entries()
    return of_this_store_of_the_dead(entry)


def of_this_store_of_the_dead(entry):
    about = {"store": outbox.name_of(store.tracking_uri(paths.main_repository()))}
    dead = {"process.host": os.uname().nodename, "process.pid": "1", "process.started": "0"}
    write_json(entry.folder / "about.json", about | {"process": dead})
    return entry


AWAY = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


def test_a_training_killed_while_the_store_was_away_goes_on_in_one_run(root, params):
    killed(root, AWAY)
    with tracking.training_run(params("model=cnn"), "cnn", {"split.sha256": "abc"}, root / "begun") as run:
        for epoch in range(1, 6):
            run.log_epoch({"val_loss": 1 / epoch}, epoch)
    client = store.client()
    (kept,) = runs_of(client)
    assert epochs_of(client, kept) == [(epoch, 1 / epoch) for epoch in range(1, 6)]
    assert kept.info.status == "FINISHED"
    assert outbox.entries() == []


def test_a_training_killed_while_the_store_was_away_for_good_is_sent_as_killed(root):
    killed(root, AWAY)
    assert tracking.sync().sent == ["cnn"]
    client = store.client()
    (kept,) = runs_of(client)
    assert [step for step, _ in epochs_of(client, kept)] == [1, 2, 3]
    assert kept.info.status == "KILLED"


class Old(BaseHTTPRequestHandler):
    """A server that knows nothing that it is asked, as one of an earlier version."""

    def do_GET(self):
        known = self.path == "/version"
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(b"2.22.5" if known else b"<!doctype html>")

    def log_message(self, *_):
        pass


def test_of_a_server_of_another_version_both_are_told_with_the_remedy(
    root, params, monkeypatch, capsys, no_proxy
):
    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        with tracking.training_run(params(), "cnn", {}, root / "begun"):
            pass
        server.shutdown()
    told = capsys.readouterr().err
    assert f"runs MLflow 2.22.5 and does not know what MLflow {mlflow.__version__}" in told
    assert f'pip install "mlflow=={mlflow.__version__}" where it runs' in told
    assert len(outbox.entries()) == 1


def test_what_a_process_that_goes_on_keeps_is_left_to_it(root, params, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        run_context = tracking.training_run(params(), "cnn", {}, root / "begun")
        run_context.__enter__()
    (entry,) = outbox.entries()
    of_this_store(entry)
    done = tracking.sync()
    assert (done.sent, done.waiting) == ([], [f"{entry.folder.name}: its process goes on"])
    run_context.__exit__(None, None, None)


def test_what_the_store_refuses_is_told_and_the_rest_is_logged(root, params, capsys):
    with tracking.training_run(params(), "cnn", {}, root / "begun") as run:
        run.set_tags({"no key: 1?": "x"})
        run.set_tags({"no key: 1?": "x"})
        run.set_tags({"key": "x"})
    (kept,) = runs_of(store.client())
    assert kept.data.tags["key"] == "x"
    assert capsys.readouterr().err.count("warning: the tracking store refuses set_tags") == 1
    assert outbox.entries() == []


def test_a_deleted_experiment_has_what_is_logged_wait_and_is_named_with_the_remedy(root, params, capsys):
    client = store.client()
    number = store.experiment_id(client, "digits")
    client.delete_experiment(number)
    with tracking.training_run(params(), "cnn", {}, root / "begun"):
        pass
    assert f"mlflow experiments restore --experiment-id {number}" in capsys.readouterr().err
    client.restore_experiment(number)
    assert tracking.sync().sent == ["cnn"]
    assert len(runs_of(client)) == 1


@pytest.fixture
def moved(root, params, monkeypatch, tmp_path_factory):
    """A repository with a run that has a figure, and the copy that work goes on in."""
    figures = root / "figures"
    figures.mkdir()
    (figures / "roc.png").write_bytes(b"png")
    with tracking.training_run(params(), "cnn", {}, root / "begun") as run:
        run.log_files(figures, "plots")
    copy = tmp_path_factory.mktemp("copies") / "copy"
    shutil.copytree(root, copy)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # where MLflow notes the store that it has open
    return root, copy


def test_a_training_in_a_copy_of_the_repository_writes_nothing_to_the_original(moved, params, capsys):
    original, copy = moved
    before = sorted(original.rglob("*"))
    with tracking.training_run(params(), "cnn", {}, copy / "begun") as run:
        run.log_files(copy / "figures", "plots")
    told = capsys.readouterr().err
    assert str(original / "mlartifacts") in told
    assert "`menagerie sync` has the store follow" in told
    done = tracking.sync()
    assert (done.moved_from, done.sent) == (original, ["cnn"])
    assert sorted(original.rglob("*")) == before
    shutil.rmtree(original / "mlartifacts")
    client = store.client()
    for kept in runs_of(client):
        assert [one.path for one in client.list_artifacts(kept.info.run_id, "plots")] == ["plots/roc.png"]
        fetched = client.download_artifacts(kept.info.run_id, "plots/roc.png", copy)
        assert Path(fetched).read_bytes() == b"png"
    assert len(runs_of(client)) == 2


def test_a_store_of_its_own_place_is_no_moved_one(root, params):
    with tracking.training_run(params(), "cnn", {}, root / "begun"):
        pass
    assert tracking.sync().moved_from is None

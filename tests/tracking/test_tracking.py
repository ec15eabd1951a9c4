"""Tracking against a real MLflow store, a real server that dies, and real processes."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import yaml

from helpers import ROOT, composed, model_facts, small_model

mlflow = pytest.importorskip("mlflow")

from menagerie import tracking  # noqa: E402
from menagerie.errors import MenagerieError  # noqa: E402
from menagerie.files import write_json  # noqa: E402
from menagerie.tracking import store  # noqa: E402

SRC = ROOT / "src"


def client(root):
    return mlflow.MlflowClient(f"sqlite:///{(root / 'mlflow.db').as_posix()}")


def only_run(root, experiment="digits"):
    own = client(root)
    runs = own.search_runs([own.get_experiment_by_name(experiment).experiment_id])
    assert len(runs) == 1
    return runs[0]


def test_a_training_run_holds_parameters_metrics_and_tags(root, params):
    with tracking.training_run(params("model=cnn"), "cnn", {"split.sha256": "abc"}, Path("begun")) as run:
        run.log_metrics({"loss": 2.0, "val_accuracy": 0.5}, 1)
        run.log_metrics({"loss": 1.0, "val_accuracy": 0.75}, 2)
        run.set_tags({"model.sha256": "f00"})
    kept = only_run(root)
    assert (kept.info.run_name, kept.info.status) == ("cnn", "FINISHED")
    assert kept.data.params["model.phases.main.learning_rate"] == "0.0001"
    assert kept.data.params["dataset.split.policy"] == "stratified"
    assert kept.data.params["seed"] == "42"
    assert kept.data.tags["model.sha256"] == "f00"
    assert kept.data.tags["split.sha256"] == "abc"
    history = client(root).get_metric_history(kept.info.run_id, "val_accuracy")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.75)]


def test_a_training_run_says_which_pictures_there_were(root, params):
    (root / "data" / "digits").mkdir(parents=True)
    write_json(root / "data" / "digits" / "source.json", {"content_sha256": "30d0"})
    with tracking.training_run(params("model=cnn"), "cnn", {}, Path("begun")):
        pass
    assert only_run(root).data.tags["data.sha256"] == "30d0"


def test_evaluation_takes_up_the_run_of_the_very_model(root, params):
    for digest in ("aaa", "bbb"):
        with tracking.training_run(params(), "cnn", {}, Path("begun")) as run:
            run.set_tags({"model.sha256": digest})
    with tracking.evaluation_run(params(), "cnn", "aaa") as run:
        run.log_metrics({"test_accuracy": 0.9})
    own = client(root)
    runs = own.search_runs([own.get_experiment_by_name("digits").experiment_id])
    measured = {kept.data.tags["model.sha256"]: kept.data.metrics.get("test_accuracy") for kept in runs}
    assert measured == {"aaa": 0.9, "bbb": None}
    assert {kept.info.status for kept in runs} == {"FINISHED"}


def test_the_same_training_begun_again_goes_on_in_its_run_and_has_every_epoch_once(root, params):
    begun = root / "begun"
    with suppress(ValueError), tracking.training_run(params(), "cnn", {}, begun) as run:
        for epoch in (1, 2):
            run.log_epoch({"val_loss": 8 / epoch}, epoch)
        raise ValueError
    assert only_run(root).info.status == "FAILED"
    with tracking.training_run(params(), "cnn", {}, begun) as run:
        for epoch in (1, 2, 3):
            run.log_epoch({"val_loss": 8 / epoch}, epoch)
    kept = only_run(root)
    assert kept.info.status == "FINISHED"
    history = client(root).get_metric_history(kept.info.run_id, "val_loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 8), (2, 4), (3, 8 / 3)]
    with tracking.training_run(params(), "cnn", {}, begun) as run:
        assert run.run_id != kept.info.run_id


def test_a_run_that_another_store_has_is_begun_anew(root, params):
    (root / "begun").write_text("0" * 32, encoding="utf-8")
    with tracking.training_run(params(), "cnn", {}, root / "begun"):
        pass
    assert only_run(root).info.status == "FINISHED"


def test_a_run_whose_process_is_gone_is_closed_and_no_other(root, params):
    script = (
        "import os, pathlib, sys, yaml\n"
        "from menagerie import tracking\n"
        "from menagerie.params import load_params\n"
        "params = load_params(pathlib.Path('params.yaml'))\n"
        "with tracking.training_run(params, 'cnn', {}, pathlib.Path('gone')):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    (root / "params.yaml").write_text(yaml.safe_dump(composed("model=cnn")), encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(SRC)}
    killed = subprocess.run([sys.executable, "-c", script], cwd=root, env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    gone = only_run(root)
    assert gone.info.status == "RUNNING"
    own = client(root)
    elsewhere = own.create_run(gone.info.experiment_id, tags=gone.data.tags | {"process.host": "elsewhere"})
    with tracking.training_run(params("model=cnn"), "cnn", {}, root / "begun") as going:
        with tracking.evaluation_run(params("model=ann"), "ann", "f00"):
            pass
        assert own.get_run(going.run_id).info.status == "RUNNING"
    assert own.get_run(gone.info.run_id).info.status == "KILLED"
    assert own.get_run(elsewhere.info.run_id).info.status == "RUNNING"


def test_runs_of_one_model_in_several_experiments_are_told_apart(root, params, monkeypatch):
    for experiment in ("calm-pine", "bold-moth"):
        monkeypatch.setenv("DVC_EXP_NAME", experiment)
        with tracking.training_run(params(), "cnn", {}, root / "begun") as run:
            run.set_tags({"model.sha256": experiment})
        with tracking.evaluation_run(params(), "cnn", experiment) as tested:
            tested.log_metrics({"test/accuracy": 0.9, "test/n": 10})
            assert tested.run_id == run.run_id
    own = client(root)
    runs = own.search_runs([own.get_experiment_by_name("digits").experiment_id])
    assert {one.info.run_name for one in runs} == {"cnn calm-pine", "cnn bold-moth"}
    assert set(store.evaluated_runs("digits")["model"]) == {"cnn"}


def test_two_models_with_the_same_bytes_keep_a_run_each(root, params):
    for name in ("cnn", "ann"):
        with tracking.training_run(params(f"model={name}"), name, {}, Path("begun")) as run:
            run.set_tags({"model.sha256": "aaa"})
    for name, accuracy in (("cnn", 0.9), ("ann", 0.8)):
        with tracking.evaluation_run(params(f"model={name}"), name, "aaa") as run:
            run.log_metrics({"test_accuracy": accuracy})
    runs = client(root).search_runs([client(root).get_experiment_by_name("digits").experiment_id])
    measured = {kept.info.run_name: kept.data.metrics["test_accuracy"] for kept in runs}
    assert measured == {"cnn": 0.9, "ann": 0.8}


def test_changed_code_makes_a_run_dirty_and_a_file_that_git_does_not_know_does_not(root, params):
    def git(*arguments):
        identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        done = subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def tagged():
        with tracking.training_run(params(), "cnn", {}, Path("begun")) as run:
            pass
        tags = client(root).get_run(run.run_id).data.tags
        return tags["mlflow.source.git.commit"], tags["git.dirty"]

    git("init", "--quiet")
    (root / "code.py").touch()
    git("add", "code.py")
    git("commit", "--quiet", "--no-gpg-sign", "--message=First")
    commit = git("rev-parse", "HEAD")
    (root / "notes.txt").write_text("not of the repository", encoding="utf-8")
    assert tagged() == (commit, "false")
    (root / "code.py").write_text("changed", encoding="utf-8")
    assert tagged() == (commit, "true")


def test_a_model_restored_from_elsewhere_gets_a_run_that_says_so(root, params):
    with tracking.evaluation_run(params(), "cnn", "ccc") as run:
        run.log_metrics({"test_accuracy": 0.9})
    assert "elsewhere" in only_run(root).data.tags["model.origin"]


def test_figures_and_tables_are_kept_with_the_run(root, params, tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "confusion.png").write_bytes(b"png")
    with tracking.evaluation_run(params(), "cnn", "ddd") as run:
        run.log_files(folder, "plots")
    kept = only_run(root)
    assert [item.path for item in client(root).list_artifacts(kept.info.run_id, "plots")] == [
        "plots/confusion.png"
    ]
    assert (root / "mlartifacts" / "digits" / kept.info.run_id / "artifacts/plots/confusion.png").exists()


@pytest.mark.parametrize(("raised", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_that_ends_early_says_how(root, params, raised, status):
    with pytest.raises(raised), tracking.training_run(params(), "cnn", {}, Path("begun")):
        raise raised
    assert only_run(root).info.status == status


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_terminated_process_ends_its_run_as_killed(root, params):
    with pytest.raises(SystemExit), tracking.training_run(params(), "cnn", {}, Path("begun")):
        os.kill(os.getpid(), signal.SIGTERM)
    assert only_run(root).info.status == "KILLED"


def test_an_experiment_in_a_copy_logs_to_the_main_repository(root, params, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.mkdir()
    monkeypatch.chdir(copy)
    with tracking.training_run(params(), "cnn", {}, Path("begun")):
        pass
    assert list(copy.iterdir()) == []
    assert only_run(root).info.artifact_uri.startswith((root / "mlartifacts").as_uri())


def test_the_experiments_name_and_baseline_are_tagged(root, params, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "brave-otter")
    with tracking.training_run(params(), "cnn", {}, Path("begun")):
        pass
    assert only_run(root).data.tags["dvc.exp"] == "brave-otter"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "sqlite:///{root}/mlflow.db"),
        ("sqlite:///runs.db", "sqlite:///{root}/runs.db"),
        ("sqlite:////elsewhere/runs.db", "sqlite:////elsewhere/runs.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_where_runs_go(monkeypatch, value, expected):
    root = Path("/main/repository")
    if value:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", value)
    assert store.tracking_uri(root) == expected.format(root=root.as_posix())


def test_without_a_server_work_goes_on_and_the_user_is_told_once(root, params, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens on discard
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    done = []
    with tracking.training_run(params(), "cnn", {}, Path("begun")) as run:
        for epoch in range(3):
            run.log_metrics({"loss": 1.0}, epoch)
            done.append(epoch)
        run.watch()
        run.log_inputs(params().dataset, "ab" * 32, {"train": 1})
        run.log_model(Path("model.keras"))
        run.register("digits", {"model": "cnn", "model.sha256": "aaa"}, "card")
    assert done == [0, 1, 2]
    assert capsys.readouterr().err.count("not tracked") == 1


def test_many_processes_may_meet_a_store_that_does_not_exist_yet(bare):
    script = textwrap.dedent(
        """
        import sys
        from menagerie.tracking import store
        store.experiment_id(store.client(), "digits")
        """
    )
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    started = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    errors = [process.communicate()[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    assert client(bare).get_experiment_by_name("digits") is not None


def evaluated(params, seed, accuracy, name):
    """A run that was trained and evaluated."""
    digest = f"{name} {seed} {accuracy}"
    settings = params(f"model={name}", f"seed={seed}")
    with tracking.training_run(settings, name, {"split.sha256": "abc"}, Path("begun")) as run:
        run.set_tags({"model.sha256": digest})
    with tracking.evaluation_run(params(f"model={name}"), name, digest) as run:
        run.log_metrics({"test_accuracy": accuracy, "test_n": 360})


def test_tested_runs_come_with_all_that_they_were_trained_with(root, params):
    evaluated(params, 1, 0.9, "cnn")
    evaluated(params, 2, 0.95, "ann")
    runs = store.evaluated_runs("digits").set_index("model")
    assert runs["test_accuracy"].to_dict() == {"cnn": 0.9, "ann": 0.95}
    assert list(runs["test_n"]) == [360, 360]
    assert list(runs["split.sha256"]) == ["abc", "abc"]
    assert runs["run_id"].is_unique
    assert runs["start_time"]["cnn"] <= runs["start_time"]["ann"]
    logged = runs.loc["cnn"].filter(like="params.").dropna()
    assert logged.rename(lambda key: key.removeprefix("params.")).to_dict() == tracking.settings(
        params("model=cnn", "seed=1"), "cnn"
    )


def test_runs_that_failed_or_go_on_or_were_not_tested_are_no_evaluated_runs(root, params):
    evaluated(params, 1, 0.9, "cnn")
    with tracking.training_run(params("model=cnn"), "cnn", {}, Path("begun")):
        pass
    with suppress(ValueError), tracking.training_run(params("model=cnn"), "cnn", {}, Path("begun")) as run:
        run.log_metrics({"test_accuracy": 0.1})
        raise ValueError
    with tracking.training_run(params("model=cnn"), "cnn", {}, Path("begun")) as run:
        run.log_metrics({"test_accuracy": 0.2})
        assert list(store.evaluated_runs("digits")["test_accuracy"]) == [0.9]


def test_a_tested_run_of_a_model_from_elsewhere_has_no_seed(root, params):
    with tracking.evaluation_run(params(), "cnn", "ccc") as run:
        run.log_metrics({"test_accuracy": 0.9})
    runs = store.evaluated_runs("digits")
    assert list(runs["model"]) == ["cnn"]
    assert runs["params.seed"].isna().all()


def test_more_tested_runs_than_the_store_gives_at_a_time(root, monkeypatch):
    monkeypatch.setattr(store, "PAGE", 3)
    own = store.client()
    experiment = store.experiment_id(own, "digits")
    for number in range(store.PAGE + 1):
        run = own.create_run(experiment, run_name=f"model_{number}")
        own.log_metric(run.info.run_id, "test_accuracy", 0.5)
        own.set_terminated(run.info.run_id)
    runs = store.evaluated_runs("digits")
    assert set(runs["model"]) == {f"model_{number}" for number in range(store.PAGE + 1)}


@pytest.mark.parametrize("uri", [None, "sqlite:///runs.db"])
def test_no_store_is_made_where_none_is(bare, monkeypatch, uri):
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(
        MenagerieError, match=r"no finished run of digits.*`dvc exp run --queue -S 'seed=1,2,3'`"
    ):
        store.evaluated_runs("digits")
    assert list(bare.iterdir()) == []


def test_reading_changes_nothing_in_the_store(root, params):
    evaluated(params, 1, 0.9, "cnn")
    before = (root / "mlflow.db").read_bytes()
    assert len(store.evaluated_runs("digits")) == 1
    with pytest.raises(MenagerieError, match="no finished run of sign_digits"):
        store.evaluated_runs("sign_digits")
    assert (root / "mlflow.db").read_bytes() == before


def test_a_server_that_is_away_is_an_error(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens on discard
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MenagerieError, match=r"\(MLFLOW_TRACKING_URI\) cannot be read: .*; start its server"):
        store.evaluated_runs("digits")


def test_a_store_of_a_newer_mlflow_is_told_with_the_remedy_and_not_called_old(root, params, capsys):
    """MLflow's own advice, `mlflow db upgrade`, ends in a traceback there."""
    with closing(sqlite3.connect(root / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    told = f"a newer MLflow than {mlflow.__version__}, which is installed here, has written it: pip install"
    with tracking.training_run(params(), "cnn", {}, Path("begun")):
        pass
    warned = capsys.readouterr().err
    assert told in warned
    assert "db upgrade" not in warned
    for ask in (tracking.sync, lambda: store.evaluated_runs("digits")):
        with pytest.raises(MenagerieError, match=re.escape(told)):
            ask()


def test_a_server_that_refuses_is_told_in_a_few_words(root, params, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with tracking.training_run(params(), "cnn", {}, Path("begun")):
        pass
    warned = capsys.readouterr().err
    assert re.search(r"for now: 127\.0\.0\.1:9 gives no answer \(.{,40} refused\); what", warned)


def test_a_file_that_is_no_database_is_an_error(bare):
    (bare / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(MenagerieError, match=r"mlflow\.db\) cannot be read: .*not a database"):
        store.evaluated_runs("digits")


def test_a_long_parameter_is_the_same_in_the_store_as_in_the_settings(root, params):
    long = params("model=cnn", f"+models.cnn.knobs.note={'x' * 7000}")
    with tracking.training_run(long, "cnn", {}, Path("begun")):
        pass
    assert only_run(root).data.params == tracking.settings(long, "cnn")


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow's, of a function of its own
def test_a_run_stores_its_model_once_and_what_is_measured_later_is_the_models_too(root, params, tmp_path):
    path = small_model(tmp_path / "model.keras", model_facts())
    with tracking.training_run(params(), "cnn", {"model.sha256": "aaa"}, Path("begun")) as run:
        run.log_model(path)
    with tracking.evaluation_run(params(), "cnn", "aaa") as run:
        run.log_model(path)
        run.log_metrics({"test/accuracy": 0.9})
    kept = only_run(root)
    assert kept.info.status == "FINISHED"
    (stored,) = client(root).search_logged_models([kept.info.experiment_id])
    assert stored.name == "model"
    assert {metric.key: metric.value for metric in stored.metrics} == {"test/accuracy": 0.9}
    assert kept.data.metrics == {"test/accuracy": 0.9}


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow's, of a function of its own
def test_a_model_restored_from_elsewhere_is_stored_when_it_is_tested(root, params, tmp_path):
    with tracking.evaluation_run(params(), "cnn", "ccc") as run:
        run.log_model(small_model(tmp_path / "model.keras", model_facts()))
    kept = only_run(root)
    (stored,) = client(root).search_logged_models([kept.info.experiment_id])
    assert stored.source_run_id == kept.info.run_id


def test_runs_are_found_by_study_data_set_experiment_and_commit(root, params, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "brave-otter")
    for name, study in (("cnn", "quickstart"), ("sign_cnn", "sign_digits")):
        with tracking.training_run(params(f"study={study}", f"model={name}"), name, {}, Path("begun")):
            pass
    own = client(root)
    experiments = [one.experiment_id for one in own.search_experiments()]
    for query, expected in {
        "tags.study = 'sign_digits'": {"sign_cnn"},
        "tags.dataset = 'digits'": {"cnn"},
        "tags.model = 'cnn'": {"cnn"},
        "tags.`dvc.exp` = 'brave-otter'": {"cnn", "sign_cnn"},
    }.items():
        assert {one.data.tags["model"] for one in own.search_runs(experiments, query)} == expected, query


def test_the_data_are_inputs_by_split_and_no_picture_is_copied(root, params):
    with tracking.training_run(params(), "cnn", {}, Path("begun")) as run:
        run.log_inputs(params().dataset, "ab" * 32, {"train": 1167, "val": 270})
    inputs = only_run(root).inputs.dataset_inputs
    assert {(one.dataset.name, one.dataset.digest, one.tags[0].value) for one in inputs} == {
        ("digits", "abababababababab-train", "train"),
        ("digits", "abababababababab-val", "val"),
    }
    assert {json.loads(one.dataset.profile)["pictures"] for one in inputs} == {1167, 270}
    assert mlflow.data.get_source(inputs[0]).url == params().dataset.homepage
    assert [path for path in root.rglob("*") if path.suffix in (".npy", ".png")] == []


def test_a_persons_own_pictures_are_inputs_from_their_folder(root, params, tmp_path):
    own = params("dataset=folder", f"dataset.source.path={tmp_path}", "model=cnn")
    with tracking.training_run(own, "cnn", {}, Path("begun")) as run:
        run.log_inputs(own.dataset, "ab" * 32, {"train": 5})
    (data,) = only_run(root, "folder").inputs.dataset_inputs
    assert mlflow.data.get_source(data).uri == tmp_path.as_uri()


def test_what_the_machine_does_is_logged_while_a_run_is_watched(root, params, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    with tracking.training_run(params(), "cnn", {}, Path("begun")) as run:
        run.watch()
        until = time.monotonic() + 30
        while not only_run(root).data.metrics and time.monotonic() < until:
            run.log_metrics({})
    measured = only_run(root).data.metrics
    assert 0 < measured["system/system_memory_usage_percentage"] <= 100
    assert "SystemMetricsMonitor" not in {thread.name for thread in threading.enumerate()}


def test_runs_that_an_earlier_version_tested_are_found_as_well(root, params):
    for name, metrics in {
        "cnn": {"test_accuracy": 0.9, "test_n": 360},
        "ann": {"test/accuracy": 0.8, "test/n": 359},
    }.items():
        with tracking.training_run(params(f"model={name}"), name, {}, Path("begun")) as run:
            run.log_metrics(metrics)
    runs = store.evaluated_runs("digits").set_index("model")
    assert runs["test_accuracy"].to_dict() == {"cnn": 0.9, "ann": 0.8}
    assert runs["test_n"].to_dict() == {"cnn": 360, "ann": 359}


def test_mlflow_lays_its_pages_out_for_networks_and_not_for_language_models(root, params):
    with tracking.training_run(params(), "cnn", {}, Path("begun")):
        pass
    experiment = client(root).get_experiment_by_name("digits")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow's, of a function of its own
def test_a_model_that_a_kill_left_half_stored_is_stored_anew(root, params, tmp_path):
    with tracking.training_run(params(), "cnn", {"model.sha256": "aaa"}, Path("begun")) as run:
        pass
    own = client(root)
    half = own.create_logged_model(only_run(root).info.experiment_id, "model", run.run_id)
    own.log_outputs(run.run_id, [mlflow.entities.LoggedModelOutput(half.model_id, 0)])
    with tracking.evaluation_run(params(), "cnn", "aaa") as run:
        run.log_model(small_model(tmp_path / "model.keras", model_facts()))
    (stored,) = own.search_logged_models([only_run(root).info.experiment_id])
    assert (stored.status, stored.model_id != half.model_id) == ("READY", True)


@pytest.mark.parametrize("version", ["2_22", "3_14"])
def test_a_store_of_an_earlier_mlflow_is_taken_up_with_the_runs_that_it_has(bare, params, version):
    text = (Path(__file__).parent / "stores" / f"mlflow_{version}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(bare / "mlflow.db")) as database:
        database.executescript(text)
    assert tracking.sync().moved_from == Path("/repository")
    evaluated(params, 1, 0.8, "ann")
    runs = store.evaluated_runs("digits").set_index("model")
    assert runs["test_accuracy"].to_dict() == {"cnn": 0.9, "ann": 0.8}
    kept = client(bare).get_run(runs["run_id"]["cnn"])
    assert kept.info.artifact_uri.startswith((bare / "mlartifacts").as_uri())

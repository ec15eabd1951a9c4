"""The whole pipeline, run by the real DVC in a clone of this repository, on the embedded digits."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from helpers import ROOT

mlflow = pytest.importorskip("mlflow")

TWO_MODELS = ("-S", "model=[cnn,cnn_augmented]", "-S", "compute.max_epochs=1")


def run(clone, *command, **environment):
    """Run a command in the clone as a user would, with this interpreter's environment active."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=clone,
        env=os.environ | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    done.everything = done.stdout + done.stderr
    return done


def succeed(clone, *command, **environment):
    done = run(clone, *command, **environment)
    assert done.returncode == 0, done.everything
    return done


def stages_run(done):
    return re.findall(r"Running stage '([^']+)'", done.everything)


def make_clone(target):
    """What a user gets from `git clone`: the files of the working tree that git knows or would add."""
    listed = succeed(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    succeed(target, "git", "init", "-q", "-b", "main")
    for key, value in {"user.name": "A User", "user.email": "user@example.org"}.items():
        succeed(target, "git", "config", key, value)
    succeed(target, "git", "add", "-A")
    succeed(target, "git", "commit", "-q", "-m", "A clone")
    return target


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone in which two models were trained for one epoch, everything committed."""
    target = make_clone(tmp_path_factory.mktemp("clone"))
    first = succeed(target, "dvc", "exp", "run", *TWO_MODELS)
    assert stages_run(first) == [
        "download", "prepare", "split", "train@cnn", "train@cnn_augmented",
        "evaluate@cnn", "evaluate@cnn_augmented", "compare",
    ]  # fmt: skip
    succeed(target, "git", "add", "-A")
    succeed(target, "git", "commit", "-q", "-m", "Two models")
    return target


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A clone with pictures and split, on which single stages are run by hand."""
    target = make_clone(tmp_path_factory.mktemp("prepared"))
    for stage in ("download", "prepare", "split"):
        succeed(target, sys.executable, "src", stage)
    return target


def runs_of(clone, experiment="digits"):
    store = mlflow.MlflowClient(f"sqlite:///{(clone / 'mlflow.db').as_posix()}")
    return store.search_runs([store.get_experiment_by_name(experiment).experiment_id])


def test_a_run_leaves_every_output_whole_and_one_finished_run_a_model(clone):
    summary = json.loads((clone / "metrics/digits/summary.json").read_text(encoding="utf-8"))
    assert set(summary["models"]) == {"cnn", "cnn_augmented"}
    assert summary["best"]["model"] in summary["models"]
    test = pd.read_csv(clone / "metrics/digits/models/cnn/predictions.csv")
    assert len(test) == 360
    hits = (test["actual"] == test["predicted"]).mean()
    assert hits == pytest.approx(summary["models"]["cnn"]["accuracy"])
    assert not list(clone.rglob("*.part"))
    runs = runs_of(clone)
    assert sorted(kept.info.run_name for kept in runs) == ["cnn", "cnn_augmented"]
    for kept in runs:
        assert kept.info.status == "FINISHED"
        assert kept.data.metrics["test_accuracy"] == summary["models"][kept.info.run_name]["accuracy"]
        assert kept.data.tags["dvc.exp"]


def test_the_report_has_each_models_number(clone):
    report = (clone / "reports/digits.md").read_text(encoding="utf-8")
    summary = json.loads((clone / "metrics/digits/summary.json").read_text(encoding="utf-8"))
    for name, values in summary["models"].items():
        assert re.search(rf"\| {name} +\| {100 * values['accuracy']:.2f} ", report)


def test_nothing_to_do_runs_no_stage(clone):
    assert "up to date" in succeed(clone, "dvc", "status").stdout
    assert stages_run(succeed(clone, "dvc", "repro")) == []
    assert succeed(clone, "git", "status", "--porcelain").stdout == ""


def test_another_learning_rate_reruns_that_model_alone(clone):
    change = "models.cnn.phases.main.learning_rate=0.003"
    again = succeed(clone, "dvc", "exp", "run", *TWO_MODELS, "-S", change)
    assert stages_run(again) == ["train@cnn", "evaluate@cnn", "compare"]
    rates = pd.read_csv(clone / "models/digits/cnn/history.csv")["learning_rate"]
    assert rates.iloc[0] == pytest.approx(0.003)
    back = succeed(clone, "dvc", "exp", "run", *TWO_MODELS)
    # Models come back from DVC's cache; a stage with an output in git, the report, is not kept there.
    assert stages_run(back) == ["compare"]


def test_a_queued_experiment_runs_its_snapshot_and_logs_to_the_same_store(clone):
    before = {kept.info.run_id for kept in runs_of(clone)}
    succeed(
        clone, "dvc", "exp", "run", "--queue", "-S", "model=cnn", "-S", "compute.max_epochs=1", "-S", "seed=7"
    )
    training = clone / "src/menagerie/training.py"
    kept = training.read_text(encoding="utf-8")
    training.write_text("raise RuntimeError('the workspace was edited after queueing')\n", encoding="utf-8")
    try:
        succeed(clone, "dvc", "exp", "run", "--run-all")
    finally:
        training.write_text(kept, encoding="utf-8")
    (new,) = [found for found in runs_of(clone) if found.info.run_id not in before]
    assert (new.data.params["seed"], new.info.status) == ("7", "FINISHED")
    assert new.info.artifact_uri.startswith((clone / "mlartifacts").as_uri())
    shown = json.loads(succeed(clone, "dvc", "exp", "show", "--json").stdout)
    assert "Failed" not in json.dumps(shown)
    told = succeed(clone, "menagerie", "report", "--replicates").stdout
    assert re.search(r"^ *cnn +2 +7, 42 ", told, flags=re.MULTILINE), told
    assert "7, 42" in (clone / "reports/digits.html").read_text(encoding="utf-8")


def test_an_unknown_choice_is_refused_with_the_known_ones(clone):
    before = (clone / "params.yaml").read_bytes()
    wrong = run(clone, "dvc", "exp", "run", "-S", "model=cnm")
    assert wrong.returncode != 0
    assert "cnn_augmented" in wrong.everything
    assert run(clone, "dvc", "exp", "run", "-S", "study=signs").returncode != 0
    assert run(clone, "dvc", "exp", "run", "-S", "models.cnn.batchsize=3").returncode != 0
    assert (clone / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("what", [["show"], ["diff", "HEAD"]])
def test_dvc_draws_curves_bars_and_confusion_matrices(clone, tmp_path, what):
    succeed(clone, "dvc", "plots", *what, "-o", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for title in (
        "Confusion of cnn",
        "Confusion of cnn_augmented",
        "Validation accuracy by model",
        "Validation loss by model",
        "Test accuracy",
        "Train less test accuracy",
        "ROC, macro average",
    ):
        assert title in page


def test_a_page_for_people_is_made_of_what_the_run_left(clone):
    assert "wrote reports/digits.html" in succeed(clone, "menagerie", "report").stdout.replace(os.sep, "/")
    page = (clone / "reports/digits.html").read_text(encoding="utf-8")
    summary = json.loads((clone / "metrics/digits/summary.json").read_text(encoding="utf-8"))
    for name, values in summary["models"].items():
        assert f'id="model-{name}"' in page
        assert f"{100 * values['accuracy']:.2f}" in page
    assert succeed(clone, "git", "status", "--porcelain").stdout == ""


def test_robustness_is_measured_where_it_is_asked_for_and_trains_nothing(clone):
    try:
        again = succeed(clone, "dvc", "exp", "run", *TWO_MODELS, "-S", "evaluation.robustness=true")
        assert stages_run(again) == ["evaluate@cnn", "evaluate@cnn_augmented", "compare"]
        table = pd.read_csv(clone / "metrics/digits/models/cnn/robustness.csv")
        assert len(table) == 7 * 5
        assert (table["n"] == 360).all()
        report = (clone / "reports/digits.md").read_text(encoding="utf-8")
        assert "## Robustness" in report
    finally:
        succeed(clone, "git", "checkout", "-q", "--", ".")
        succeed(clone, "dvc", "checkout", "-q")


@pytest.mark.parametrize("stage", ["download", "prepare", "split", "compare"])
def test_a_stage_without_a_network_imports_no_keras(clone, stage):
    done = succeed(clone, sys.executable, "-X", "importtime", "src", stage)
    loaded = {
        line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line
    }
    assert "menagerie" in loaded
    assert not loaded & {"keras", "tensorflow", "mlflow", "torch", "jax"}


def test_sign_digits_from_the_mirror_have_the_published_split(clone, mirror):
    succeed(clone, "dvc", "exp", "run", "split", "-S", "study=sign_digits", MENAGERIE_MIRROR=str(mirror))
    report = json.loads((clone / "data/sign_digits/report.json").read_text(encoding="utf-8"))
    assert report["splits"] == {"train": 1650, "val": 412, "test": 412}
    assert report["test_pictures_also_in"] == {"train": 0, "val": 412}


def test_a_persons_own_folder_is_enough_and_its_changes_are_noticed(clone, tmp_path):
    pictures = tmp_path / "my pictures"
    rng = np.random.default_rng(0)
    for name in ("red ones", "grün"):
        (pictures / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(pictures / name / f"a picture {number}.jpg")
    choice = ("-S", "dataset=folder", "-S", f"dataset.source.path={pictures}", "-S", "model=cnn")
    succeed(clone, "dvc", "exp", "run", "split", *choice)
    report = json.loads((clone / "data/folder/report.json").read_text(encoding="utf-8"))
    assert report["splits"] == {"train": 15, "val": 4, "test": 5}
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == []

    Image.new("RGB", (9, 9)).save(pictures / "grün" / "new.png")
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["download", "prepare", "split"]
    report = json.loads((clone / "data/folder/report.json").read_text(encoding="utf-8"))
    assert report["pictures"] == 25


def test_a_folder_that_is_not_given_is_asked_for(clone):
    asked = run(clone, "dvc", "exp", "run", "split", "-S", "dataset=folder")
    assert asked.returncode != 0
    assert "dataset.source.path must be given: dvc exp run -S 'dataset.source.path=...'" in asked.everything


def test_the_jpeg_copy_of_cifar10_prepares_whole(clone, mirror):
    succeed(clone, "dvc", "exp", "run", "split", "-S", "dataset=cifar10_images", MENAGERIE_MIRROR=str(mirror))
    report = json.loads((clone / "data/cifar10_images/report.json").read_text(encoding="utf-8"))
    assert report["pictures"] == 60_000
    assert [sum(counts.values()) for counts in report["classes"].values()] == [6000] * 10
    assert report["splits"]["test"] == 10_000


# single stages and bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "unknown stage"),
        (["trian", "cnn"], "did you mean 'train'"),
        (["train"], "usage: python src train <model>"),
        (["split", "cnn"], "usage: python src split"),
    ],
)
def test_a_wrong_call_says_what_is_right(prepared, arguments, message):
    wrong = run(prepared, sys.executable, "src", *arguments)
    assert (wrong.returncode, message in wrong.stderr) == (2, True), wrong.stderr


def test_a_model_that_params_do_not_have_is_named(prepared):
    wrong = run(prepared, sys.executable, "src", "train", "cnm")
    assert wrong.returncode == 1
    assert "unknown model 'cnm'; did you mean 'cnn'?" in wrong.stderr
    assert not (prepared / "models").exists()


def test_outside_the_root_the_fix_is_named(prepared, tmp_path):
    wrong = run(tmp_path, sys.executable, str(prepared / "src"), "split")
    assert wrong.returncode == 1
    assert "run from the root of the repository" in wrong.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_that_is_none_stops_evaluation(prepared):
    folder = prepared / "models/digits/cnn"
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(b"not a model")
    (folder / "history.csv").write_text("epoch\n", encoding="utf-8")
    wrong = run(prepared, sys.executable, "src", "evaluate", "cnn")
    shutil.rmtree(prepared / "models")
    assert wrong.returncode == 1
    assert "is no model that Keras can read" in wrong.stderr
    assert not (prepared / "metrics").exists() or not (prepared / "metrics/digits/models/cnn").exists()


@pytest.mark.parametrize("stage", ["download", "prepare", "split"])
def test_a_full_disk_leaves_nothing_half_written(prepared, tmp_path, stage):
    """The system refuses to let a file grow past 4 KiB, as a full disk would."""
    full = tmp_path / "full"
    shutil.copytree(prepared, full, ignore=shutil.ignore_patterns(".work"))
    outputs = {
        "download": ["raw", "source.json"],
        "prepare": ["images.npy"],
        "split": ["split.csv", "report.json"],
    }
    for name in outputs[stage]:
        shutil.rmtree(full / "data/digits" / name, ignore_errors=True)
        (full / "data/digits" / name).unlink(missing_ok=True)
    limited = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); \
import runpy; sys.argv = ['src', '{stage}']; runpy.run_path('src', run_name='__main__')"
    wrong = run(full, sys.executable, "-c", limited)
    assert wrong.returncode == 1, wrong.everything
    assert wrong.stderr.strip().splitlines()[-1].startswith("error: "), wrong.stderr
    assert not (full / "data/digits" / outputs[stage][0]).exists()
    assert not list(full.rglob("*.part"))
    succeed(full, sys.executable, "src", stage)  # with room again, it ends well


def test_a_killed_training_leaves_no_output_and_a_terminated_one_ends_its_run(prepared):
    for sent in (signal.SIGKILL, signal.SIGTERM):
        command = [sys.executable, "src", "train", "cnn"]
        with subprocess.Popen(command, cwd=prepared, stdout=subprocess.PIPE, text=True) as training:
            next(line for line in training.stdout if "val_loss" in line)  # the first epoch is over
            training.send_signal(sent)
            training.stdout.read()
        assert training.returncode != 0
        assert not (prepared / "models/digits/cnn").exists()
    assert sorted(kept.info.status for kept in runs_of(prepared)) == ["KILLED", "RUNNING"]


# As `python src train cnn`, with a checkpoint after each epoch.
EAGER = """
import runpy, sys
sys.path.insert(0, "src")
from menagerie import checkpoints
checkpoints.EVERY = 0
sys.argv = ["src", "train", "cnn"]
runpy.run_path("src", run_name="__main__")
"""


def test_a_killed_training_goes_on_where_it_stood_and_ends_with_the_same_bytes(prepared):
    outputs = [prepared / "models/digits/cnn" / name for name in ("model.keras", "history.csv")]
    succeed(prepared, sys.executable, "src", "train", "cnn")
    expected = [output.read_bytes() for output in outputs]
    shutil.rmtree(prepared / "models/digits/cnn")
    command = [sys.executable, "-c", EAGER]
    with subprocess.Popen(command, cwd=prepared, stdout=subprocess.PIPE, text=True) as training:
        for _ in range(4):
            next(line for line in training.stdout if "val_loss" in line)
        training.kill()
        training.stdout.read()
    assert not (prepared / "models/digits/cnn").exists()
    done = succeed(prepared, sys.executable, "src", "train", "cnn")
    assert "train@cnn: goes on where a run was stopped before" in done.stdout
    assert "Epoch 1/" not in done.stdout
    assert [output.read_bytes() for output in outputs] == expected
    assert not list((prepared / ".work/checkpoints").glob("*.npz"))
    shutil.rmtree(prepared / "models/digits/cnn")


# pretrained bases

XCEPTION = ("dvc", "exp", "run", "-S", "model=xception_partial", "-S", "compute.max_epochs=1")


def test_weights_that_cannot_be_had_end_with_the_file_and_the_way_out(clone, tmp_path):
    (tmp_path / "mirror").mkdir()
    homes = {"KERAS_HOME": str(tmp_path / "keras"), "MENAGERIE_MIRROR": str(tmp_path / "mirror")}
    nowhere = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}  # no network
    done = run(clone, *XCEPTION, **homes, **nowhere)
    try:
        assert done.returncode != 0
        assert "xception_weights_tf_dim_ordering_tf_kernels_notop.h5" in done.everything
        assert "dvc exp run -S model=xception_partial -S models.xception_partial.weights=random" in (
            done.everything
        )
        assert "Traceback" not in done.everything
        assert not (clone / "models/digits/xception_partial").exists()
    finally:
        succeed(clone, "git", "checkout", "-q", "--", ".")


@pytest.mark.slow
def test_a_pretrained_base_runs_with_random_weights_on_the_embedded_data(clone):
    try:
        succeed(clone, *XCEPTION, "-S", "models.xception_partial.weights=random")
        metrics = json.loads(
            (clone / "metrics/digits/models/xception_partial/metrics.json").read_text("utf-8")
        )
        assert metrics["test"]["n"] == 360
    finally:
        succeed(clone, "git", "checkout", "-q", "--", ".")


@pytest.mark.slow
def test_a_second_head_on_a_frozen_base_makes_no_pass_of_the_base(clone):
    name = "mobilenet_v2_transfer"
    once = ("dvc", "exp", "run", "-S", f"model={name}", "-S", f"models.{name}.weights=random")
    small = (*once, "-S", "compute.max_epochs=1", "-S", f"models.{name}.image_size=[32,32]")
    try:
        succeed(clone, *small)
        (kept,) = (clone / ".work/prefixes").glob("*.npy")
        file = kept.stat().st_ino
        head = f"models.{name}.head=[{{layer: Dense, settings: {{units: 7}}}}]"
        succeed(clone, *small, "-S", head)
        assert list((clone / ".work/prefixes").glob("*.npy")) == [kept]
        assert kept.stat().st_ino == file
    finally:
        succeed(clone, "git", "checkout", "-q", "--", ".")


# the default study as users get it


@pytest.mark.slow
def test_two_clean_runs_give_the_same_lock_and_the_promised_accuracy(tmp_path):
    locks = []
    for name in ("one", "two"):
        target = tmp_path / name
        target.mkdir()
        make_clone(target)
        succeed(target, "dvc", "repro")
        locks.append(yaml.safe_load((target / "dvc.lock").read_text(encoding="utf-8")))
        summary = json.loads((target / "metrics/digits/summary.json").read_text(encoding="utf-8"))
        assert summary["models"]["cnn"]["accuracy"] >= 0.95
        assert "up to date" in succeed(target, "dvc", "status").stdout
        assert sorted(kept.info.status for kept in runs_of(target)) == ["FINISHED"] * 3
    assert locks[0] == locks[1]


@pytest.mark.slow
def test_the_sign_digits_study_reproduces_its_notebook(tmp_path, mirror):
    clone = make_clone(tmp_path)
    succeed(clone, "dvc", "exp", "run", "-S", "study=sign_digits", MENAGERIE_MIRROR=str(mirror))
    report = (clone / "reports/sign_digits.md").read_text(encoding="utf-8")
    for model, reported in {
        "sign_cnn": 90.53,
        "sign_cnn_decay_high": 85.44,
        "sign_cnn_decay_low": 80.34,
    }.items():
        reached = float(re.search(rf"\| {model} +\| val +\| {reported} +\| (\d+\.\d+)", report)[1])
        assert reached > reported - 5

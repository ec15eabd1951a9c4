"""The whole pipeline, run by the real DVC in a clone of this repository, on small pictures."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import colours, make_clone, run, stages_run, succeed
from menagerie.files import file_sha256

mlflow = pytest.importorskip("mlflow")


def runs_of(clone, experiment="colours"):
    store = mlflow.MlflowClient(f"sqlite:///{(clone / 'mlflow.db').as_posix()}")
    return store.search_runs([store.get_experiment_by_name(experiment).experiment_id])


def summary_of(clone):
    return json.loads((clone / "metrics/colours/summary.json").read_text(encoding="utf-8"))


@contextmanager
def put_back(clone):
    """Whatever happens to the clone's files and outputs is undone."""
    try:
        yield
    finally:
        succeed(clone, "git", "checkout", "-q", "--", ".")
        succeed(clone, "dvc", "checkout", "-q")


# a run, and what reruns


def test_a_run_leaves_every_output_whole_and_one_finished_run_a_model(clone):
    summary = summary_of(clone)
    assert set(summary["models"]) == {"cnn_wide", "linear"}
    assert summary["best"]["model"] in summary["models"]
    test = pd.read_csv(clone / "metrics/colours/models/linear/predictions.csv")
    hits = (test["actual"] == test["predicted"]).mean()
    assert hits == pytest.approx(summary["models"]["linear"]["accuracy"])
    assert not list(clone.rglob("*.part"))
    runs = runs_of(clone)
    assert sorted(kept.data.tags["model"] for kept in runs) == ["cnn_wide", "linear"]
    for kept in runs:
        assert kept.info.status == "FINISHED"
        assert kept.data.metrics["test/accuracy"] == summary["models"][kept.data.tags["model"]]["accuracy"]
        assert kept.data.tags["dvc.exp"]


def test_a_new_model_is_one_file_of_six_lines_and_a_new_architecture_one_module(clone):
    added = succeed(clone, "git", "diff", "--name-only", "--diff-filter=A", "HEAD~1").stdout.split()
    code = [name for name in added if name.startswith(("conf/", "src/"))]
    assert code == ["conf/model/cnn_wide.yaml", "conf/model/linear.yaml", "src/menagerie/models/linear.py"]
    assert len((clone / code[0]).read_text(encoding="utf-8").splitlines()) <= 6
    changed = succeed(clone, "git", "diff", "--name-only", "--diff-filter=M", "HEAD~1").stdout.split()
    assert {name for name in changed if name.startswith(("conf/", "src/"))} == set()
    report = (clone / "reports/colours.md").read_text(encoding="utf-8")
    for name, values in summary_of(clone)["models"].items():
        assert re.search(rf"\| \**{name}\** +\| {100 * values['accuracy']:.2f} ", report)


def test_nothing_to_do_runs_no_stage(clone):
    assert stale(clone) == set()
    assert stages_run(succeed(clone, "dvc", "repro")) == []
    assert succeed(clone, "git", "status", "--porcelain").stdout == ""


def stale(clone):
    """The stages that `dvc repro` would look at first: those with a dependency that changed, but for look."""
    status = json.loads(succeed(clone, "dvc", "status", "--json").stdout)
    assert "always changed" in status.pop("look@folder")  # what it looks at is no dependency of DVC's
    return set(status)


NAMES = ("cnn_wide", "linear")
ALL = {"download", "prepare", "split", "train@cnn_wide", "train@linear", "evaluate@cnn_wide"}
ALL |= {"evaluate@linear", "replicate@cnn_wide", "replicate@linear", "compare"}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("params/model.py", set()),  # an optimizer's name
        ("tracking/run.py", set()),
        ("download/wire/http.py", {"download"}),
        ("download/sources/zenodo.py", set()),  # these pictures come from a folder
        ("prepare/decoding.py", {"prepare"}),
        ("split/policies.py", {"split"}),
        ("models/linear.py", {"train@linear", "replicate@linear"}),
        ("models/resnet.py", set()),
        ("train/optimizing.py", {f"{stage}@{name}" for stage in ("train", "replicate") for name in NAMES}),
        ("evaluate/corruptions.py", {"evaluate@cnn_wide", "evaluate@linear"}),
        ("plots/model.py", {"evaluate@cnn_wide", "evaluate@linear"}),
        ("plots/style.py", {"split", "evaluate@cnn_wide", "evaluate@linear", "compare"}),
        ("compare/leaderboard.py", {"compare"}),
        ("archives/layout.py", {"download", "prepare", "split"}),
    ],
)
def test_an_edit_concerns_just_the_stages_that_use_the_file(clone, file, expected):
    path = clone / "src/menagerie" / file
    kept = path.read_bytes()
    path.write_bytes(kept + b"# edited\n")
    try:
        assert stale(clone) == expected
    finally:
        path.write_bytes(kept)


def test_another_style_of_figures_trains_nothing(clone):
    style = clone / "src/menagerie/plots/style.py"
    with put_back(clone):
        style.write_text(style.read_text(encoding="utf-8").replace("#4477aa", "#4466bb"), encoding="utf-8")
        assert stages_run(succeed(clone, "dvc", "repro", "train")) == ["split"]


def test_another_cache_limit_runs_nothing(clone, choice):
    with put_back(clone):
        again = succeed(clone, "dvc", "exp", "run", *choice, "-S", "compute.cache_gb=1")
        assert "compute.cache_gb" not in again.everything
        assert "cache_gb: 1" in (clone / "params.yaml").read_text(encoding="utf-8")
        assert stages_run(again) == []


def test_another_learning_rate_reruns_that_model_alone(clone, choice):
    change = "models.linear.phases.main.learning_rate=0.003"
    with put_back(clone):
        again = succeed(clone, "dvc", "exp", "run", *choice, "-S", change)
        assert stages_run(again) == ["train@linear", "evaluate@linear", "replicate@linear", "compare"]
        rates = pd.read_csv(clone / "models/colours/linear/history.csv")["learning_rate"]
        assert rates.iloc[0] == pytest.approx(0.003)
        back = succeed(clone, "dvc", "exp", "run", *choice)
        # Models come back from DVC's cache; a stage with an output in git, the report, is not kept there.
        assert stages_run(back) == ["compare"]


def test_robustness_is_measured_where_it_is_asked_for_and_trains_nothing(clone, pictures):
    one = [part for setting in colours(pictures, "linear") for part in ("-S", setting)]
    with put_back(clone):
        again = succeed(clone, "dvc", "exp", "run", *one, "-S", "evaluation.robustness=true")
        assert stages_run(again) == ["evaluate@linear", "compare"]
        table = pd.read_csv(clone / "metrics/colours/models/linear/robustness.csv")
        assert len(table) == 7 * 5
        assert "## Robustness" in (clone / "reports/colours.md").read_text(encoding="utf-8")


# experiments, figures, pages


@pytest.mark.parametrize("stage", ["download", "prepare", "split", "compare"])
def test_a_stage_without_a_network_imports_no_keras(clone, stage):
    """And none but compare, which names the champion, MLflow."""
    done = succeed(clone, sys.executable, "-X", "importtime", "src", stage)
    loaded = {
        line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line
    }
    assert "menagerie" in loaded
    expected = {"mlflow"} if stage == "compare" else set()
    assert loaded & {"keras", "tensorflow", "mlflow", "torch", "jax"} == expected


def test_a_queued_experiment_runs_its_snapshot_and_logs_to_the_same_store(clone, pictures):
    before = {kept.info.run_id for kept in runs_of(clone)}
    one = [part for setting in colours(pictures, "linear") for part in ("-S", setting)]
    succeed(clone, "dvc", "exp", "run", "--queue", *one, "-S", "seed=7")
    training = clone / "src/menagerie/train/fitting.py"
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
    told = succeed(clone, "menagerie", "report", "--replicates", PYTHONPATH="src").stdout
    assert re.search(r"^ *linear +2 +7, 42 ", told, flags=re.MULTILINE), told
    assert "7, 42" in (clone / "reports/colours.html").read_text(encoding="utf-8")


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
        "Confusion of cnn_wide",
        "Confusion of linear",
        "Validation accuracy by model",
        "Validation loss by model",
        "Test accuracy",
        "Train less test accuracy",
        "ROC, macro average",
    ):
        assert title in page


def test_dvc_shows_figures_without_a_network(clone, tmp_path):
    figures = sorted(
        path.relative_to(clone).as_posix() for path in clone.glob("plots/colours/comparison/*.png")
    )
    succeed(clone, "dvc", "plots", "show", *figures, "-o", str(tmp_path))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    sources = re.findall(r'<img src="([^"]+)"', page)
    assert len(sources) == len(figures) == 4
    assert all((tmp_path / source).read_bytes().startswith(b"\x89PNG") for source in sources)


def test_a_page_for_people_is_made_of_what_the_run_left(clone):
    told = succeed(clone, "menagerie", "report", PYTHONPATH="src").stdout
    assert "wrote reports/colours.html" in told.replace(os.sep, "/")
    page = (clone / "reports/colours.html").read_text(encoding="utf-8")
    for name, values in summary_of(clone)["models"].items():
        assert f'id="model-{name}"' in page
        assert f"{100 * values['accuracy']:.2f}" in page
    assert succeed(clone, "git", "status", "--porcelain").stdout == ""


# pictures


def test_sign_digits_from_the_mirror_have_the_published_split(clone, mirror):
    with put_back(clone):
        succeed(clone, "dvc", "exp", "run", "split", "-S", "study=sign_digits", MENAGERIE_MIRROR=str(mirror))
        report = json.loads((clone / "data/sign_digits/report.json").read_text(encoding="utf-8"))
        assert report["splits"] == {"train": 1650, "val": 412, "test": 412}
        assert report["test_pictures_also_in"] == {"train": 0, "val": 412}


def red_ones(clone):
    table = pd.read_csv(clone / "data/folder/split.csv")
    return table[table["class"] == "red ones"].set_index("path")["split"].to_dict()


def test_a_persons_own_folder_is_enough_and_its_changes_are_noticed(clone, tmp_path):
    own = tmp_path / "my pictures"
    rng = np.random.default_rng(0)
    for name in ("red ones", "grün"):
        (own / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(own / name / f"a picture {number}.jpg")
    choice = ("-S", "dataset=folder", "-S", f"dataset.source.path={own}", "-S", "model=cnn")
    with put_back(clone):
        succeed(clone, "dvc", "exp", "run", "split", *choice)
        report = json.loads((clone / "data/folder/report.json").read_text(encoding="utf-8"))
        assert sum(report["splits"].values()) == 24
        before = red_ones(clone)
        assert stages_run(succeed(clone, "dvc", "repro", "split")) == []

        Image.new("RGB", (9, 9)).save(own / "grün" / "new.png")
        assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["download", "prepare", "split"]
        report = json.loads((clone / "data/folder/report.json").read_text(encoding="utf-8"))
        assert report["pictures"] == 25
        assert red_ones(clone) == before


def test_a_persons_own_list_deals_the_pictures_out_and_its_changes_are_noticed(clone, choice, tmp_path):
    paths = sorted(pd.read_csv(clone / "data/colours/manifest.csv")["path"])
    said = ["train", "train", "val", "test"]
    own = tmp_path / "my splits.csv"
    lines = [f"{path},{said[place % 4]}\n" for place, path in enumerate(paths)]
    own.write_text("path,split\n" + "".join(lines), encoding="utf-8")
    with put_back(clone):
        chosen = ("-S", "split=file", "-S", f"dataset.split.path={own}")
        succeed(clone, "dvc", "exp", "run", "split", *choice, *chosen)
        table = pd.read_csv(clone / "data/colours/split.csv").set_index("path")["split"]
        assert table[paths].tolist() == [said[place % 4] for place in range(len(paths))]
        assert stages_run(succeed(clone, "dvc", "repro", "split")) == []

        own.write_text("path,split\n" + "".join([*lines[:-1], f"{paths[-1]},none\n"]), encoding="utf-8")
        assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["split"]
        table = pd.read_csv(clone / "data/colours/split.csv").set_index("path")["split"]
        assert paths[-1] not in table.index


def test_labels_that_a_person_put_right_are_used_and_their_changes_are_noticed(clone, choice, tmp_path):
    paths = pd.read_csv(clone / "data/colours/manifest.csv")["path"].tolist()
    own = tmp_path / "my labels.csv"
    own.write_text(f"path,class\n{paths[0]},red\n", encoding="utf-8")

    def classes():
        return (
            pd.read_csv(clone / "data/colours/split.csv").set_index("path").loc[paths[:2], "class"].tolist()
        )

    with put_back(clone):
        assert classes() == ["blue", "blue"]
        chosen = ("-S", f"dataset.labels_fixed={own}")
        succeed(clone, "dvc", "exp", "run", "split", *choice, *chosen)
        assert classes() == ["red", "blue"]
        assert stages_run(succeed(clone, "dvc", "repro", "split")) == []

        own.write_text(f"path,class\n{paths[1]},red\n", encoding="utf-8")
        assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["split"]
        assert classes() == ["blue", "red"]


def test_a_folder_that_is_not_given_is_asked_for(clone):
    with put_back(clone):
        asked = run(clone, "dvc", "exp", "run", "split", "-S", "dataset=folder")
    assert asked.returncode != 0
    assert "dataset.source.path must be given: dvc exp run -S 'dataset.source.path=...'" in asked.everything


@pytest.mark.slow
def test_the_jpeg_copy_of_cifar10_prepares_whole(clone, mirror):
    with put_back(clone):
        chosen = ("-S", "dataset=cifar10_images", "-S", "split=cifar10_images_val")
        succeed(clone, "dvc", "exp", "run", "split", *chosen, MENAGERIE_MIRROR=str(mirror))
        report = json.loads((clone / "data/cifar10_images/report.json").read_text(encoding="utf-8"))
        assert report["pictures"] == 60_000
        assert [sum(counts.values()) for counts in report["classes"].values()] == [6000] * 10
        assert report["splits"]["test"] == 10_000


# a training that is stopped

# As `python src train linear`, with a checkpoint after each epoch.
EAGER = """
import runpy, sys
sys.path.insert(0, "src")
from menagerie.train import checkpoints
checkpoints.EVERY = 0
sys.argv = ["src", "train", "linear"]
runpy.run_path("src", run_name="__main__")
"""


def stop_after(clone, command, epochs, sent):
    """Its exit code and the last line that it wrote."""
    with subprocess.Popen(
        command,
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # no shell's background job
    ) as training:
        for _ in range(epochs):
            next(line for line in training.stdout if "val_loss" in line)
        training.send_signal(sent)
        told = training.stdout.read().splitlines()
    assert training.returncode != 0
    assert not (clone / "models/colours/linear").exists()
    return training.returncode, (told or [""])[-1]


def test_a_stopped_training_leaves_no_output_and_goes_on_to_the_same_bytes(clone):
    outputs = [clone / "models/colours/linear" / name for name in ("model.keras", "history.csv")]
    with put_back(clone):
        expected = [output.read_bytes() for output in outputs]
        for output in outputs:
            output.unlink()
        outputs[0].parent.rmdir()
        before = {one.info.run_id for one in runs_of(clone)}
        stop_after(clone, [sys.executable, "src", "train", "linear"], 1, signal.SIGTERM)
        assert runs_of(clone)[0].info.status == "KILLED"
        ended = stop_after(clone, [sys.executable, "src", "train", "linear"], 1, signal.SIGINT)
        assert ended == (130, "train: interrupted; the next run goes on from what it has kept")
        stop_after(clone, [sys.executable, "-c", EAGER], 2, signal.SIGKILL)
        done = succeed(clone, "python", "src", "train", "linear")
        assert "train@linear: goes on where a run was stopped before" in done.stdout
        assert "Epoch 1/" not in done.stdout
        assert [output.read_bytes() for output in outputs] == expected
        history = pd.read_csv(outputs[1])
        (kept,) = history[history["kept"]].itertuples()
        told = f"epoch {kept.epoch} of {len(history)} kept, val accuracy {kept.val_accuracy:.4f}"
        assert done.stdout.splitlines()[-1] == f"train@linear: wrote models/colours/linear: {told}"
        assert not [path for path in (clone / ".work/checkpoints").iterdir() if path.suffix != ".lock"]
        (one,) = [run for run in runs_of(clone) if run.info.run_id not in before]
        assert one.info.status == "FINISHED"
        assert one.data.tags["model.sha256"] == file_sha256(outputs[0])
        store = mlflow.MlflowClient(f"sqlite:///{(clone / 'mlflow.db').as_posix()}")
        epochs = [metric.step for metric in store.get_metric_history(one.info.run_id, "val_loss")]
        assert epochs == history["epoch"].to_list()


# pretrained bases

XCEPTION = ("dvc", "exp", "run", "-S", "model=xception_partial", "-S", "compute.max_epochs=1")


def test_weights_that_cannot_be_had_end_with_the_file_and_the_way_out(clone, tmp_path):
    file = tmp_path / "mirror" / "weights" / "xception_weights_tf_dim_ordering_tf_kernels_notop.h5"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not what Keras published")
    homes = {"KERAS_HOME": str(tmp_path / "keras"), "MENAGERIE_MIRROR": str(tmp_path / "mirror")}
    with put_back(clone):
        done = run(clone, *XCEPTION, **homes)
    assert done.returncode != 0
    assert f"{file}: expected md5" in done.everything
    way_out = "dvc exp run -S model=xception_partial -S models.xception_partial.weights=random"
    assert way_out in done.everything
    assert "Traceback" not in done.everything
    assert not (clone / "models/digits/xception_partial").exists()


@pytest.mark.slow
def test_a_pretrained_base_runs_with_random_weights_on_the_embedded_data(clone):
    with put_back(clone):
        done = succeed(clone, *XCEPTION, "-S", "models.xception_partial.weights=random")
        assert "the outputs of colours are put away in DVC's cache" in done.stdout
        metrics = clone / "metrics/digits/models/xception_partial/metrics.json"
        assert json.loads(metrics.read_text("utf-8"))["test"]["n"] == 360


@pytest.mark.slow
def test_a_second_head_on_a_frozen_base_makes_no_pass_of_the_base(clone):
    name = "mobilenet_v2_transfer"
    once = ("dvc", "exp", "run", "-S", f"model={name}", "-S", f"models.{name}.weights=random")
    small = (*once, "-S", "compute.max_epochs=1", "-S", f"models.{name}.image_size=[32,32]")
    with put_back(clone):
        succeed(clone, *small)
        (kept,) = (clone / ".work/prefixes").glob("*.npy")
        file = kept.stat().st_ino
        head = f"models.{name}.head=[{{layer: Dense, settings: {{units: 7}}}}]"
        succeed(clone, *small, "-S", head)
        assert list((clone / ".work/prefixes").glob("*.npy")) == [kept]
        assert kept.stat().st_ino == file


# the studies as users get them


@pytest.mark.slow
def test_two_clean_runs_give_the_same_lock_and_the_promised_accuracy(tmp_path):
    locks = []
    for name in ("one", "two"):
        target = tmp_path / name
        target.mkdir()
        make_clone(target)
        succeed(target, "dvc", "repro")
        locks.append((target / "dvc.lock").read_text(encoding="utf-8"))
        summary = json.loads((target / "metrics/digits/summary.json").read_text(encoding="utf-8"))
        assert summary["models"]["cnn"]["accuracy"] >= 0.95
        assert "up to date" in succeed(target, "dvc", "status").stdout
        assert sorted(kept.info.status for kept in runs_of(target, "digits")) == ["FINISHED"] * 3
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
        reached = float(re.search(rf"\| {model} +\| val +\| +{reported} +\| (\d+\.\d+)", report)[1])
        assert reached > reported - 5

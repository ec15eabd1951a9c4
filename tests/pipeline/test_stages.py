"""Single stages as processes: their calls, what they load, and what bad input gets."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from helpers import ROOT, composed, hostile_model, model_facts, run, small_model, succeed
from menagerie.files import read_json
from menagerie.model_facts import read_facts, versions


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "unknown stage"),
        (["trian", "cnn"], "did you mean 'train'"),
        (["train"], "usage: python src train <model>"),
        (["replicate"], "usage: python src replicate <model>"),
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
    folder = prepared / "models/colours/cnn"
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(b"not a model")
    (folder / "history.csv").write_text("epoch\n", encoding="utf-8")
    wrong = run(prepared, sys.executable, "src", "evaluate", "cnn")
    shutil.rmtree(prepared / "models")
    assert wrong.returncode == 1
    assert "error: models/colours/cnn/model.keras is no model that Keras can read" in wrong.stderr
    assert not (prepared / "metrics").exists() or not (prepared / "metrics/colours/models/cnn").exists()


@pytest.fixture
def untrained(prepared, tmp_path):
    """A copy of `prepared` where `cnn` has a network that was trained elsewhere, and its history."""
    shutil.copytree(
        prepared, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".work"), symlinks=True
    )
    folder = tmp_path / "models/colours/cnn"
    folder.mkdir(parents=True)
    size = np.load(tmp_path / "data/colours/images.npy", mmap_mode="r").shape[1:3]
    classes = tuple(pd.read_csv(tmp_path / "data/colours/split.csv")["class"].sort_values().unique())
    facts = model_facts(classes, size).model_copy(update={"versions": versions() | {"keras": "2.15.0"}})
    small_model(folder / "model.keras", facts)
    epoch = {"epoch": [1], "phase": ["main"], "learning_rate": [1e-3], "kept": [True]}
    measured = {f"{part}{key}": [0.5] for part in ("", "val_") for key in ("accuracy", "loss")}
    pd.DataFrame(epoch | measured).to_csv(folder / "history.csv", index=False)
    return tmp_path


@pytest.mark.tensorflow
def test_evaluation_under_another_major_version_of_keras_says_so_once(untrained):
    done = succeed(untrained, sys.executable, "src", "evaluate", "cnn")
    assert done.everything.count("trained with keras 2.15.0, here") == 1
    assert "evaluate@cnn: wrote" in done.stdout


@pytest.mark.tensorflow
def test_code_in_a_model_file_or_in_an_array_stops_evaluation_and_does_not_run(untrained):
    trace, model = untrained / "it ran", untrained / "models/colours/cnn/model.keras"
    hostile_model(model, read_facts(model), trace)
    wrong = run(untrained, sys.executable, "src", "evaluate", "cnn")
    assert wrong.returncode == 1
    assert "is no model that Keras can read" in wrong.stderr.splitlines()[-1]
    code = f"import pathlib; pathlib.Path({str(trace)!r}).touch()"
    np.save(untrained / "pickled.npy", np.array([Run(code)], object), allow_pickle=True)
    (untrained / "pickled.npy").replace(untrained / "data/colours/images.npy")
    for stage in (["evaluate", "cnn"], ["split"]):
        wrong = run(untrained, sys.executable, "src", *stage)
        assert wrong.returncode == 1
        assert "error: data/colours/images.npy is no array of pictures" in wrong.stderr.splitlines()[-1]
    assert not trace.exists()


class Run:
    """What reading a pickle of this does is to run its code."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return exec, (self.code,)


@pytest.mark.tensorflow
def test_further_seeds_score_what_a_training_from_each_alone_scores(prepared, tmp_path):
    """One after another in one process, on one prepared data set."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".work"))
    settings = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))

    def write(**changes):
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings | changes), encoding="utf-8")

    write(seed=42, replicates=2)
    done = succeed(tmp_path, sys.executable, "src", "replicate", "cnn")
    assert done.stdout.splitlines()[-1].endswith("replicates/cnn.csv: 2 further seeds")
    rows = pd.read_csv(tmp_path / "metrics/colours/replicates/cnn.csv", dtype={"test_right": str}).set_index(
        "seed"
    )
    assert rows.index.tolist() == [43, 44]
    for seed in rows.index:
        write(seed=seed)
        succeed(tmp_path, sys.executable, "src", "train", "cnn")
        succeed(tmp_path, sys.executable, "src", "evaluate", "cnn")
        alone = read_json(tmp_path / "metrics/colours/models/cnn/metrics.json")
        table = pd.read_csv(tmp_path / "metrics/colours/models/cnn/predictions.csv", dtype=str)
        right = "".join(str(int(one)) for one in table["actual"] == table["predicted"])
        assert rows.loc[seed].to_dict() == {
            "epochs": 3,
            "val_accuracy": alone["val"]["accuracy"],
            "test_accuracy": alone["test"]["accuracy"],
            "test_right": right,
        }


def test_without_further_seeds_keras_is_not_loaded(prepared):
    code = """
import runpy, sys
sys.argv = ["src", "replicate", "cnn"]
try:
    runpy.run_path("src", run_name="__main__")
finally:
    print([name for name in ("pandas", "keras") if name in sys.modules])
"""
    done = succeed(prepared, sys.executable, "-c", code)
    assert done.stdout.splitlines()[-1] == "['pandas']"
    assert pd.read_csv(prepared / "metrics/colours/replicates/cnn.csv").empty


def test_what_is_wrong_with_the_data_is_said_on_the_terminal_and_kept_for_the_report(tmp_path):
    """A folder test that is a copy of train, of which one picture lies in the other class, too."""
    rng = np.random.default_rng(0)
    for number in range(16):
        path = tmp_path / "own/train" / ("cat", "dog")[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(path)
    shutil.copytree(tmp_path / "own/train", tmp_path / "own/test")
    shutil.copy(tmp_path / "own/train/cat/00.png", tmp_path / "own/train/dog/a cat.png")
    (tmp_path / "src").symlink_to(ROOT / "src")
    settings = composed(
        "dataset=folder", f"dataset.source.path={tmp_path / 'own'}", "dataset.image_size=[24,24]"
    )
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for stage in ("download", "prepare", "split"):
        done = succeed(tmp_path, sys.executable, "src", stage)
    lines = [line.removeprefix("split: ") for line in done.stdout.splitlines()]
    assert lines[:-1] == read_json(tmp_path / "data/folder/report.json")["notices"]
    assert "warning: the test set lies in train" in lines[0]
    (conflict,) = [line for line in lines if "different classes" in line]
    assert "cat/00.png of class cat, dog/a cat.png of class dog" in conflict


@pytest.mark.parametrize("stage", ["download", "prepare", "split"])
def test_a_full_disk_leaves_nothing_half_written(prepared, tmp_path, stage):
    """The system refuses to let a file grow past 1 KiB, as a full disk would."""
    full = tmp_path / "full"
    shutil.copytree(prepared, full, ignore=shutil.ignore_patterns(".work"))
    outputs = {
        "download": ["raw", "source.json"],
        "prepare": ["images.npy"],
        "split": ["split.csv", "report.json"],
    }
    for name in outputs[stage]:
        shutil.rmtree(full / "data/colours" / name, ignore_errors=True)
        (full / "data/colours" / name).unlink(missing_ok=True)
    limited = f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)); \
import runpy; sys.argv = ['src', '{stage}']; runpy.run_path('src', run_name='__main__')"
    wrong = run(full, sys.executable, "-c", limited)
    assert wrong.returncode == 1, wrong.everything
    assert wrong.stderr.strip().splitlines()[-1].startswith("error: "), wrong.stderr
    assert not (full / "data/colours" / outputs[stage][0]).exists()
    assert not list(full.rglob("*.part"))
    succeed(full, sys.executable, "src", stage)  # with room again, it ends well

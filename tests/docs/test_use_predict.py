"""README, "Predict": its commands on the embedded digits, and the answers against those of evaluate."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from scipy.special import softmax

from helpers import ROOT, composed
from menagerie import paths
from menagerie.cli.main import main
from menagerie.model_facts import read_facts

mlflow = pytest.importorskip("mlflow")
pytestmark = pytest.mark.tensorflow

SECTION = re.search(r"### Predict\n(.*?)\n### ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[
    1
]
COMMANDS = [
    line.split("  #")[0].strip() for line in re.search(r"```\n(.*?)```", SECTION, re.DOTALL)[1].splitlines()
]
ARCHIVE = "data/digits/raw/digits.zip"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A repository in which cnn was trained on the digits for an epoch, and evaluated; 300 photos beside."""
    folder = tmp_path_factory.mktemp("trained")
    settings = composed("model=cnn", "compute.max_epochs=1")
    (folder / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for stage, *model in (["download"], ["prepare"], ["split"], ["train", "cnn"], ["evaluate", "cnn"]):
            import_module(f"stages.{stage}").main(*model)
    with zipfile.ZipFile(folder / ARCHIVE) as archive:
        archive.extractall(folder / "photos", archive.namelist()[:300])
    yield folder
    mlflow.set_tracking_uri(None)


@pytest.fixture
def repository(trained, monkeypatch):
    monkeypatch.chdir(trained)
    for name in ("answers.csv", "answers.parquet", "sorted"):
        path = trained / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return trained


def run(line, **options):
    return CliRunner().invoke(main, shlex.split(line)[1:], **options)


def succeed(line, **options):
    done = run(line, **options)
    assert done.exit_code == 0, done.output
    return done


def command(part):
    (found,) = [one for one in COMMANDS if part in one]
    return found


def test_every_test_picture_has_the_answer_that_evaluate_found(repository):
    succeed(f"menagerie predict {ARCHIVE} --model cnn --top 10 --output answers.parquet")
    found = pd.read_parquet("answers.parquet")
    found["path"] = found["picture"].str.removeprefix(f"{ARCHIVE}/")
    found = found.set_index("path")
    facts = read_facts(paths.model("digits", "cnn") / "model.keras")
    for table in ("predictions.csv", "val_predictions.csv"):
        expected = pd.read_csv(
            paths.metrics("digits", "cnn") / table, dtype={"actual": str, "predicted": str}
        )
        ours = found.loc[expected["path"]]
        calibrated = ours[[f"probability_{place}" for place in range(1, 11)]].to_numpy()
        # evaluate writes probabilities as the network has them; the temperature is taken out again
        plain = softmax(np.log(calibrated) * facts.temperature, axis=1)[:, 0]
        assert len(expected) >= 270
        np.testing.assert_allclose(plain, expected["probability"], rtol=0, atol=1e-6)
        assert ours["class_1"].tolist() == expected["predicted"].tolist()
        assert ours["label"].tolist() == expected["actual"].tolist()


def test_the_readmes_table_of_a_folder(repository):
    done = succeed(COMMANDS[0])
    rows = done.stdout.splitlines()
    assert (len(rows), rows[0].split(",")[:3]) == (301, ["picture", "label", "answer"])
    assert "300 of 300 pictures answered by cnn of digits" in done.stderr
    assert re.search(
        r"by these pictures' folders \d+\.\d % \(\d+\.\d to \d+\.\d\) of 300 are right", done.stderr
    )


def test_an_archive_to_csv(repository):
    assert succeed(command("--output answers.csv")).stdout == ""
    found = pd.read_csv("answers.csv", dtype=str)
    assert len(found) == 1797
    assert found["picture"].str.startswith(f"{ARCHIVE}/").all()


def test_a_glob_to_parquet_with_as_many_classes_as_asked_for(repository):
    succeed(command("--output answers.parquet"))
    found = pd.read_parquet("answers.parquet")
    assert (len(found), list(found)[-3:]) == (300, ["class_5", "probability_5", "problem"])


def test_copies_by_class_and_the_promise_of_val(repository):
    done = succeed(command("--copy-to sorted"))
    assert len(list((repository / "sorted").rglob("*.png"))) == 300
    assert {path.name for path in (repository / "sorted").iterdir()} <= {*map(str, range(10)), "unsure"}
    assert "are unsure (below 0.9); of val's 270 pictures" in done.stderr
    again = succeed(command("--copy-to sorted"))
    assert "copied 0 pictures to sorted (all there already)" in again.stderr


def test_names_from_find_to_json_as_a_process_of_its_own(repository):
    script = "from menagerie.cli.main import main; main()"
    line = command("find photos").replace("menagerie", f"{sys.executable} -c {shlex.quote(script)}")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, check=True, cwd=repository
    )
    found = json.loads(done.stdout)
    assert len(found) == 300
    assert (
        done.stderr == "predict: 300 of 300 pictures answered by cnn of digits\n"
    )  # nothing of TensorFlow's


@pytest.fixture
def version(repository, tmp_path, empty_store, monkeypatch):
    """The folder of a registered version in a store of its own, as `evaluate` leaves it: one model.keras."""
    store = f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}"
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    files = tmp_path / "registered/artifacts"
    files.mkdir(parents=True)
    shutil.copy(paths.model("digits", "cnn") / "model.keras", files)
    client = mlflow.MlflowClient(store)
    client.create_registered_model("digits")
    number = client.create_model_version("digits", files.parent.as_uri()).version
    client.set_registered_model_alias("digits", "champion", number)
    return files


def test_the_champion_and_a_version_are_fetched_from_the_registry(version):
    expected = succeed(COMMANDS[0])
    for line in (command("--champion"), "menagerie predict photos --uri models:/digits/1"):
        assert succeed(line).stdout == expected.stdout


def test_a_version_that_is_not_there_or_holds_no_model_is_an_error(version):
    missing = run("menagerie predict photos --uri models:/digits/2")
    assert missing.exit_code == 2
    assert "models:/digits/2 cannot be had from the tracking store" in missing.stderr
    assert "names no model of MLflow" in run("menagerie predict photos --uri digits").stderr
    (version / "model.keras").rename(version / "other.keras")
    assert "holds no model.keras" in run("menagerie predict photos --uri models:/digits/1").stderr


def test_what_cannot_be_read_is_told_and_makes_the_exit_code_1(repository, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"words")
    (tmp_path / "notes.md").write_bytes(b"words")
    shutil.copy(next((repository / "photos").rglob("*.png")), tmp_path / "whole.png")
    done = run(f"menagerie predict {tmp_path} --model cnn")
    assert done.exit_code == 1
    assert [line.split(",")[0] for line in done.stdout.splitlines()[1:]] == [
        f"{tmp_path}/broken.png", f"{tmp_path}/whole.png",
    ]  # fmt: skip
    assert "predict: 1 of 2 pictures answered by cnn of digits" in done.stderr
    assert "predict: passed over: 1 no picture (.md)" in done.stderr
    assert "predict: 1 cannot be read:\n" in done.stderr
    assert re.search(r"broken\.png': none of AVIF, .*WEBP", done.stderr)


def test_pictures_that_can_all_not_be_read_are_listed_and_make_the_exit_code_2(repository, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"words")
    done = run(f"menagerie predict {tmp_path} --model cnn")
    assert done.exit_code == 2
    assert done.stdout.splitlines()[1].startswith(f"{tmp_path}/broken.png,")
    assert "predict: 0 of 1 pictures answered by cnn of digits" in done.stderr


def test_the_only_trained_model_needs_no_name(repository):
    assert succeed("menagerie predict photos").stdout == succeed(COMMANDS[0]).stdout

"""`menagerie notebooks`: the real DVC runs small studies in a clone, one of which fails."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers import Page, commit, make_clone, run, stages_run

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

NOTEBOOKS = (sys.executable, "-c", "from menagerie.cli.main import main; main()", "notebooks")
COMMON = {"dataset": "digits", "published_on": "digits", "note": "Drawn by hand.", "labels": None}
PRINTED = {"ann": "0.90", "cnn": "0.95"}
CLAIM = {
    "quote": "",
    "told": "The convolutional network is put above the perceptron.",
    "section": "",
    "split": "test",
    "pairs": [{"better": "cnn", "than": "ann"}],
    "earlier": {},
}


def study(name, models, epochs, claims=(), defaults=(), **parts):
    """A file of conf/study: these models on the digits, for so many epochs."""
    reported = {"title": f"Notebook {name}", **COMMON, "claims": list(claims)}
    scores = {model: {"accuracy": PRINTED[model], "loss": None, "n": 360} for model in models}
    parts_of = {"epochs": epochs, "val": None, "note": ""}
    reported["models"] = {model: {**parts_of, "test": score} for model, score in scores.items()}
    values = {"defaults": [*defaults, {"override /model": list(models)}], "study": name}
    values |= {"compute": {"max_epochs": epochs}, "reported": reported} | parts
    return "# @package _global_\n" + yaml.safe_dump(values, sort_keys=False)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with two studies of the digits, and one whose pictures are none."""
    target = make_clone(tmp_path_factory.mktemp("clone"))
    empty = tmp_path_factory.mktemp("empty")
    (empty / "words.txt").write_text("no picture", encoding="utf-8")
    broken = {"defaults": [{"override /dataset": "folder"}]}
    broken |= {"dataset": {"name": "broken", "source": {"path": str(empty)}}}
    texts = {
        "small": study("small", ["ann", "cnn"], 2, [CLAIM]),
        "other": study("other", ["ann"], 1),
        "broken": study("broken", ["ann"], 1, **broken),
    }
    for name, text in texts.items():
        (target / f"conf/study/{name}.yaml").write_text(text, encoding="utf-8")
    commit(target, "Three studies")
    return target


def notebooks(clone, *words):
    return run(clone, *NOTEBOOKS, *words, PYTHONPATH="src", MENAGERIE_MIRROR="")


def given(clone, name):
    return json.loads((clone / f"docs/results/{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def first(clone):
    """What the first run said, of the study that fails and of one that does not."""
    return notebooks(clone, "broken", "small", "--yes")


def test_a_study_that_fails_is_named_and_the_next_one_is_run(clone, first):
    assert first.returncode == 1, first.everything
    assert "Error: broken failed; the same command goes on from there" in first.stderr
    assert stages_run(first) == [
        "download", "download", "prepare", "split", "train@ann", "train@cnn", "evaluate@ann", "evaluate@cnn",
        "replicate@ann", "replicate@cnn", "compare",
    ]  # fmt: skip
    assert given(clone, "broken") == {"models": {}, "pairs": [], "left_out": {"ann": "its run failed"}}
    summary = json.loads((clone / "metrics/digits/summary.json").read_text(encoding="utf-8"))
    kept = given(clone, "small")["models"]
    assert {name: one["accuracy"] for name, one in kept.items()} == {
        name: one["accuracy"] for name, one in summary["models"].items()
    }
    assert "git checkout params.yaml dvc.lock && dvc checkout" in first.stdout
    assert yaml.safe_load((clone / "params.yaml").read_text(encoding="utf-8"))["study"] == "small"


def test_the_pages_tell_of_all_studies_those_that_were_not_run_too(clone, first):
    page = Page((clone / "reports/notebooks.html").read_text(encoding="utf-8"))
    rows = page.rows("small: reported and reproduced accuracy (%)")
    accuracy = given(clone, "small")["models"]["cnn"]["accuracy"]
    assert rows[1]["reproduced"].startswith(f"{100 * accuracy:.2f}")
    assert page.rows("small: claims")[0]["ours"].endswith("on test pictures")
    assert page.rows("broken: reported and reproduced accuracy (%)")[0]["verdict"] == "not run"
    assert "Not run: ann . Its run failed." in page.text
    text = (clone / "docs/results.md").read_text(encoding="utf-8")
    assert f"{100 * accuracy:.2f}" in text
    assert text.count("| not run") >= 28


def test_what_is_finished_is_not_run_again_after_another_study_of_the_same_pictures_either(clone, first):
    small = given(clone, "small")
    other = notebooks(clone, "other", "--yes")
    assert other.returncode == 0, other.everything
    assert "train@ann" in stages_run(other)
    assert given(clone, "small") == small
    again = notebooks(clone, "small", "--yes")
    assert again.returncode == 0, again.everything
    assert set(stages_run(again)) <= {"compare"}
    assert given(clone, "small") == small


def test_a_try_is_marked_and_leaves_the_results_as_they_are(clone, first):
    before = (clone / "docs/results.md").read_bytes()
    small = given(clone, "small")
    tried = notebooks(clone, "small", "--yes", "--epochs", "1")
    assert tried.returncode == 0, tried.everything
    assert "metrics reports" in tried.stdout.splitlines()[-1]
    assert (clone / "docs/results.md").read_bytes() == before
    assert given(clone, "small") == small
    page = (clone / "reports/notebooks.html").read_text(encoding="utf-8")
    assert "A try:" in page
    assert notebooks(clone, "--page-only").returncode == 0
    assert "A try:" not in (clone / "reports/notebooks.html").read_text(encoding="utf-8")


def test_ctrl_c_ends_it_with_130_and_the_same_command_ends_well(clone, first):
    (clone / "conf/study/long.yaml").write_text(study("long", ["ann"], 12), encoding="utf-8")
    commit(clone, "A long study")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.Popen(
        [*NOTEBOOKS, "long", "small", "--yes"],
        cwd=clone,
        env=os.environ | {"PATH": path, "PYTHONPATH": "src", "PYTHONUNBUFFERED": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Epoch 3/"):
            os.killpg(process.pid, signal.SIGINT)
            break
    rest = process.communicate()[0]
    assert process.returncode == 130, "".join(said) + rest
    assert "notebooks: small" not in rest
    assert not (clone / "docs/results/long.json").exists()
    again = notebooks(clone, "long", "--yes")
    assert again.returncode == 0, again.everything
    assert stages_run(again)[0] == "train@ann"
    assert list(given(clone, "long")["models"]) == ["ann"]

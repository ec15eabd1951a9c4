"""`menagerie notebooks` where nothing is run: what it refuses, its plan, and the pages alone."""

import shutil

import pytest
import yaml
from click.testing import CliRunner

from helpers import ROOT, Page
from menagerie.cli.main import main
from menagerie.files import read_json

REPORTED = {
    "title": "A notebook",
    "dataset": "pets",
    "published_on": "pets",
    "note": "",
    "labels": None,
    "claims": [],
}
SCORE = {"accuracy": "0.90", "loss": None, "n": 100}
REPORTED["models"] = {"ann": {"epochs": 2, "val": None, "test": SCORE, "note": ""}}


@pytest.fixture
def clone(repository):
    """A folder with conf/ and what is kept of the studies; of one study, pets, the pictures lie nowhere."""
    shutil.copytree(ROOT / "conf", repository / "conf")
    shutil.copytree(ROOT / "docs/results", repository / "docs/results")
    pets = {"name": "pets", "source": {"path": str(repository / "nowhere")}}
    values = {"defaults": [{"override /dataset": "folder"}, {"override /model": "ann"}], "study": "pets"}
    values |= {"dataset": pets, "reported": REPORTED}
    text = "# @package _global_\n" + yaml.safe_dump(values, sort_keys=False)
    (repository / "conf/study/pets.yaml").write_text(text, encoding="utf-8")
    return repository


def notebooks(*words):
    return CliRunner().invoke(main, ["notebooks", *words])


def test_without_a_terminal_and_without_yes_it_tells_the_plan_and_runs_nothing(clone):
    (clone / "nowhere").mkdir()
    done = notebooks("pets")
    assert done.exit_code == 0, done.output
    assert "pets: A notebook\n  pictures: in the folder that was named\n  ann: " in done.output
    assert "1 of 1 studies, 1 of 1 models can be run here" in done.output
    assert done.output.splitlines()[-1] == "notebooks: nothing was run; --yes runs it"
    assert not (clone / "docs/results/pets.json").exists()
    assert not (clone / "reports").exists()


def test_where_nothing_can_be_run_the_pages_say_why(clone):
    done = notebooks("pets", "--yes")
    assert done.exit_code == 1
    assert "none of these studies can be run here" in done.output
    page = Page((clone / "reports/notebooks.html").read_text(encoding="utf-8"))
    assert "No pictures: nowhere is not there." in page.text
    assert "No pictures: nowhere is not there." in (clone / "docs/results.md").read_text(encoding="utf-8")
    assert read_json(clone / "docs/results/pets.json")["left_out"] == {
        "ann": "no pictures: nowhere is not there"
    }


def test_what_an_earlier_run_gave_stays_where_a_study_can_no_longer_be_run(clone):
    kept = clone / "docs/results/pets.json"
    shutil.copyfile(clone / "docs/results/sign_digits.json", kept)
    before = kept.read_bytes()
    assert notebooks("pets", "--yes").exit_code == 1
    assert kept.read_bytes() == before


def test_the_pages_alone_are_made_of_what_is_kept(clone):
    (clone / "conf/study/pets.yaml").unlink()
    done = notebooks("--page-only")
    assert done.exit_code == 0, done.output
    assert (clone / "docs/results.md").read_bytes() == (ROOT / "docs/results.md").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["pet"], 1, "unknown study of a notebook 'pet'; did you mean 'pets'?"),
        (["quickstart"], 1, "unknown study of a notebook 'quickstart'"),
        (["--page-only", "pets"], 2, "--page-only runs nothing"),
        (["--page-only", "--epochs", "1"], 2, "--page-only runs nothing"),
        (["--epochs", "0"], 2, "0 is not in the range x>=1"),
    ],
)
def test_what_means_nothing_is_refused(clone, words, code, said):
    done = notebooks(*words)
    assert done.exit_code == code
    assert said in done.output

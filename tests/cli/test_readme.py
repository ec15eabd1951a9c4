"""`menagerie readme`, as click runs it in a folder with conf/, the list of tables and the summaries."""

import shutil

import pytest
from click.testing import CliRunner

from helpers import ROOT
from menagerie.cli.main import main


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in ("conf", "metrics"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/readme.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_readme_with_older_numbers_gets_those_of_the_summaries(repository):
    readme = repository / "README.md"
    right = readme.read_text(encoding="utf-8")
    readme.write_text(right.replace("| 90.53 |", "| 12.34 |"), encoding="utf-8")
    done = CliRunner().invoke(main, ["readme"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(
        "wrote the tables of README.md, with results of sign_digits, cifar10_images"
    )
    assert readme.read_text(encoding="utf-8") == right


def test_without_a_summary_its_models_were_not_run(repository):
    shutil.rmtree(repository / "metrics")
    done = CliRunner().invoke(main, ["readme"])
    assert done.output == "wrote the tables of README.md, with results of no data set\n"
    text = (repository / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [`")]
    assert len(rows) > 30
    assert all("| not run |" in row for row in rows)


def test_a_readme_without_markers_is_an_error_and_stays(repository):
    (repository / "README.md").write_text("# Words\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["readme"])
    assert done.exit_code == 1
    assert "README.md marks the tables none" in done.stderr
    assert (repository / "README.md").read_text(encoding="utf-8") == "# Words\n"


def test_outside_the_root_the_fix_is_named(repository, monkeypatch):
    monkeypatch.chdir(repository / "docs")
    done = CliRunner().invoke(main, ["readme"])
    assert done.exit_code == 1
    assert "run from the root of the repository" in done.stderr

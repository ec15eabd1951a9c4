"""A sweep over a person's own pictures, from `menagerie add` through DVC's queue to the table of its runs."""

import re

import pandas as pd
import pytest

from helpers import draw, make_clone, run, succeed
from serving import until

pytestmark = pytest.mark.slow

MENAGERIE = ("python", "-c", "from menagerie.cli.main import main; main()")
SMALL = ("-S", "model=cnn", "-S", "compute.max_epochs=2")
RATES = "models.{}.phases.main.learning_rate=0.001,0.003"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A clone in which one data set was added and made the default, and a sweep was queued and run."""
    folder = tmp_path_factory.mktemp("sweep")
    clone = make_clone(folder / "clone")
    own = draw(folder / "three colours")
    succeed(clone, *MENAGERIE, "add", "colours", str(own), PYTHONPATH="src")
    succeed(clone, *MENAGERIE, "use", "colours", PYTHONPATH="src")
    succeed(clone, "dvc", "repro", "split")
    succeed(clone, "dvc", "exp", "run", "--queue", *SMALL, "-S", RATES.format("cnn"))
    succeed(clone, "dvc", "queue", "start")
    try:
        until(lambda: not re.search("Queued|Running", status(clone)), seconds=900)
    finally:
        succeed(clone, "dvc", "queue", "stop", "--kill")
    return clone


def status(clone):
    return succeed(clone, "dvc", "queue", "status").stdout


def test_a_queued_sweep_is_of_the_data_set_in_use_and_its_runs_are_compared(swept):
    assert len(re.findall("Success", status(swept))) == 2
    told = succeed(swept, *MENAGERIE, "report", "--runs", PYTHONPATH="src").stdout
    table = pd.read_csv(swept / "reports/colours_runs.csv")
    assert set(table["model"]) == {"cnn"}
    assert len(table) == 2
    rates = [re.search(r"learning_rate[^,;]*?([\d.]+)", changed)[1] for changed in table["changed"]]
    assert sorted(rates) == ["0.001", "0.003"]
    assert all(rate in told for rate in rates)
    assert (swept / "reports/colours_runs.png").is_file()


def test_dvcs_experiments_are_shown_with_what_each_changed(swept):
    told = succeed(swept, *MENAGERIE, "experiments", PYTHONPATH="src", COLUMNS="80").stdout
    assert max(map(len, told.splitlines())) <= 80
    _, _, commit, *rows = told.splitlines()
    assert commit.split()[1:3] == ["digits", "ann"]  # what is committed, of the data set that came before
    assert [line.split()[1:3] for line in rows if line[0] != " "] == [["colours", "cnn"]] * 2
    unbroken = "".join(line[line.rfind("  ") :].strip() for line in rows)
    assert sorted(re.findall(r"learning_rate=([\d.]+)", unbroken)) == ["0.001", "0.003"]


def test_the_settings_of_a_model_that_is_not_chosen_are_refused(swept):
    wrong = run(swept, "dvc", "exp", "run", "--queue", "-S", RATES.format("resnet9"))
    assert wrong.returncode != 0
    assert "Could not override 'models.resnet9.phases.main.learning_rate'" in wrong.everything

"""The search, by a real Optuna study in a real database; a formula stands in the place of training."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from helpers import ROOT
from menagerie.errors import MenagerieError, ParamsError
from menagerie.params import parse
from menagerie.params.tuning import Space, load_space
from menagerie.tune import study as studies

SPACE = {
    "search": {
        "phases.*.learning_rate": {"kind": "times", "low": 0.1, "high": 10},
        "label_smoothing": {"kind": "between", "low": 0.0, "high": 0.2},
        "batch_size": {"kind": "one_of", "values": [16, 32]},
    }
}
SETTINGS = {"phases": {"main": {"learning_rate": 1e-3}}, "label_smoothing": 0.0, "batch_size": 64}
N = 200


def tried(values):
    """Best at a learning rate of 3e-3, of N pictures."""
    away = abs(np.log10(values["phases.main.learning_rate"] / 3e-3)) + values["label_smoothing"]
    right = np.arange(N) < round(N * max(0.0, 0.95 - 0.3 * away))
    return studies.Tried(float(right.mean()), right)


def formula(number, values, report):
    found = tried(values)
    for epoch in range(1, 6):
        if report(epoch, found.accuracy * epoch / 5):
            return None
    return found


def searched(storage, trials, train=formula, seed=1):
    space = parse(Space, SPACE, "here")
    study = studies.open_study(storage, "pets cnn", seed)
    studies.begin_with(study, space, SETTINGS)
    studies.search(study, space, SETTINGS, train, trials, None, lambda *_: None)
    return study, space


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'tune.db'}"


def test_the_model_as_it_is_comes_first_and_a_better_one_is_found(storage):
    study, space = searched(storage, 20)
    first, best = studies.best(study)
    assert studies.in_settings(space, SETTINGS, first.params) == {
        "phases.main.learning_rate": 1e-3,
        "label_smoothing": 0.0,
        "batch_size": 64,
    }
    assert best.value > first.value == pytest.approx(studies.right(first).mean())
    assert len(studies.over(study)) == 20
    assert any(trial.state.name == "PRUNED" for trial in studies.over(study))


def test_trials_of_before_count_and_another_process_draws_others(storage):
    searched(storage, 8)
    study, _ = searched(storage, 12)
    assert len(studies.over(study)) == 12
    drawn = [tuple(trial.params.values()) for trial in studies.over(study)]
    assert len({*drawn}) > 10
    asked = []
    searched(storage, 12, lambda *_: asked.append(1))
    assert asked == []


WORKER = """
import os, sys
sys.path.insert(0, {tests!r})
from tune.test_study import formula, searched
def train(number, values, report):
    if number == {kill}:
        os.kill(os.getpid(), 9)
    return formula(number, values, report)
searched({storage!r}, {trials}, train, seed=int(sys.argv[1]))
"""


def worker(storage, trials, kill=-1):
    code = textwrap.dedent(WORKER).format(
        tests=str(ROOT / "tests"), kill=kill, storage=storage, trials=trials
    )
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return lambda seed: subprocess.Popen([sys.executable, "-c", code, str(seed)], env=env, cwd=ROOT)


def test_a_search_killed_in_a_trial_goes_on_with_the_next(storage):
    killed = worker(storage, 12, kill=7)(1)
    assert killed.wait() == -signal.SIGKILL
    study, _ = searched(storage, 12)
    numbers = [trial.number for trial in studies.over(study)]
    assert 7 not in numbers
    assert numbers[:8] == [0, 1, 2, 3, 4, 5, 6, 8]
    assert len(numbers) == 12


def test_two_workers_share_one_study(storage):
    start = worker(storage, 30)
    searched(storage, 1)  # the tables are there
    both = [start(seed) for seed in (1, 2)]
    assert [process.wait() for process in both] == [0, 0]
    study, _ = searched(storage, 30)
    numbers = [trial.number for trial in study.get_trials()]
    assert numbers == list(range(len(numbers)))
    assert 30 <= len(studies.over(study)) <= 31  # each may be at one when the other ends the last


def test_without_the_model_as_it_is_nothing_can_be_said(storage):
    study = studies.open_study(storage, "pets cnn", 1)
    with pytest.raises(MenagerieError, match="not tried to its end; give more --budget"):
        studies.best(study)


def test_a_database_that_is_away_is_named(tmp_path):
    with pytest.raises(MenagerieError, match=r"cannot be reached: \(sqlite3.*; name another with --storage"):
        studies.open_study(f"sqlite:///{tmp_path / 'no' / 'folder' / 'tune.db'}", "pets cnn", 1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({"kind": "between", "low": 0.2, "high": 0.1}, "low below high"),
        ({"kind": "times", "low": 0, "high": 1}, "low"),
        ({"kind": "one_of", "values": [1]}, "values"),
    ],
)
def test_a_range_that_is_none_is_an_error(kind, expected):
    with pytest.raises(ParamsError, match=expected):
        parse(Space, {"search": {"batch_size": kind}}, "conf/tune/mine.yaml")


def test_an_unknown_space_names_those_there_are():
    with pytest.raises(ParamsError, match="pretrained, scratch"):
        load_space("mine")

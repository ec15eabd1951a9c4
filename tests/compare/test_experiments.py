"""DVC's experiments as rows: what was found, and what was changed."""

from menagerie.compare.experiments import experiments

DIGITS = {
    "dataset": {"name": "digits", "max_side": 64},
    "study": "quickstart",
    "seed": 42,
    "models": {"cnn": {"batch_size": 64, "augment": []}, "ann": {"batch_size": 32, "augment": []}},
}


def revision(name, params, *best, state=None):
    dataset = params["dataset"]["name"]
    summary = {"best": dict(zip(("model", "accuracy", "val_accuracy"), best, strict=True))} if best else {}
    # The other data set's numbers are in git, and so in each row.
    metrics = {f"metrics/{dataset}/summary.json": summary, "metrics/zoo/summary.json": {"best": {}}}
    return {
        "rev": f"{name}1234567",
        "name": name,
        "data": {
            "params": {"params.yaml": {"data": params}},
            "metrics": {path: {"data": values} for path, values in metrics.items() if values},
        },
        "error": None,
        "executor": state and {"state": state},
    }


def commit(name, params, *best, of=()):
    group = [{"revs": [one], "executor": one["executor"], "name": one["name"]} for one in of]
    return revision(name, params, *best) | {"experiments": group or None}


def changed(**settings):
    return DIGITS | settings


def only(*, of):
    """The last column of the one experiment's row."""
    return experiments([commit("main", DIGITS, of=[revision("dim-owl", of)])])[1][-1]


def test_an_experiment_stands_below_its_commit_with_what_it_found_and_changed():
    tried = revision("dim-owl", changed(seed=7), "ann", 0.5, 0.25)
    assert experiments([commit("main", DIGITS, "cnn", 0.98764, 1.0, of=[tried])]) == [
        ("main", "digits", "cnn", "0.9876", "1.0000", ""),
        ("dim-owl", "digits", "ann", "0.5000", "0.2500", "seed=7"),
    ]


def test_the_numbers_are_of_the_data_set_that_the_experiment_was_of():
    own = changed(dataset={"name": "pets", "max_side": 32}, study=None, looks=["folder"])
    shown = [commit("main", DIGITS, "cnn", 0.9, 0.9, of=[revision("dim-owl", own, "ann", 0.5, 0.25)])]
    assert experiments(shown)[1] == ("dim-owl", "pets", "ann", "0.5000", "0.2500", "study=null")


def test_what_is_not_finished_says_so_instead_of_numbers_of_before():
    tried = [revision("dim-owl", DIGITS, "cnn", 0.9, 0.9, state="queued"), revision("raw-elk", DIGITS)]
    rows = experiments([commit("main", DIGITS, of=tried)])
    assert [row[2:5] for row in rows] == [("-", "-", "-"), ("queued", "-", "-"), ("-", "-", "-")]


def test_of_earlier_commits_only_those_with_experiments_are_shown():
    tried = revision("dim-owl", DIGITS)
    shown = [commit("main", DIGITS), commit("old", DIGITS), commit("older", DIGITS, of=[tried])]
    assert [row[0] for row in experiments(shown)] == ["main", "older", "dim-owl"]


def test_a_commit_before_params_yaml_was_is_shown_without_numbers():
    empty = {"rev": "0123456789", "name": None, "data": None, "error": {"msg": "no"}, "experiments": None}
    assert experiments([empty]) == [("0123456", "-", "-", "-", "-", "")]


def test_models_that_came_and_went_are_named_and_the_others_told_setting_by_setting():
    cnn = {"batch_size": 8, "augment": [{"layer": "RandomFlip"}]}
    assert only(of=changed(models={"cnn": cnn, "lenet": {"batch_size": 1}})) == (
        "model=[cnn, lenet], models.cnn.batch_size=8, models.cnn.augment=[{layer: RandomFlip}]"
    )


def test_one_model_is_written_as_on_the_command_line():
    assert only(of=changed(models={"cnn": DIGITS["models"]["cnn"]})) == "model=cnn"


def test_a_setting_that_is_gone_is_told():
    assert only(of={key: value for key, value in DIGITS.items() if key != "seed"}) == "no seed"


def test_a_setting_of_the_same_data_set_is_told():
    assert only(of=changed(dataset={"name": "digits", "max_side": 32})) == "dataset.max_side=32"


def test_a_long_value_is_cut():
    text = only(of=changed(seed=list(range(100))))
    assert text.startswith("seed=[0, 1, 2, ")
    assert text.endswith("…")
    assert len(text) == len("seed=") + 60

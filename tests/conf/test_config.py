import re
import shutil
import subprocess

import pytest
import yaml
from dvc.utils.hydra import compose_and_dump
from hydra.errors import ConfigCompositionException, MissingConfigException

from helpers import ROOT
from menagerie.errors import ParamsError
from menagerie.params import load_params

CONF = ROOT / "conf"


def group(name):
    return sorted(CONF.joinpath(name).glob("*.yaml"))


def first_line(path):
    return path.read_text(encoding="utf-8").splitlines()[0]


def stems(paths):
    return [path.stem for path in paths]


MODELS = [path for path in group("model") if first_line(path) != "# @package _global_"]
SUITES = [path for path in group("model") if path not in MODELS]
STUDIES, DATASETS, SPLITS = group("study"), group("dataset"), group("split")
SPACES = group("tune")  # which are read by `menagerie tune` alone: tests/tune


def reported_models(path):
    """The models that a study file itself reports on, before anything is composed."""
    reported = yaml.safe_load(path.read_text(encoding="utf-8")).get("reported")
    return list(reported["models"]) if reported else []


# the committed params.yaml


def test_params_yaml_is_what_conf_composes_to(compose):
    """After `dvc exp run -S ...` the file holds that choice, and the committed one the default."""
    texts = [(ROOT / "params.yaml").read_text(encoding="utf-8")]
    show = ["git", "-C", str(ROOT), "show", "HEAD:params.yaml"]
    if shutil.which("git"):
        texts.append(subprocess.run(show, capture_output=True, encoding="utf-8", check=False).stdout)
    found = [yaml.safe_load(text) for text in texts]
    assert compose() in found, "conf/ changed: compose params.yaml again with `dvc exp run`"


def test_the_compose_fixture_gives_what_dvc_writes(compose, tmp_path):
    written = tmp_path / "params.yaml"
    overrides = ["study=quickstart", "model=cnn", "models.cnn.phases.main.learning_rate=1e-5", "seed=7"]
    compose_and_dump(written, str(CONF), None, "config", str(tmp_path), overrides)
    assert yaml.safe_load(written.read_text(encoding="utf-8")) == compose(*overrides)
    assert load_params(written).models["cnn"].phases["main"].learning_rate == 1e-5


def test_the_default_needs_no_network_and_no_account(params):
    assert params().dataset.source.kind == "embedded"


# the files of each group


def test_no_file_of_conf_is_missed_by_these_tests():
    seen = [CONF / "config.yaml", *MODELS, *SUITES, *STUDIES, *DATASETS, *SPLITS, *SPACES]
    assert sorted(CONF.rglob("*.*")) == sorted(seen)
    assert all((MODELS, SUITES, STUDIES, DATASETS, SPLITS))


@pytest.mark.parametrize("path", MODELS, ids=stems(MODELS))
def test_a_model_file_names_its_own_place_in_its_first_line(path):
    """One line above it, and Hydra ignores it without a word."""
    assert first_line(path) == f"# @package models.{path.stem}"


@pytest.mark.parametrize("path", MODELS, ids=stems(MODELS))
def test_choosing_a_model_gives_that_one_alone(params, path):
    assert list(params(f"model={path.stem}").models) == [path.stem]


@pytest.mark.parametrize("path", MODELS, ids=stems(MODELS))
def test_the_command_at_the_head_of_a_model_file_runs_that_model(params, path):
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    commands = [line for line in head if "dvc exp run" in line]
    assert commands
    for command in commands:
        assert list(params(*re.findall(r"-S '?([^'\s]+)", command)).models) == [path.stem]


@pytest.mark.parametrize("path", MODELS, ids=stems(MODELS))
def test_the_architecture_of_a_model_file_is_a_module(params, path):
    arch = params(f"model={path.stem}").models[path.stem].arch
    assert (ROOT / "src" / "menagerie" / "models" / f"{arch}.py").is_file()


def base_of(path):
    """The model that a model file says its difference from, None for one that is whole."""
    first = yaml.safe_load(path.read_text(encoding="utf-8")).get("defaults", ["_self_"])[0]
    return None if first == "_self_" else first.removesuffix("@_here_")


def leaves(values, at=""):
    """A nested mapping as one of dotted keys."""
    if not isinstance(values, dict):
        return {at: values}
    return {
        key: leaf for name in values for key, leaf in leaves(values[name], f"{at}.{name}".lstrip(".")).items()
    }


SIBLINGS = [path for path in MODELS if base_of(path)]


@pytest.mark.parametrize("path", SIBLINGS, ids=stems(SIBLINGS))
def test_a_model_file_with_a_base_says_what_differs_and_nothing_else(compose, path):
    said = leaves(yaml.safe_load(path.read_text(encoding="utf-8")))
    del said["defaults"]
    base = leaves(compose(f"model={base_of(path)}")["models"][base_of(path)])
    ours = leaves(compose(f"model={path.stem}")["models"][path.stem])
    assert said == {key: value for key, value in ours.items() if base.get(key) != value}
    assert base.keys() <= ours.keys()


def test_published_recipes_are_whole():
    """Whoever reads one beside its notebook needs no other file."""
    published = {name for path in STUDIES for name in reported_models(path)}
    assert not published & set(stems(SIBLINGS))


@pytest.mark.parametrize("path", SUITES, ids=stems(SUITES))
def test_a_suite_gives_the_models_it_lists_in_their_order(params, path):
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["defaults"]
    assert list(params(f"model={path.stem}").models) == listed
    assert set(listed) <= set(stems(MODELS))


def test_models_can_be_chosen_by_a_list(params):
    names = [path.stem for path in MODELS[:2]]
    assert list(params(f"model=[{','.join(names)}]").models) == names


@pytest.mark.parametrize("path", DATASETS, ids=stems(DATASETS))
def test_choosing_a_data_set_gives_it_under_the_name_of_its_file(params, path):
    assert params(f"dataset={path.stem}").dataset.name == path.stem


@pytest.mark.parametrize("path", STUDIES, ids=stems(STUDIES))
def test_a_study_composes_and_is_on_the_data_set_that_it_reports_on(params, path):
    study = params(f"study={path.stem}")
    if study.reported is not None:
        assert study.reported.dataset == study.dataset.name


@pytest.mark.parametrize("path", STUDIES, ids=stems(STUDIES))
def test_a_study_sets_no_value_of_one_model_or_of_the_data_set(path):
    keys = set(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert keys <= {"defaults", "study", "reported", "compute", "seed", "replicates"}


@pytest.mark.parametrize("path", STUDIES, ids=stems(STUDIES))
def test_every_model_that_a_study_reports_on_has_a_file(path):
    assert set(reported_models(path)) <= set(stems(MODELS))


# which choice wins


def test_the_sign_digits_study_brings_its_data_set_and_its_models(params):
    study = params("study=sign_digits")
    assert study.dataset.name == "sign_digits"
    assert list(study.models) == ["sign_cnn", "sign_cnn_decay_high", "sign_cnn_decay_low"]
    assert study.reported.models["sign_cnn"].score.accuracy == "0.9053"


@pytest.mark.parametrize(
    "overrides", [("study=sign_digits", "model=ann"), ("model=ann", "study=sign_digits")]
)
def test_a_model_chosen_by_hand_beats_the_one_of_the_study(params, overrides):
    study = params(*overrides)
    assert list(study.models) == ["ann"]
    assert study.dataset.name == "sign_digits"


def test_a_data_set_chosen_by_hand_beats_the_one_of_the_study(params):
    assert params("study=quickstart", "dataset=sign_digits").dataset.name == "sign_digits"


def test_a_study_beats_the_root_and_a_value_set_by_hand_beats_both(params):
    root = yaml.safe_load((CONF / "config.yaml").read_text(encoding="utf-8"))["compute"]["max_epochs"]
    study = params("study=quickstart").compute.max_epochs
    assert study != root
    assert params("study=quickstart", "compute.max_epochs=1").compute.max_epochs == 1


def test_a_value_of_one_model_can_be_set_without_touching_the_others(params):
    before, after = params(), params("models.cnn.phases.main.learning_rate=0.5")
    assert after.models["cnn"].phases["main"].learning_rate == 0.5
    assert {name: model for name, model in after.models.items() if name != "cnn"} == {
        name: model for name, model in before.models.items() if name != "cnn"
    }


FREEZES = [
    {"kind": "none"},
    {"kind": "all"},
    {"kind": "last", "layers": 5},
    {"kind": "all_but_last", "layers": 5},
    {"kind": "until", "layer": "block4_pool"},
]


@pytest.mark.parametrize("base", ["xception_partial", "xception_transfer"])  # of its last layers, of all
@pytest.mark.parametrize("freeze", FREEZES, ids=lambda freeze: freeze["kind"])
def test_any_kind_of_freezing_can_be_set_over_any_other(params, base, freeze):
    """Hydra merges mappings: what the kind before said is still in params.yaml."""
    said = ", ".join(f"{key}: {value}" for key, value in freeze.items())
    changed = params(f"model={base}", f"+models.{base}.phases.main.freeze={{{said}}}")
    assert changed.models[base].phases["main"].freeze.model_dump() == freeze


def test_the_kind_of_a_schedule_can_be_set_over_another(params):
    schedule = "{kind: cosine, warmup_epochs: 1}"
    changed = params(
        "model=sign_cnn_decay_low", f"+models.sign_cnn_decay_low.phases.main.schedule={schedule}"
    )
    assert changed.models["sign_cnn_decay_low"].phases["main"].schedule.model_dump() == {
        "kind": "cosine",
        "warmup_epochs": 1,
    }


# bad choices


def test_a_key_that_no_kind_of_freezing_has_is_refused(params):
    freeze = "models.xception_partial.phases.main.freeze"
    with pytest.raises(
        ParamsError, match=rf"{re.escape(freeze)}: unknown key 'layrs'; did you mean 'layers'"
    ):
        params("model=xception_partial", f"+{freeze}.layrs=3")


@pytest.mark.parametrize(
    ("choice", "offered"), [("model", MODELS + SUITES), ("dataset", DATASETS), ("study", STUDIES)]
)
def test_an_unknown_choice_is_refused_with_what_there_is(compose, choice, offered):
    with pytest.raises(MissingConfigException) as error:
        compose(f"{choice}=xeption")
    assert f"'{choice}/xeption'" in str(error.value)
    for path in offered:
        assert path.stem in str(error.value)


def test_a_key_that_conf_does_not_have_is_refused(compose):
    with pytest.raises(ConfigCompositionException, match="sead"):
        compose("sead=7")


def test_a_value_that_conf_leaves_to_the_user_is_asked_for_with_the_command(compose, tmp_path):
    """A data set of the user's own may leave its address open with Hydra's ???."""
    written = tmp_path / "params.yaml"
    overrides = ["dataset=sign_digits", "dataset.source.url='???'", "seed='???'"]
    compose_and_dump(written, str(CONF), None, "config", str(tmp_path), overrides)
    assert compose(*overrides)["dataset"]["source"]["url"] == "???"
    with pytest.raises(ParamsError) as error:
        load_params(written)
    assert str(written) in str(error.value)
    assert "dvc exp run" in str(error.value)
    for key in ("dataset.source.url", "seed"):
        assert f"-S '{key}=...'" in str(error.value)

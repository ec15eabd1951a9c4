"""The command that repeats a run composes what was run."""

import shlex

import pytest

from menagerie.report import again as again_module
from menagerie.report.again import again
from menagerie.report.findings.report import _repeat

ODD = "/home/me/ü & (old) = 'x' #1 [a,b] !~ ${HOME} 50%\\\\"
FOLDER = ("dataset=folder", "dataset.name=pets")


@pytest.mark.parametrize(
    "overrides",
    [
        ("study=quickstart",),
        ("study=sign_digits", "model=[sign_cnn,ann]"),
        ("study=sign_digits", "model=cnn", "dataset=digits"),
        ("~study", "dataset=sign_digits", "model=cnn", "seed=7"),
        ("study=sign_digits", "evaluation.robustness=true"),
        ("study=sign_digits", "replicates=0"),
        (
            "study=sign_digits",
            "model=[sign_cnn,mobilenet_imagenet]",
            "models.mobilenet_imagenet.batch_size=7",
        ),
        ("dataset=sign_digits", "replicates=2", "split=kfold", "dataset.split.fold=3"),
        ("models.cnn.phases.main.learning_rate=1e-5", "compute.max_epochs=3"),
        (*FOLDER, "dataset.source.path=/pictures", "dataset.layout.class_names={cat: pets, dog: pets}"),
        (
            *FOLDER,
            'dataset.source.path="/my pictures"',
            "dataset.groups={kind: pattern, pattern: '(\\\\d+)'}",
        ),
        (
            *FOLDER,
            "dataset.source.path=/p",
            "models.cnn.augment=[{layer: RandomFlip, settings: {mode: vertical}}]",
        ),
        (*FOLDER, "dataset.source.path=" + again_module._hydra(ODD)),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("which", ["all models", "the first model"])
def test_the_command_composes_the_very_settings(params, overrides, which):
    study = params(*overrides)
    models = list(study.models)[: None if which == "all models" else 1]
    words = shlex.split(again(study, models))
    assert words[:3] == ["dvc", "exp", "run"]
    settings = params(*[word for word in words[3:] if word != "-S"])
    assert settings == study.model_copy(update={"models": {name: study.models[name] for name in models}})


def test_a_setting_that_conf_gives_is_not_repeated(params):
    assert (
        again(params("seed=7"), ["cnn"])
        == "dvc exp run -S study=quickstart -S dataset=digits -S model=cnn -S seed=7"
    )


def test_settings_that_conf_no_longer_has_are_those_of_params_yaml(params):
    renamed = params().model_copy(update={"study": "gone"})
    assert again(renamed, ["cnn"]) == "dvc repro"


def test_the_report_says_what_the_command_names_only_of_one_that_names_something(params):
    study = params()
    names = "It names every setting"
    told = {
        command: str(_repeat(one))
        for command, one in (("-S", study), ("repro", study.model_copy(update={"study": "gone"})))
    }
    assert names in told["-S"]
    assert names not in told["repro"]
    assert "runs `params.yaml` of the commit" in told["repro"]

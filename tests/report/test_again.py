"""The command that repeats a run composes what was run."""

import shlex

import pytest

from helpers import composed
from menagerie.report.again import again


@pytest.mark.parametrize(
    "overrides",
    [
        ("study=quickstart",),
        ("study=sign_digits", "model=[sign_cnn,ann]"),
        ("study=sign_digits", "model=cnn", "dataset=digits"),
        ("dataset=sign_digits", "model=cnn", "seed=7"),
        ("study=sign_digits", "evaluation.robustness=true"),
        ("study=sign_digits", "replicates=0"),
        ("dataset=sign_digits", "replicates=2"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("which", ["all models", "the first model"])
def test_the_command_composes_the_very_settings(params, overrides, which):
    study = params(*overrides)
    models = list(study.models)[: None if which == "all models" else 1]
    words = shlex.split(again(study, models))
    assert words[:3] == ["dvc", "exp", "run"]
    settings = composed(*[word for word in words[3:] if word != "-S"])
    expected = study.model_dump(mode="json")
    assert settings == expected | {"models": {name: expected["models"][name] for name in models}}

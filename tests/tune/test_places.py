"""Places of settings, by the real settings of real models."""

import pytest

from menagerie.params import parse
from menagerie.params.model import PretrainedModel, ScratchModel
from menagerie.tune.places import difference, replaced, values_at


@pytest.fixture
def mobilenet(params):
    return params("model=mobilenet_imagenet").model("mobilenet_imagenet").model_dump(mode="json")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("batch_size", {"batch_size": 128}),
        ("phases.*.learning_rate", {"phases.main.learning_rate": 2e-3}),
        ("head.*.settings.rate", {"head.1.settings.rate": 0.3, "head.4.settings.rate": 0.5}),
        ("head.*.settings.units", {"head.2.settings.units": 512}),
        ("phases.*.schedule.warmup_epochs", {"phases.main.schedule.warmup_epochs": 0}),
        ("phases.*", {}),
        ("knobs.depth", {}),
    ],
)
def test_a_pattern_finds_the_values_of_every_phase_and_layer(mobilenet, pattern, found):
    assert values_at(mobilenet, pattern) == found


def test_a_replaced_setting_changes_a_copy_that_is_a_model_again(mobilenet):
    changed = replaced(mobilenet, {"head.4.settings.rate": 0.1, "phases.main.learning_rate": 1e-4})
    assert (mobilenet["head"][4]["settings"]["rate"], changed["head"][4]["settings"]["rate"]) == (0.5, 0.1)
    assert parse(PretrainedModel, changed, "here").phases["main"].learning_rate == 1e-4


def test_what_a_file_on_top_must_say_are_changed_values_and_whole_lists(mobilenet):
    changed = replaced(mobilenet, {"head.4.settings.rate": 0.1, "phases.main.learning_rate": 1e-4})
    told = difference(changed, mobilenet)
    assert told == {"head": changed["head"], "phases": {"main": {"learning_rate": 1e-4}}}
    assert difference(mobilenet, mobilenet) == {}


def test_every_space_of_conf_names_places_that_models_have(params):
    from menagerie.params.tuning import load_space

    for space, name, kind in (
        ("pretrained", "mobilenet_imagenet", PretrainedModel),
        ("scratch", "cnn", ScratchModel),
    ):
        model = params(f"model={name}").model(name)
        assert isinstance(model, kind)
        for pattern in load_space(space).search:
            assert values_at(model.model_dump(mode="json"), pattern), pattern

"""What is run of the notebooks, by what is said to be at hand: values in, values out."""

import pytest

from menagerie.notebooks.planning import TRAIN, Estimate, Knowing, Speed, estimated, plans, told
from menagerie.notebooks.reach import Place

HERE, NOWHERE = Place(True, "in the mirror"), Place(False, "example.org does not answer")


@pytest.fixture(scope="module")
def studies(params):
    names = ("cifar10_model_s", "cifar10_transfer", "cifar10_images", "sign_digits")
    return {name: params(f"study={name}") for name in names}


def knowing(pictures=(), weights=("vgg16_transfer",), seconds=60.0):
    """A machine that has these data sets and the weights of these models."""
    return Knowing(
        pictures=lambda params: HERE if params.dataset.name in pictures else NOWHERE,
        weights=lambda params, model: (
            HERE if model in weights or params.models[model].arch != "pretrained" else NOWHERE
        ),
        estimate=lambda params, model: Estimate(seconds, "by a guess"),
    )


def planned(studies, named=False, **known):
    return {plan.study: plan for plan in plans(studies, named, knowing(**known))}


def test_a_study_runs_whole_where_all_is_at_hand(studies):
    plan = planned(studies, pictures=["sign_digits"])["sign_digits"]
    assert plan.chosen == ["sign_cnn", "sign_cnn_decay_high", "sign_cnn_decay_low"]
    assert plan.command(None) == ["dvc", "exp", "run", "-S", "study=sign_digits"]


def test_models_whose_weights_cannot_be_had_are_left_out_with_the_reason(studies):
    plan = planned(studies, pictures=["cifar10"])["cifar10_transfer"]
    assert plan.chosen == ["leaky_cnn", "leaky_cnn_dropout", "leaky_cnn_deep", "vgg16_transfer"]
    assert set(plan.left_out) == {"vgg19_transfer", "inception_v3_cifar", "resnet50v2_cifar"}
    assert set(plan.left_out.values()) == {"no weights: example.org does not answer"}
    assert plan.command(None)[-2:] == [
        "-S",
        "model=[leaky_cnn,leaky_cnn_dropout,leaky_cnn_deep,vgg16_transfer]",
    ]


def test_what_a_plan_runs_composes_the_models_that_are_left(studies, params):
    plan = planned(studies, pictures=["cifar10"])["cifar10_transfer"]
    composed = params(*plan.command(3)[4::2])
    assert list(composed.models) == plan.chosen
    assert composed.study == "cifar10_transfer"
    assert composed.compute.max_epochs == 3


def test_without_pictures_no_model_runs_and_weights_are_not_asked_for(studies):
    asked = []
    known = Knowing(
        pictures=lambda params: NOWHERE,
        weights=lambda params, model: asked.append(model),
        estimate=lambda params, model: asked.append(model),
    )
    for plan in plans(studies, False, known):
        assert plan.chosen == []
        assert set(plan.left_out.values()) == {"no pictures: example.org does not answer"}
    assert asked == []


@pytest.mark.parametrize(
    ("pictures", "named", "runs"),
    [
        (["cifar10", "cifar10_images"], False, False),
        (["cifar10_images"], False, True),
        (["cifar10", "cifar10_images"], True, True),
        ([], True, False),
    ],
)
def test_a_copy_stands_in_only_where_the_published_pictures_cannot_be_had(studies, pictures, named, runs):
    plan = planned(studies, named, pictures=pictures)["cifar10_images"]
    assert bool(plan.chosen) is runs
    if "cifar10" in pictures and not named:
        assert "stands in for cifar10_model_s, cifar10_transfer" in plan.pictures


def test_a_try_ends_early_and_trains_no_replicates(studies, params):
    plan = planned(studies, pictures=["sign_digits"])["sign_digits"]
    composed = params(*plan.command(1)[4::2])
    assert (composed.compute.max_epochs, composed.replicates) == (1, 0)


def test_an_estimate_counts_reported_epochs_pictures_and_replicates(params):
    sign = params("study=sign_digits")
    found = estimated(sign, "sign_cnn", None, Speed(0.001, 0, "measured"))
    assert found.seconds == pytest.approx(5 * 20 * 1650 * 0.001)
    assert "20 epochs of 1,650 pictures, 5 times" in found.how
    assert estimated(sign, "sign_cnn", 2, Speed(0.001, 0, "measured")).seconds == pytest.approx(3.3)


def test_a_frozen_base_is_counted_once(params):
    cifar = params("study=cifar10_transfer")
    assert estimated(cifar, "vgg16_transfer", None, Speed(0.001, 0.01, "")).seconds == pytest.approx(
        45_000 * (10 * 0.001 + 0.01)
    )


def test_a_model_without_a_reported_number_takes_all_epochs_of_its_phases(params):
    cifar = params("study=cifar10_transfer")
    epochs = sum(phase.epochs for phase in cifar.models["inception_v3_cifar"].phases.values())
    assert estimated(cifar, "inception_v3_cifar", None, Speed(1, 0, "")).seconds == 45_000 * epochs


def test_the_plan_tells_pictures_weights_times_reasons_and_the_command(studies):
    text = "\n".join(told(plans(studies, False, knowing(pictures=["cifar10"])), None))
    assert "  pictures: in the mirror" in text
    assert "  vgg16_transfer: weights in the mirror; about 1 min 00 s (by a guess)" in text
    assert "  vgg19_transfer: left out: no weights: example.org does not answer" in text
    assert "  dvc exp run -S study=cifar10_transfer -S 'model=[leaky_cnn" in text
    assert "  not run: no pictures: it stands in for cifar10_model_s, cifar10_transfer" in text
    assert "2 of 4 studies, 5 of 15 models can be run here; their training may take 5 min 00 s" in text


def test_pictures_of_published_splits_are_those_that_the_notebooks_count(params):
    assert set(TRAIN) == {
        "animals10", "animals5", "cifar10_images", "cifar10_model_s", "cifar10_transfer", "sign_digits"
    }  # fmt: skip
    for name, count in TRAIN.items():
        split = params(f"study={name}").dataset.split
        scores = params(f"study={name}").reported.models.values()
        n = [score.val.n for score in scores if score.val]
        if split.policy == "keras":  # n is the share of val, to the picture
            assert count == pytest.approx(
                n[0] * (1 - split.validation_split) / split.validation_split, abs=10
            )

"""The studies: each composes whole, and what it reports can be true of its data and of its models."""

import numpy as np
import pandas as pd
import pytest

from helpers import ROOT
from menagerie.split.policies import split

STUDIES = sorted(path.stem for path in (ROOT / "conf" / "study").glob("*.yaml"))
REPORTING = [name for name in STUDIES if name not in ("quickstart", "sign_digits_by_signer")]

SIZES = {  # pictures of the splits, as the notebooks print them
    "animals10": {"val": 3925, "test": 3933},
    "animals5": {"val": 2021, "test": 1497},
    "cifar10_model_s": {"val": 10_000, "test": 10_000},
    "cifar10_transfer": {"val": 5000, "test": 10_000},
    "cifar10_images": {"val": 5000, "test": 10_000},
    "sign_digits": {"val": 412, "test": 412},
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_its_own_name(params, name):
    assert params(f"study={name}").study == name


def test_every_study_of_a_notebooks_own_split_reports():
    assert set(SIZES) == set(REPORTING)


@pytest.mark.parametrize("name", REPORTING)
def test_what_a_study_reports_is_of_models_of_its_suite(params, name):
    study = params(f"study={name}")
    assert study.reported.models
    without = {"inception_v3_cifar"}  # it failed in its notebook
    assert set(study.reported.models) == set(study.models) - without


@pytest.mark.parametrize("name", REPORTING)
def test_reported_numbers_are_of_the_pictures_of_their_split(params, name):
    for model, reported in params(f"study={name}").reported.models.items():
        for part, size in SIZES[name].items():
            if score := getattr(reported, part):
                assert score.n == size, model
                assert 0 < score.value < 1, model
                assert score.loss is None or score.loss > 0, model
        assert reported.note.strip() == reported.note, model


def test_the_sign_digits_have_no_reported_test_pictures(params):
    assert {reported.test for reported in params("study=sign_digits").reported.models.values()} == {None}


@pytest.mark.parametrize("name", REPORTING)
def test_claims_are_of_two_models_and_none_is_told_twice(params, name):
    notebook = params(f"study={name}").reported
    for claim in notebook.claims:
        compared = [(pair.better, pair.than) for pair in claim.pairs]
        assert len(set(compared)) == len(compared)
        for better, than in compared:
            assert better != than
            assert (than, better) not in compared, "a claim is not of both"
        words = claim.quote or claim.told
        assert words == words.strip()
        assert words.endswith(".") or claim.quote


def test_of_all_notebooks_one_pair_alone_is_claimed_both_ways(params):
    """Xception fine-tuned in part is one of the best two, and MobileNetV2 is above Xception "in general"."""
    both = set()
    for name in REPORTING:
        claims = params(f"study={name}").reported.claims
        compared = {(pair.better, pair.than) for claim in claims for pair in claim.pairs}
        both |= {frozenset(pair) for pair in compared if pair[::-1] in compared}
    assert both == {frozenset({"mobilenet_v2_partial", "xception_partial"})}


@pytest.mark.parametrize("name", REPORTING)
def test_numbers_that_claims_are_made_of_each_mean_one_count_of_pictures(params, name):
    """So that a margin in pictures, and the p that it can have, is one number."""
    notebook = params(f"study={name}").reported
    for claim in notebook.claims:
        models = {model for pair in claim.pairs for model in (pair.better, pair.than)}
        scores = [getattr(notebook.models[model], claim.split) for model in models]
        for score in [*scores, *claim.earlier.values()]:
            assert score.rights == (score.right, score.right)


@pytest.mark.parametrize("name", REPORTING)
def test_an_earlier_epoch_is_the_one_at_which_the_other_model_had_ended(params, name):
    notebook = params(f"study={name}").reported
    for claim in notebook.claims:
        for model, earlier in claim.earlier.items():
            assert earlier.epoch < notebook.models[model].epochs
            assert {notebook.models[pair.better].epochs for pair in claim.pairs if pair.than == model} == {
                earlier.epoch
            }


def test_the_words_of_seed_001_are_its_own(params):
    claims = params("study=animals5").reported.claims
    assert {claim.split for claim in claims} == {"val"}
    assert [(claim.quote, claim.section) for claim in claims] == [
        (
            "The best performance is achieved with the MobileNetV2 with transfer learning and Xception with "
            "partial fine-tuning.",
            "3.4",
        ),
        (
            "Fine-tuning with Xception and ResNet50-V2 obtains the worst results "
            "(less than 90% of accuracy).",
            "3.4",
        ),
        (
            "In general terms, MobileNetV2 retrieves the better results, followed by Xception and finally "
            "ResNet50-V2.",
            "3.4",
        ),
        (
            "In general terms, the pretrained architectures retrieve the best performance and "
            "overfitting level.",
            "4",
        ),
    ]


def test_the_fine_tunings_of_seed_001_that_it_calls_the_worst_lie_below_90_percent_of_val_alone(params):
    models = params("study=animals5").reported.models
    for name in ("xception_finetune", "resnet50v2_finetune"):
        assert models[name].val.value < 0.9 < models[name].test.value


def test_notes_of_seed_003_say_what_it_shows(params):
    models = params("study=cifar10_transfer").reported.models
    assert "after the activations of the convolutions" in models["leaky_cnn_dropout"].note
    assert "23,519,360 trainable" in models["resnet50v2_cifar"].note
    assert "the log shown has 0.6026 and 0.6466" in models["vgg19_transfer"].note


@pytest.mark.parametrize("name", REPORTING)
def test_a_model_did_not_run_for_longer_than_its_file_lets_it(params, name):
    study = params(f"study={name}")
    for model, reported in study.reported.models.items():
        longest = sum(phase.epochs for phase in study.models[model].phases.values())
        assert reported.epochs <= longest, model


@pytest.mark.parametrize("name", REPORTING)
def test_a_model_as_published_differs_from_the_others_of_its_suite(params, name):
    """A file copied and not changed would report one network's number of another."""
    models = [repr(model) for model in params(f"study={name}").models.values()]
    assert len(set(models)) == len(models)


def test_the_jpeg_copy_reports_the_very_numbers_of_cifar10(params):
    copy = params("study=cifar10_images").reported.models
    original = (
        params("study=cifar10_transfer").reported.models | params("study=cifar10_model_s").reported.models
    )
    for name, reported in copy.items():
        assert reported.model_copy(update={"note": ""}) == original[name].model_copy(update={"note": ""})


@pytest.mark.parametrize(
    "overrides",
    [
        ("study=cifar10_images",),
        ("study=cifar10_transfer", "dataset=cifar10_images", "split=cifar10_images_val"),
    ],
    ids=["the study of the copy", "the copy by hand"],
)
def test_of_the_jpeg_copy_the_last_500_of_each_class_validate(params, overrides):
    study = params(*overrides)
    assert study.dataset.name == "cifar10_images"
    sizes = {"test": 1000, "train": 5000}
    rows = [
        (f"{folder}/{name}/{place:04d}.jpg", name, folder)
        for folder, size in sizes.items()
        for name in "abcdefghij"
        for place in range(size)
    ]
    listed = pd.DataFrame(rows, columns=["path", "class", "folder"])
    listed = listed.assign(index=np.arange(len(listed)), status="ok")
    table = split(listed, study.dataset.split)
    counts = table.groupby("split")["class"].value_counts().unstack()
    assert counts.loc["val"].tolist() == [500] * 10
    assert counts.loc["train"].tolist() == [4500] * 10
    assert counts.loc["test"].tolist() == [1000] * 10
    assert table.loc[table["split"] == "val", "path"].str[-8:-4].astype(int).min() == 4500


@pytest.mark.parametrize("name", REPORTING)
def test_models_are_reported_in_the_order_of_the_suite(params, name):
    study = params(f"study={name}")
    assert list(study.reported.models) == [model for model in study.models if model in study.reported.models]

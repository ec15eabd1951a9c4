"""What a notebook reported and claimed, beside what came out."""

import re

import pytest

from helpers import entry, of_kind, predictions, results_of, rows_of, told
from menagerie.compare import leaderboard
from menagerie.report.findings import notebook
from menagerie.report.findings.blocks import Items, Table
from menagerie.report.findings.values import DASH


@pytest.fixture
def study(params):
    return params("study=sign_digits", "model=sign_cnn")


def reported(params, metrics, **parts):
    return notebook.sections(params, results_of(metrics, **parts))[0]


def claimed(params, metrics, **parts):
    _, section = notebook.sections(params, results_of(metrics, **parts))
    return section


def test_reported_and_reproduced_stand_side_by_side(study):
    section = reported(study, {"sign_cnn": entry(373, val_correct=340, epochs=18)})
    assert rows_of(section) == [
        {
            "model": "sign_cnn",
            "split": "val",
            "reported (%)": "90.53",
            "reproduced (%)": "82.52; 78.56 to 85.89",
            "n": "412",
            "difference (points)": "-8.01",
            "p": "0.0008",
            "reported value": "no: ours is lower, p 0.00083",
            "reported loss": "0.3312",
            "loss": "0.5000",
            "reported epochs": "20",
            "epochs": "18",
        }
    ]
    assert told(section)[0] == f'Reported by "{study.reported.title}". {study.reported.note}'
    assert of_kind(Items, section) == [Items((f"sign_cnn: {study.reported.models['sign_cnn'].note}",))]


def test_an_empty_note_makes_no_item(study):
    unnoted = study.reported.models["sign_cnn"].model_copy(update={"note": ""})
    models = study.reported.models | {"sign_cnn": unnoted}
    silent = study.model_copy(update={"reported": study.reported.model_copy(update={"models": models})})
    assert of_kind(Items, reported(silent, {"sign_cnn": entry(373)})) == []


@pytest.mark.parametrize(
    ("metrics", "judged"),
    [
        (entry(373, val_correct=373), "good"),
        (entry(373, val_correct=340), "careful"),
        (entry(373, val_correct=373, n=413), "open"),
    ],
    ids=["inside", "outside", "of other pictures"],
)
def test_verdicts_are_marked_by_what_they_say(study, metrics, judged):
    (table,) = of_kind(Table, reported(study, {"sign_cnn": metrics}))
    place = [column.title for column in table.columns].index("reported value")
    assert [row[place].judged for row in table.rows] == [judged]


def test_a_reported_number_has_the_digits_that_were_printed_and_no_more(params):
    metrics = {"vgg16_transfer": entry(7800, 7800, 9000, n=10_000)}
    (row,) = rows_of(reported(params("study=cifar10_transfer", "model=vgg16_transfer"), metrics))
    assert (row["reported (%)"], row["reproduced (%)"][:5], row["reported loss"]) == ("78", "78.00", DASH)


def test_what_wrong_labels_leave_to_be_reached_is_told_with_the_numbers_above_it(params):
    study = params("study=animals10")
    metrics = {name: entry(3800, 3800, 3900, n=3933) for name in ("ann", "inception_v3_transfer")}
    (text,) = (one for one in told(reported(study, metrics)) if "wrong" in one and "checked" in one)
    assert "Of 23,999 labels that Rapidata checked 483 were wrong." in text
    assert "97.99 % of 3,933 labels, 95 % prediction interval 97.51 to 98.46 %" in text
    assert text.endswith("of the reported ones inception_v3_transfer 98.500.")


def test_claims_stand_beside_the_numbers_published_and_ours(params):
    """9 of 10 against 1 of 10, and as much again: of two pairs with p = 0.0215 Holm's is twice as much."""
    right = {"sign_cnn": range(9), "sign_cnn_decay_high": range(9), "sign_cnn_decay_low": [9]}
    pairs = leaderboard.pairs({name: predictions(rows) for name, rows in right.items()})
    section = claimed(params("study=sign_digits"), dict.fromkeys(right, entry(373)), pairs=pairs)
    first, earlier, second = rows_of(section)
    assert re.fullmatch(r"-80\.00; -\d+\.\d\d to -\d+\.\d\d", first.pop("ours, on test (points)"))
    assert first == {
        "claim": "1",
        "claimed": "sign_cnn_decay_low over sign_cnn",
        "what the numbers say": "published: the opposite is shown, 42 pictures of 412 fewer; "
        "ours: the opposite, on test pictures",
        "split": "val",
        "n": "412",
        "epochs": "8 against 20",
        "published difference (points)": "-10.19; -42 pictures",
        "published p, least to most": "< 0.0001 to 0.0002",
        "pictures needed": "187",
        "on the other split (pictures)": DASH,
        "p": "0.0430",
    }
    assert earlier["claimed"] == "sign_cnn_decay_low over sign_cnn at epoch 8"
    assert earlier["published difference (points)"] == "-3.40; -14 pictures"
    assert (earlier["epochs"], earlier["p"]) == ("8 against 8", DASH)
    assert second["published difference (points)"] == "-5.10; -21 pictures"


def test_each_claim_is_told_once_and_every_comparison_names_it_by_number(params):
    study = params("study=animals5", "model=xception_partial")
    section = claimed(study, {"xception_partial": entry(1400, 1400, 1490, n=1497)})
    (texts,) = of_kind(Items, section)
    assert texts.numbered
    assert len(texts.texts) == len(set(texts.texts)) == len(study.reported.claims)
    pairs = [(place + 1, pair) for place, claim in enumerate(study.reported.claims) for pair in claim.pairs]
    for (place, pair), row in zip(pairs, rows_of(section), strict=True):
        assert row["claim"] == str(place)
        assert row["claimed"] == f"{pair.better} over {pair.than}"


def test_the_notebooks_own_words_stand_in_quotation_marks_and_others_without(params, study):
    animals = params("study=animals5", "model=xception_partial")
    (quoted,) = of_kind(Items, claimed(animals, {"xception_partial": entry(1400, 1400, 1490, n=1497)}))
    best = (
        '"The best performance is achieved with the MobileNetV2 with transfer learning and Xception with '
        'partial fine-tuning."'
    )
    assert quoted.texts[0] == f"{best} (section 3.4)"
    assert notebook.worded(animals.reported.claims[0].model_copy(update={"section": ""})) == best
    (told,) = of_kind(Items, claimed(study, {"sign_cnn": entry(373)}))
    assert told.texts == (
        'The recipe with the lowest learning rate is declared final, the rate "selected appropriately".',
    )


def test_the_margin_on_the_split_that_a_claim_is_not_of_stands_beside(params):
    study = params("study=animals5", "model=xception_partial")
    rows = rows_of(claimed(study, {"xception_partial": entry(1400, 1400, 1490, n=1497)}))
    (row,) = [row for row in rows if row["claimed"] == "resnet50v2_partial over resnet50v2_finetune"]
    assert (row["split"], row["n"], row["on the other split (pictures)"]) == ("val", "2,021", "+10 of 1,497")


def test_of_a_claim_that_was_not_run_the_cells_of_ours_are_dashes(study):
    for row in rows_of(claimed(study, {"sign_cnn": entry(373)})):
        assert (row["ours, on test (points)"], row["p"]) == (DASH, DASH)
        assert row["what the numbers say"].endswith("; ours: not run here")


def test_a_notebook_without_claims_has_no_such_section(params):
    chosen = params("study=cifar10_model_s")
    found = results_of({"model_s": entry(8000, n=10_000, train_correct=9500)})
    assert [section.name for section in notebook.sections(chosen, found)] == ["reported"]


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=ann",),
        ("study=sign_digits", "model=ann"),
        ("study=sign_digits", "model=cnn", "dataset=digits"),
    ],
    ids=["no notebook", "no model of the notebook", "another data set"],
)
def test_without_a_reported_number_there_is_no_section(params, overrides):
    chosen = params(*overrides)
    assert notebook.sections(chosen, results_of(dict.fromkeys(chosen.models, entry(373)))) == []

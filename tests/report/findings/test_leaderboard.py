"""The verdict, the leaderboard and what warns of it."""

import pytest

from helpers import COUNT, N, data_report, entry, of_kind, results, results_of, rows_of
from menagerie.report.findings import leaderboard
from menagerie.report.findings.blocks import Notice, Paragraph, Section, Table


def verdict(params, results):
    return leaderboard.lead(params, results)[0].text


# the verdict


def test_the_verdict_is_of_the_model_that_val_chose_and_says_its_test_accuracy(params):
    """The second by test is the first by val: what is told of test is its own."""
    metrics = {"one": entry(400, val_correct=300), "two": entry(373, val_correct=380)}
    assert verdict(params(), results_of(metrics)) == (
        "**two** is the best of 2 models by val accuracy (92.23 %). It gets 373 of 412 test pictures right: "
        "**90.53 %**, 95 % interval 87.32 to 93.00 %. "
        "The other model does not differ from it by more than chance."
    )


@pytest.mark.parametrize(
    ("p", "said"),
    [
        ([0.01, 0.04], "Both others differ from it by more than chance."),
        ([0.01, 0.05], "1 of the 2 others differs from it by more than chance."),
        ([0.2, 1.0], "None of the 2 others differs from it by more than chance."),
        ([0.01], "The other model differs from it by more than chance."),
        ([0.2], "The other model does not differ from it by more than chance."),
    ],
)
def test_the_verdict_counts_the_models_that_are_told_apart(params, p, said):
    metrics = {name: entry(400 - place) for place, name in enumerate("abc"[: len(p) + 1])}
    pairs = results_of(metrics).pairs
    pairs = pairs.assign(p_holm=[*p, 0.9][: len(pairs)], p=0.6)
    assert verdict(params(), results_of(metrics, pairs=pairs)).endswith(f" %. {said}")


def test_of_three_others_two_differ(params):
    metrics = {name: entry(400 - place) for place, name in enumerate("abcd")}
    pairs = results_of(metrics).pairs.assign(p_holm=[0.01, 0.02, 0.5, 0.9, 0.9, 0.9])
    assert "2 of the 3 others differ from it" in verdict(params(), results_of(metrics, pairs=pairs))


def test_the_verdict_of_one_model_compares_it_with_none(params):
    told = verdict(params("model=cnn"), results_of({"cnn": entry(373)}))
    assert told.startswith("**cnn** is the one model here. It gets 373 of 412 test pictures right")
    assert told.endswith("95 % interval 87.32 to 93.00 %.")


def test_the_lead_tells_how_many_pictures_there_are_for_what(params):
    told = leaderboard.lead(params("study=sign_digits"), results("cnn"))[1].text
    assert told == (
        "240 pictures of 3 classes. Split policy `keras`: 120 train, 60 val and 60 test pictures."
    )


# the table


def test_a_row_has_the_numbers_of_its_model():
    metrics = {"sign_cnn": entry(373, val_correct=380, loss=0.33124, epochs=20)}
    assert rows_of(leaderboard.section(results_of(metrics))) == [
        {
            "model": "sign_cnn",
            "test accuracy (%)": "90.53; 87.32 to 93.00",
            "n": "412",
            "macro F1 (%)": "89.53",
            "loss (nats)": "0.3312",
            "ECE (%)": "2.13",
            "val accuracy (%)": "92.23; 89.24 to 94.44",
            "train accuracy (%)": "99.03; 97.53 to 99.62",
            "gap (points)": "+8.50; +5.61 to +11.76",
            "epochs": "20",
            "parameters": "1,204,650",
            "trainable": "1,204,202",
        }
    ]


def test_scores_stand_with_the_intervals_that_evaluate_found():
    found = results("cnn")
    test, (row,) = found.metrics["cnn"]["test"], rows_of(leaderboard.section(found))
    for column, key in (("macro F1 (%)", "f1_macro"), ("ECE (%)", "ece")):
        low, high = (100 * test[f"{key}_{end}"] for end in ("low", "high"))
        assert row[column] == f"{100 * test[key]:.2f}; {low:.2f} to {high:.2f}"
    assert row["loss (nats)"] == (f"{test['loss']:.4f}; {test['loss_low']:.4f} to {test['loss_high']:.4f}")


def test_twenty_models_have_twenty_rows_the_highest_test_accuracy_first():
    metrics = {f"model_{number:02d}": entry(300 + number) for number in range(20)}
    section = leaderboard.section(results_of(metrics))
    assert [row["model"] for row in rows_of(section)] == sorted(metrics, reverse=True)
    (table,) = of_kind(Table, section)
    assert table.falling in [column.title for column in table.columns]
    accuracies = [row[1].key for row in table.rows]
    assert accuracies == [(319 - place) / N for place in range(20)]


def test_the_row_of_the_model_that_val_chose_is_pointed_out():
    metrics = {"one": entry(400, val_correct=300), "two": entry(373, val_correct=380)}
    (table,) = of_kind(Table, leaderboard.section(results_of(metrics)))
    assert table.chosen == "two"


# warnings


@pytest.mark.parametrize(
    ("part", "how"),
    [("train", "was trained on them"), ("val", "was chosen with them in view")],
)
def test_test_pictures_that_were_seen_before_are_told(part, how):
    seen = results_of({"cnn": entry(373)}, data=data_report(**{f"in_{part}": 12}))
    assert of_kind(Notice, leaderboard.section(seen)) == [
        Notice(
            f"**Careful:** 12 of {COUNT} test pictures are {part} pictures too. "
            f"Whatever {how} scores too high here."
        )
    ]


def test_there_is_no_warning_when_test_is_apart():
    assert of_kind(Notice, leaderboard.section(results_of({"cnn": entry(373)}))) == []


def test_where_pictures_belong_together_the_design_effect_is_told():
    metrics = {"cnn": entry(373), "ann": entry(300)}
    metrics["cnn"]["test"]["accuracy_design_effect"] = 2.614
    groups = {"groups": 207, "in_test": 42, "in_test_and_train": 0, "in_test_and_val": 0}
    told = leaderboard.section(results_of(metrics, data=data_report() | {"groups": groups}))
    about, grouped = (block.text for block in of_kind(Paragraph, told))
    assert "a bootstrap of whole groups of pictures" in about
    assert "of 42 groups" in grouped
    assert grouped.endswith("pictures, is cnn 2.61.")


def test_pictures_that_stand_for_themselves_have_wilsons_interval():
    (about,) = (block.text for block in of_kind(Paragraph, leaderboard.section(results("cnn"))))
    assert "Wilson's for accuracy" in about


@pytest.mark.parametrize(
    ("val", "shared", "said"), [(COUNT, COUNT, True), (COUNT, COUNT - 1, False), (9, 9, False)]
)
def test_where_test_is_val_the_report_begins_with_it(params, val, shared, said):
    data = data_report(in_val=shared)
    data["splits"]["val"] = val
    notices = of_kind(
        Notice, Section("lead", "", leaderboard.lead(params(), results_of({"cnn": entry(373)}, data=data)))
    )
    assert len(notices) == said
    assert all(notice.text.startswith("**The test pictures are the val pictures:**") for notice in notices)


def test_one_picture_that_was_seen_before_is_one():
    seen = results_of({"cnn": entry(373)}, data=data_report(in_train=1))
    (notice,) = of_kind(Notice, leaderboard.section(seen))
    assert f"1 of {COUNT} test pictures is a train picture too." in notice.text

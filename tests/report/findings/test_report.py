"""All findings together."""

from helpers import entry, of_kind, results_of, told
from menagerie.report.again import again
from menagerie.report.findings.blocks import Code
from menagerie.report.findings.report import findings


def test_the_findings_stand_in_their_order_under_the_title_of_the_data_set(params):
    chosen = params("study=sign_digits", "model=[sign_cnn,ann]")
    found = findings(chosen, results_of({"sign_cnn": entry(373), "ann": entry(300)}))
    assert found.title == "Sign Language Digits"
    assert [section.name for section in found.sections] == [
        "leaderboard",
        "tests",
        "reported",
        "claims",
        "calibration",
        "data",
        "repeat",
    ]


def test_one_model_of_no_notebook_has_a_report(params):
    found = findings(params("model=cnn"), results_of({"cnn": entry(373)}))
    assert [section.name for section in found.sections] == ["leaderboard", "calibration", "data", "repeat"]


def test_it_ends_with_the_command_that_repeats_it_all(params):
    chosen = params("model=[cnn,ann]")
    section = findings(chosen, results_of({"cnn": entry(373), "ann": entry(300)})).sections[-1]
    assert of_kind(Code, section) == [Code(again(chosen, ["cnn", "ann"]))]
    assert "`dvc repro` runs `params.yaml` of the commit as it stands" in told(section)[-1]

"""The result tables of README.md: of a small summary by hand, and those that stand there."""

import pytest
import yaml

from helpers import ROOT
from menagerie import paths
from menagerie.errors import MenagerieError
from menagerie.files import read_json
from menagerie.params.section import parse
from menagerie.report.readme import Tables, filled

SHOWN = {
    "notebooks": {
        "cifar10": {
            "studies": {"cifar10_model_s": "cifar10_images", "cifar10_transfer": "cifar10_images"},
            "ours": "on the JPEG copy",
        }
    },
    "claims": ["sign_digits", "cifar10_transfer"],
    "beyond": [
        {
            "model": "resnet9_narrow",
            "dataset": "cifar10_images",
            "pictures": "the JPEG copy",
            "kind": "from scratch",
            "beside": {"study": "cifar10_model_s", "model": "model_s"},
        },
        {
            "model": "resnet9",
            "dataset": "cifar10",
            "pictures": "CIFAR-10",
            "kind": "from scratch, for a GPU",
            "beside": {"study": "cifar10_model_s", "model": "model_s"},
        },
        {
            "model": "mobilenet_random",
            "dataset": "cifar10_images",
            "pictures": "the JPEG copy",
            "kind": "random weights",
            "beside": None,
        },
    ],
}
TEST = {"accuracy": 0.80676, "accuracy_low": 0.7989, "accuracy_high": 0.8144, "n": 10_000}
VAL = {"val_accuracy": 0.681, "val_accuracy_low": 0.6679, "val_accuracy_high": 0.69376, "val_n": 5000}
README = """# A title

<!-- results: begin cifar10 -->
| an | older | table |
<!-- results: end -->
Words between.
<!-- results: begin claims -->
<!-- results: end -->
<!-- results: begin beyond -->
<!-- results: end -->

The end | of | it.
"""


@pytest.fixture
def fill(params):
    """Fill README.md's text from the summary of one run on the JPEG copy: models and their numbers."""
    tables = parse(Tables, SHOWN, "SHOWN")
    studies = {name: params(f"study={name}") for name in tables.studies}
    return lambda text=README, **models: filled(text, tables, studies, {"cifar10_images": {"models": models}})


def row_of(text, model):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| [`{model}`]")]
    link, *cells = line.strip("| ").split("|")
    assert link.strip() == f"[`{model}`](conf/model/{model}.yaml)"
    return [cell.strip() for cell in cells]


def test_a_number_reported_of_val_stands_beside_ours_of_val_and_one_of_test_beside_ours_of_test(fill):
    text = fill(leaky_cnn=TEST | VAL, model_s=TEST | VAL)
    assert row_of(text, "leaky_cnn") == ["70.66", "val, 5,000", "68.10 (66.79 to 69.38)"]
    assert row_of(text, "model_s") == ["83.4", "test, 10,000", "80.68 (79.89 to 81.44)"]


def test_every_model_of_the_studies_has_a_row_in_their_order_and_one_that_was_not_run_says_so(fill, params):
    text = fill(leaky_cnn=TEST | VAL)
    table = text.split("<!-- results: end -->")[0]
    suites = [*params("study=cifar10_model_s").models, *params("study=cifar10_transfer").models]
    places = [table.index(f"| [`{name}`]") for name in suites]
    assert places == sorted(places)
    assert table.count("| [`") == len(suites) == 8
    assert row_of(text, "vgg16_transfer") == ["78", "test, 10,000", "not run"]


def test_a_model_that_its_notebook_has_no_number_of_says_so(fill):
    assert row_of(fill(), "inception_v3_cifar") == ["no number", "", "not run"]
    ran = fill(inception_v3_cifar=TEST | VAL)
    assert row_of(ran, "inception_v3_cifar") == ["no number", "", "80.68 (79.89 to 81.44)"]


def test_a_result_of_other_pictures_than_those_reported_says_so(fill):
    text = fill(leaky_cnn=TEST | VAL | {"val_n": 4999}, model_s=TEST | VAL | {"val_n": 4999})
    assert row_of(text, "leaky_cnn")[-1] == "68.10 (66.79 to 69.38), of other pictures"
    assert row_of(text, "model_s")[-1] == "80.68 (79.89 to 81.44)"


def test_a_model_that_no_notebook_has_stands_beside_the_best_of_its_kind(fill):
    text = fill(resnet9_narrow=TEST | VAL, mobilenet_random=TEST | VAL)
    ours = "80.68 (79.89 to 81.44)"
    assert row_of(text, "resnet9_narrow") == [
        "the JPEG copy (n 10,000)", "from scratch", ours, "83.4, on CIFAR-10",
    ]  # fmt: skip
    assert row_of(text, "resnet9") == ["CIFAR-10", "from scratch, for a GPU", "not run", "83.4"]
    assert row_of(text, "mobilenet_random")[-2:] == [ours, "none"]


def test_each_claim_has_a_row_of_what_its_published_numbers_can_show(fill):
    rows = [line for line in fill().splitlines() if line.startswith(("| Sign", "| CIFAR-10: "))]
    assert len(rows) == 4
    assert rows[0] == (
        "| Sign Language Digits: The recipe with the lowest learning rate is declared final, the rate "
        '"selected appropriately". | -42 against `sign_cnn` (8 epochs, 20); -14 against `sign_cnn` '
        "(8 epochs, 8); -21 against `sign_cnn_decay_high` (8 epochs, 8): pictures of 412 (val) | "
        "the opposite is shown: 1, open: 2 |"
    )
    assert rows[1].endswith("| +373 to +491 pictures of 5,000 (val), 2 pairs | shown |")
    assert rows[2].endswith("| 79.24 against 78.12 of 5,000 (val) | open |")
    assert rows[3].endswith("| 38.18 against 79.24 of 5,000 (val) | the opposite is shown |")


def test_claims_of_the_readme_tell_the_margins_on_the_other_split_too():
    """Counted from the notebook's numbers of both splits."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (worst,) = [line for line in text.splitlines() if "less than 90% of accuracy" in line]
    cells = [cell.strip() for cell in worst.strip("|").split("|")]
    assert cells[1:] == [
        "+15 to +107 pictures of 2,021 (val), 14 pairs; +10 to +50 of 1,497 (test)",
        "open: 6, shown: 8",
    ]
    (best,) = [line for line in text.splitlines() if 'called the "best option"' in line]
    assert "| 98.678 against 98.500 of 3,933 (test); +16 of 3,925 (val) | open |" in best


def test_what_stands_outside_the_markers_stays_and_a_second_filling_changes_nothing(fill):
    text = fill(leaky_cnn=TEST | VAL)
    assert text.startswith("# A title\n\n<!-- results: begin cifar10 -->\n| model | reported | of | on the ")
    assert "|\n<!-- results: end -->\nWords between.\n<!-- results: begin claims -->\n| claim |" in text
    assert text.endswith("|\n<!-- results: end -->\n\nThe end | of | it.\n")
    assert "older" not in text
    assert fill(text, leaky_cnn=TEST | VAL) == text


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("no tables", "none"),
        (README.replace("begin beyond", "begin beyont"), "cifar10, claims, beyont"),
        (README.replace("<!-- results: end -->\nWords", "Words"), "cifar10, beyond"),
        (README + README, "cifar10, claims, beyond, cifar10, claims, beyond"),
    ],
    ids=["no markers", "an unknown name", "a lost end", "the same table twice"],
)
def test_markers_that_do_not_fit_the_tables_are_named(fill, text, marked):
    with pytest.raises(
        MenagerieError, match=f"marks the tables {marked}, docs/readme.yaml has cifar10, claims, beyond"
    ):
        fill(text)


def test_the_tables_of_the_readme_are_those_of_the_committed_summaries(params):
    """`make readme` mends it."""
    tables = parse(Tables, yaml.safe_load((ROOT / "docs/readme.yaml").read_text(encoding="utf-8")), "readme")
    studies = {name: params(f"study={name}") for name in tables.studies}
    files = {name: ROOT / paths.summary(name) for name in tables.datasets}
    summaries = {name: read_json(file) for name, file in files.items() if file.is_file()}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert filled(text, tables, studies, summaries) == text

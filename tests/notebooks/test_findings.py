"""The page over all studies and docs/results.md: every published model, run or not, and why."""

import re

import pytest

import screens
from helpers import ROOT, Page, rows_of, told
from menagerie.files import read_json
from menagerie.notebooks.findings import findings
from menagerie.notebooks.given import Given, Pair, Reached, kept
from menagerie.notebooks.meant import Meant
from menagerie.report.markdown import written
from menagerie.report.page import plain_page

STUDIES = ("animals10", "animals5", "cifar10_model_s", "cifar10_transfer", "cifar10_images", "sign_digits")
MEANT = [Meant("resnet_fixed", "resnet", "With what was meant."), Meant("net_fixed", "net", "Of another.")]


@pytest.fixture(scope="module")
def studies(params):
    return {name: params(f"study={name}") for name in STUDIES}


def reached(accuracy, verdict, split="val", **parts):
    nothing = dict.fromkeys(("mean", "mean_low", "mean_high"))
    values = {"split": split, "n": 412, "runs": 1, "accuracy": accuracy, "verdict": verdict} | nothing | parts
    return Reached(low=accuracy - 0.02, high=accuracy + 0.02, **values)


def section_of(found, name):
    (section,) = [one for one in found.sections if one.name == name]
    return section


GIVEN = {
    "sign_digits": Given(
        models={
            "sign_cnn": reached(0.91, "reproduced", runs=5, mean=0.9, mean_low=0.85, mean_high=0.95),
            "sign_cnn_decay_high": reached(0.5, "no: ours is lower, p 1e-09"),
        },
        pairs=(
            Pair(claim=0, better="sign_cnn_decay_low", than="sign_cnn", ours="supported, on test pictures"),
        ),
        left_out={"sign_cnn_decay_low": "no weights: nobody has them"},
    ),
    "cifar10_images": Given(
        models={"model_s": reached(0.8, "not comparable: of cifar10", "test")}, pairs=(), left_out={}
    ),
    "animals10": Given(
        models={}, pairs=(), left_out=dict.fromkeys(("ann", "cnn"), "no pictures: no network")
    ),
}


def test_every_published_model_has_a_row_with_its_number(studies):
    found = findings(studies, {}, MEANT, None)
    rows = [
        row
        for name in STUDIES
        if name != "cifar10_images"
        for row in rows_of(section_of(found, name), f"{name}: reported and reproduced accuracy (%)")
    ]
    assert len(rows) == 31
    assert sum(row["reported"] == "no number" for row in rows) == 1
    assert {row["verdict"] for row in rows} == {"not run"}


def test_what_was_run_stands_beside_what_was_reported_with_its_verdict(studies):
    section = section_of(findings(studies, GIVEN, MEANT, None), "sign_digits")
    first, second, third = rows_of(section, "sign_digits: reported and reproduced accuracy (%)")
    assert first["reported"] == "90.53"
    assert first["reproduced"] == "91.00; 89.00 to 93.00"
    assert first["mean of the runs"] == "90.00; 85.00 to 95.00"
    assert (first["verdict"], second["verdict"]) == ("reproduced", "no: ours is lower, p 1e-09")
    assert (third["reproduced"], third["verdict"]) == ("\N{EN DASH}", "not run")
    assert "Not run: `sign_cnn_decay_low`. No weights: nobody has them." in told(section)


def test_models_that_were_not_run_are_told_by_reason(studies):
    section = section_of(findings(studies, GIVEN, MEANT, None), "animals10")
    assert "Not run: `ann`, `cnn`. No pictures: no network." in told(section)
    assert any(text.endswith("Nobody ran it yet.") and "`cnn_deep`" in text for text in told(section))


def test_the_lead_counts_models_of_the_notebooks_own_pictures_and_tells_of_copies(studies):
    (lead,) = findings(studies, GIVEN, MEANT, None).lead
    assert lead.text.startswith(
        "Of 31 models of 5 notebooks 2 ran on the pictures that these used: 1 reproduced, 1 not reproduced. "
        "1 model ran on a copy, cifar10_images, which holds no verdict."
    )


def test_a_claim_tells_of_each_pair_what_ours_say(studies):
    section = section_of(findings(studies, GIVEN, MEANT, None), "sign_digits")
    (row,) = rows_of(section, "sign_digits: claims")
    assert row["ours"] == "supported, on test pictures: 1; not run here: 1"
    assert row["can these numbers show it?"] == "the opposite is shown: 1, open: 2"


def test_meant_forms_are_those_of_published_models(studies):
    rows = rows_of(section_of(findings(studies, GIVEN, MEANT, None), "meant"))
    assert [row["as it was meant"] for row in rows] == ["resnet_fixed"]


def test_a_try_says_so_first_and_gives_no_verdict(studies):
    found = findings(studies, GIVEN, MEANT, 1)
    notice, lead = found.lead
    assert notice.text.startswith("**A try:** phases ended after 1 epoch.")
    assert "2 ran on the pictures that these used: 2 for a try." in lead.text
    section = section_of(found, "sign_digits")
    rows = rows_of(section, "sign_digits: reported and reproduced accuracy (%)")
    assert [row["verdict"] for row in rows] == ["a try", "a try", "not run"]
    assert rows_of(section, "sign_digits: claims")[0]["ours"] == "not run here"


@pytest.mark.parametrize("scheme", screens.SCHEMES)
@pytest.mark.parametrize("width", screens.WIDTHS.values(), ids=screens.WIDTHS)
def test_the_page_fits_and_can_be_read(browser, studies, tmp_path, width, scheme):
    path = tmp_path / "notebooks.html"
    path.write_text(plain_page(findings(studies, GIVEN, MEANT, 1)), encoding="utf-8")
    with screens.opened(browser, path, width, scheme) as page:
        assert screens.faults(page) == {}


def test_the_page_asks_nothing_of_a_network_and_its_links_lead_somewhere(studies):
    text = plain_page(findings(studies, GIVEN, MEANT, None))
    page = Page(text)
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {link["href"][1:] for link in page.of("a") if link["href"].startswith("#")} <= places
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", text)


# what is committed


def committed(name):
    return kept(ROOT / f"docs/results/{name}.json")


def test_the_committed_results_are_those_of_the_kept_values(studies):
    """After a change: menagerie notebooks --page-only."""
    from menagerie.notebooks.meant import meant_forms

    given = {name: committed(name) for name in STUDIES}
    files = {path.stem: path.read_text("utf-8") for path in sorted(ROOT.glob("conf/model/*.yaml"))}
    text = written(
        findings(studies, {name: one for name, one in given.items() if one}, meant_forms(files), None)
    )
    assert (ROOT / "docs/results.md").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", STUDIES)
def test_the_kept_values_are_those_of_the_committed_summary(studies, name):
    """After a new run of a study: menagerie notebooks STUDY."""
    given, file = committed(name), ROOT / f"metrics/{studies[name].dataset.name}/summary.json"
    summary = read_json(file)["models"] if file.is_file() else {}
    for model, one in given.models.items():
        measured = summary[model]
        accuracy, n = ("val_accuracy", "val_n") if one.split == "val" else ("accuracy", "n")
        assert (one.accuracy, one.n) == (measured[accuracy], measured[n])

"""`menagerie audit`, from pictures with swapped labels to labels put right."""

import csv
import shutil

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from helpers import ROOT, Page, colours, composed, draw, succeed
from menagerie.cli.main import main
from menagerie.files import read_json
from menagerie.prepare.manifest import read_manifest

pytestmark = pytest.mark.tensorflow

# Pictures moved to a folder of another colour, and the class that they are of.
SWAPPED = {"green/swapped.png": "red", "blue/swapped.png": "green", "blue/<b>&.png": "red"}


def settings(folder, *more, models=("cnn",)):
    learning = ["models.cnn.phases.main.learning_rate=0.01", "compute.max_epochs=8"]
    values = composed(*colours(folder.parent / "pictures", *models), *learning, *more)
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with code, settings and prepared pictures of three colours, some with wrong labels."""
    folder = tmp_path_factory.mktemp("audit") / "workplace"
    folder.mkdir()
    pictures = draw(folder.parent / "pictures", count=40)
    for number, (path, true) in enumerate(SWAPPED.items()):
        (pictures / true / f"{number:02d}.png").rename(pictures / path)
    for name in ("src", "conf"):
        (folder / name).symlink_to(ROOT / name)
    settings(folder)
    for stage in ("download", "prepare", "split"):
        succeed(folder, "python", "src", stage)
    return folder


@pytest.fixture(scope="module")
def audited(workplace):
    """What the command says, of a folder in which it has written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        return CliRunner().invoke(main, ["audit", "--folds", "2"])


def read(path):
    return pd.read_csv(path, keep_default_na=False)


@pytest.mark.slow
def test_the_swapped_labels_come_first_with_the_right_ones_suggested(workplace, audited):
    assert audited.exit_code == 0, audited.output
    listed = read(workplace / "audit/colours/labels.csv")
    first = listed.head(len(SWAPPED))
    assert dict(zip(first["path"], first["suggested"], strict=True)) == SWAPPED
    assert (listed["class"] == listed["given"]).all()
    assert (listed["class"] == listed["path"].str.split("/").str[0]).all()
    assert listed["score"].is_monotonic_increasing
    assert (listed["score"] <= listed["suggested_probability"]).all()


@pytest.mark.slow
def test_the_terminal_tells_folds_counts_and_what_to_do_next(workplace, audited):
    lines = audited.output.splitlines()
    folds = [line.partition(": accuracy ")[0] for line in lines if line.startswith("audit: fold ")]
    assert folds == ["audit: fold 1 of 2", "audit: fold 2 of 2"]
    count = len(read(workplace / "audit/colours/labels.csv"))
    assert any(line.startswith(f"audit: {count} of 120 labels are probably wrong (") for line in lines)
    assert lines[-1] == "  dvc exp run -S dataset.labels_fixed=COPY.csv"


@pytest.mark.slow
def test_the_page_holds_the_pictures_and_asks_nothing_of_any_network(workplace, audited):
    listed = read(workplace / "audit/colours/labels.csv")
    text = (workplace / "audit/colours/labels.html").read_text(encoding="utf-8")
    page = Page(text)
    sources = [picture["src"] for picture in page.of("img")]
    assert len(sources) == len(listed)
    assert all(source.startswith("data:image/") for source in sources)
    assert "://" not in text
    assert "<b>&.png" not in text
    assert "blue/<b>&.png" in page.text
    assert "given blue" in page.text


def test_git_ignores_what_it_writes():
    succeed(ROOT, "git", "check-ignore", "audit/pets/labels.csv", "audit/pets/labels.html")


@pytest.mark.slow
def test_a_copy_with_the_suggestions_taken_puts_the_labels_right(workplace, audited, tmp_path):
    """The manifest keeps the labels as they came, and each picture its split."""
    folder = tmp_path / "workplace"
    shutil.copytree(workplace, folder, symlinks=True)
    (tmp_path / "pictures").symlink_to(workplace.parent / "pictures")
    listed = read(folder / "audit/colours/labels.csv")
    listed.loc[: len(SWAPPED) - 1, "class"] = listed["suggested"]
    listed.to_csv(folder / "my labels.csv", index=False, quoting=csv.QUOTE_ALL)
    before = read(folder / "data/colours/split.csv").set_index("path")
    settings(folder, "dataset.labels_fixed='my labels.csv'")
    done = succeed(folder, "python", "src", "split")

    after = read(folder / "data/colours/split.csv").set_index("path")
    assert after.loc[list(SWAPPED), "class"].to_dict() == SWAPPED
    assert [["blue", "green", "red"][label] for label in after["label"]] == after["class"].tolist()
    assert after["split"].to_dict() == before["split"].to_dict()
    came = read_manifest(folder / "data/colours/manifest.csv").set_index("path")
    assert came.loc[list(SWAPPED), "class"].tolist() == ["green", "blue", "blue"]
    report = read_json(folder / "data/colours/report.json")
    assert (report["labels_fixed"]["changed"], report["labels_fixed"]["lines"]) == (3, len(listed))
    assert report["classes"]["red"] == {
        part: int(((after["class"] == "red") & (after["split"] == part)).sum())
        for part in ("train", "val", "test")
    }
    assert f"split: labels that dataset.labels_fixed changes: 3 of {len(listed)} lines (" in done.stdout


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Runs the command in a folder with settings and no data."""
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, models=("cnn",)):
        settings(tmp_path, models=models)
        return CliRunner().invoke(main, ["audit", *arguments])

    return invoke


def test_of_several_models_one_has_to_be_chosen(invoke):
    several = invoke(models=("cnn", "ann"))
    assert several.exit_code == 1
    assert "params.yaml has 2 models; choose one with --model: cnn, ann" in several.output
    unknown = invoke("--model", "cnm")
    assert unknown.exit_code == 1
    assert "unknown model 'cnm'; did you mean 'cnn'?" in unknown.output


def test_without_prepared_pictures_the_fix_is_named(invoke):
    bare = invoke()
    assert bare.exit_code == 1
    assert "split.csv is not there; make it with `dvc repro`" in bare.output


def test_a_list_that_a_person_edited_is_not_written_over(invoke, tmp_path):
    listed = tmp_path / "mine/labels.csv"
    listed.parent.mkdir()
    listed.write_text("path,class,given\na.png,red,blue\nb.png,red,red\n", encoding="utf-8")
    refused = invoke("--output", "mine")
    assert refused.exit_code == 1
    assert "has 1 labels that you put right; copy it to another place" in refused.output
    assert "red,blue" in listed.read_text(encoding="utf-8")


def test_a_class_with_fewer_pictures_than_folds_is_named(invoke, tmp_path):
    split = tmp_path / "data/colours/split.csv"
    split.parent.mkdir(parents=True)
    lines = [f"{row},train,{row % 2},{'ab'[row % 2]},{row}.png" for row in range(7)]
    split.write_text("\n".join(["index,split,label,class,path", *lines]), encoding="utf-8")
    refused = invoke("--folds", "4")
    assert refused.exit_code == 1
    assert "class b has 3 pictures, fewer than --folds 4; lower it or add pictures" in refused.output
    assert not (tmp_path / "audit").exists()

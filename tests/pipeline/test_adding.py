"""Own pictures from `menagerie add` to the real DVC, whatever their path is called."""

import json

import pytest
from PIL import Image

from helpers import draw, make_clone, run, stages_run, succeed

pytestmark = pytest.mark.slow

AWKWARD = "it's ü & a=b #1 [x] (y) !, ~z"
MENAGERIE = ("python", "-c", "from menagerie.cli.main import main; main()")


def test_added_pictures_are_prepared_split_and_watched_and_may_be_the_default(tmp_path):
    clone = make_clone(tmp_path / "clone")
    own = draw(tmp_path / AWKWARD, count=6)
    printed = succeed(clone, *MENAGERIE, "add", "colours", str(own), PYTHONPATH="src").stdout
    assert "dvc exp run -S dataset=colours" in printed

    first = succeed(clone, "dvc", "exp", "run", "-S", "dataset=colours", "-S", "model=cnn", "split")
    assert stages_run(first) == ["download", "prepare", "split"]
    source = json.loads((clone / "data/colours/source.json").read_text(encoding="utf-8"))
    assert source["pictures"] == 18

    copied = min((own / "red").iterdir())
    (own / "red/new").write_bytes(copied.read_bytes())
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["download", "prepare", "split"]
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == []

    store = draw(tmp_path / "store", count=2)
    (own / "red/behind a link").symlink_to(store / "red", target_is_directory=True)
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["download", "prepare", "split"]
    Image.new("RGB", (12, 12)).save(store / "red/new.png")
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["download", "prepare", "split"]
    source = json.loads((clone / "data/colours/source.json").read_text(encoding="utf-8"))
    assert source["pictures"] == 18 + 1 + 2 + 1

    succeed(clone, *MENAGERIE, "use", "colours", PYTHONPATH="src")
    again = succeed(clone, "dvc", "exp", "run", "-S", "model=cnn", "split")
    assert stages_run(again) == []
    assert "name: colours" in (clone / "params.yaml").read_text(encoding="utf-8")

    own.rename(own.with_name("elsewhere"))
    gone = run(clone, "dvc", "repro", "split")
    assert gone.returncode != 0
    assert f"is {str(own)!r}, but there is no such folder" in gone.everything
    assert "Errno" not in gone.everything


@pytest.mark.parametrize("path", ["pictures", "~/pictures"])
def test_a_path_that_is_not_whole_is_refused_with_words(tmp_path, path):
    clone = make_clone(tmp_path / "clone")
    choice = ("-S", "dataset=folder", "-S", f'dataset.source.path="{path}"', "-S", "model=cnn")
    refused = run(clone, "dvc", "exp", "run", *choice, "split")
    assert refused.returncode != 0
    assert "dataset.source.path: should be an absolute path, such as /home/me/pictures" in refused.everything
    assert "Errno" not in refused.everything

"""Where things lie."""

import subprocess

from helpers import ROOT
from menagerie import paths


def test_a_data_set_is_put_away_when_its_folders_have_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.put_away() == []
    for name in ("digits/raw", "pets/raw", "owls"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data/pets/raw/pets.zip").write_bytes(b"")
    (tmp_path / "data/note.txt").write_bytes(b"")
    assert paths.put_away() == ["digits", "owls"]


def test_the_record_of_a_run_lies_in_a_folder_that_git_ignores_whole():
    """Of a folder that git only knows in part, `dvc exp apply` takes away what git ignores in it."""
    (above, *_) = paths.run_record("owls", "cnn").parts
    asked = ["git", "check-ignore", "--no-index", "--quiet", f"{above}/"]
    assert subprocess.run(asked, cwd=ROOT, check=False).returncode == 0

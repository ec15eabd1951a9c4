"""Where things lie."""

from menagerie import paths


def test_a_data_set_is_put_away_when_its_folders_have_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.put_away() == []
    for name in ("digits/raw", "pets/raw", "owls"):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data/pets/raw/pets.zip").write_bytes(b"")
    (tmp_path / "data/note.txt").write_bytes(b"")
    assert paths.put_away() == ["digits", "owls"]

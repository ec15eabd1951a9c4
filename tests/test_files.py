import json
import logging
import subprocess
import sys
import threading

import pytest

from menagerie import files
from menagerie.files import file_sha256, locked, read_json, remove, whole, whole_folder, write_json


class BlockError(Exception):
    pass


def tree(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_at_its_place_only_when_its_block_has_ended(tmp_path):
    target = tmp_path / "metrics" / "summary.json"
    with whole(target) as part:
        part.write_text("new")
        assert not target.exists()
        assert part.parent == target.parent
    assert tree(tmp_path) == {str(target.relative_to(tmp_path)): "new"}


def test_a_file_is_replaced(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with whole(target) as part:
        part.write_text("new")
        assert target.read_text() == "old"
    assert tree(tmp_path) == {"a.txt": "new"}


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced on Windows")
def test_who_reads_the_old_file_while_it_is_replaced_reads_all_of_it(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old" * 1000)
    with target.open() as reader:
        assert reader.read(3) == "old"
        with whole(target) as part:
            part.write_text("new" * 1000)
        assert reader.read() == "old" * 999
    assert target.read_text() == "new" * 1000


@pytest.mark.parametrize("error", [BlockError, KeyboardInterrupt, SystemExit, OSError])
def test_a_failed_block_leaves_the_old_file_and_no_part(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), whole(target) as part:  # noqa: PT012 the block has to fail half-way
        part.write_text("half")
        raise error
    assert tree(tmp_path) == {"a.txt": "old"}


def test_a_failed_block_leaves_the_old_folder_and_no_part(tmp_path):
    target = tmp_path / "plots"
    target.mkdir()
    (target / "old.png").write_text("old")
    with pytest.raises(BlockError), whole_folder(target) as part:  # noqa: PT012
        (part / "new.png").write_text("half")
        raise BlockError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plots"]
    assert tree(target) == {"old.png": "old"}


def test_a_failed_block_makes_no_target(tmp_path):
    with pytest.raises(BlockError), whole_folder(tmp_path / "plots"):
        raise BlockError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_with_all_that_it_holds(tmp_path):
    target = tmp_path / "plots"
    (target / "deep").mkdir(parents=True)
    (target / "deep" / "old.png").write_text("old")
    with whole_folder(target) as part:
        assert list(part.iterdir()) == []
        (part / "new.png").write_text("new")
        assert tree(target) == {str((target / "deep" / "old.png").relative_to(target)): "old"}
    assert tree(target) == {"new.png": "new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plots"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_linked_target_is_replaced_and_what_it_links_to_is_kept(tmp_path, folder):
    """DVC may link outputs into its cache: writing through the link would destroy what is kept there."""
    cached, target = tmp_path / "cache", tmp_path / "out"
    if folder:
        cached.mkdir()
        (cached / "a.txt").write_text("kept")
    else:
        cached.write_text("kept")
    try:
        target.symlink_to(cached, target_is_directory=folder)
    except OSError as error:
        pytest.skip(f"no links here: {error}")
    with whole(target) as part:
        part.write_text("new")
    assert not target.is_symlink()
    assert target.read_text() == "new"
    assert (cached / "a.txt" if folder else cached).read_text() == "kept"


KILLED_WRITER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from menagerie.files import whole, whole_folder
with {writer}(Path(sys.argv[1])) as part:
    {write}
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("writer", "write"),
    [("whole", "part.write_text('half')"), ("whole_folder", "(part / 'half.txt').write_text('half')")],
)
def test_a_killed_writer_harms_nothing_and_what_it_left_is_replaced(tmp_path, writer, write):
    target = tmp_path / "out"
    with whole_folder(target) as part:
        (part / "old.txt").write_text("old")
    code = KILLED_WRITER.format(writer=writer, write=write, path=[entry for entry in sys.path if entry])
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().strip() == b"writing"
        process.kill()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.part"]
    assert tree(target) == {"old.txt": "old"}

    with whole_folder(target) as part:
        (part / "new.txt").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert tree(target) == {"new.txt": "new"}


def test_who_comes_second_is_told_and_waits_until_the_first_is_out(tmp_path, caplog):
    told, inside = threading.Event(), threading.Event()

    class Told(logging.Handler):
        def emit(self, record):
            told.set()

    def second():
        with locked(tmp_path / "lock", "another run works"):
            inside.set()

    logger, handler, thread = logging.getLogger(files.__name__), Told(), threading.Thread(target=second)
    logger.addHandler(handler)
    try:
        with locked(tmp_path / "lock", "nobody is inside"):
            thread.start()
            assert told.wait(30)
            assert not inside.wait(0.2)
        thread.join()
    finally:
        logger.removeHandler(handler)
    assert inside.is_set()
    assert [record.getMessage() for record in caplog.records] == ["another run works; waiting for that one"]


def test_removing_what_is_not_there_is_no_error(tmp_path):
    (tmp_path / "nothing.txt").write_text("kept")
    remove(tmp_path / "nothing")
    assert tree(tmp_path) == {"nothing.txt": "kept"}


def test_removing_a_link_keeps_the_folder_it_points_to(tmp_path):
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    (folder / "a.txt").write_text("kept")
    try:
        link.symlink_to(folder, target_is_directory=True)
    except OSError as error:
        pytest.skip(f"no links here: {error}")
    remove(link)
    assert not link.is_symlink()
    assert tree(folder) == {"a.txt": "kept"}


def test_json_comes_back_as_it_was_with_its_order_and_letters(tmp_path):
    value = {"z": [1, 0.5, None], "a": {"Ähre": "數字"}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    text = (tmp_path / "a.json").read_bytes().decode("utf-8")
    assert text.index('"z"') < text.index('"a"')
    assert "Ähre" in text
    assert text.endswith("}\n")
    assert json.loads(text) == value


def test_the_hash_of_a_file_is_sha256_of_its_bytes(tmp_path):
    """FIPS 180-2, appendix B.1: the message "abc"."""
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "abc") == expected

"""Archives to one array, interrupted and damaged at every point."""

import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from broken_pictures import HEIGHT, ROUNDED, WIDTH, bilinear, encoded, noise, pixels
from helpers import CIFAR, ROOT, SIGN_DIGITS_ARCHIVE, hashes, numbered, of_mirror, packed, prepared
from menagerie.archives.layout import find_pictures
from menagerie.archives.reading import Archive
from menagerie.errors import DataError
from menagerie.prepare import workers
from menagerie.prepare.decoding import decode
from menagerie.prepare.manifest import class_names


def test_too_many_unreadable_pictures_leave_no_output_and_a_raised_limit_goes_on(tmp_path):
    files = numbered(8) | {"class 0/bad.png": b"text", "class 1/worse.png": b""}
    pictures = find_pictures([packed(tmp_path / "a.zip", files)], "{class}")
    with pytest.raises(DataError) as caught:
        prepared(pictures, tmp_path, max_unreadable=0.19)
    assert "2 of 10 pictures" in str(caught.value)
    assert "'class 1/worse.png': empty file" in str(caught.value)
    assert not list((tmp_path / "out").glob("*"))
    array, manifest = prepared(pictures, tmp_path, max_unreadable=0.2)
    assert (manifest["status"] == "ok").sum() == len(array) - 2


def test_an_older_output_is_replaced_and_survives_an_error(tmp_path):
    good = find_pictures([packed(tmp_path / "good.zip", numbered(8))], "{class}")
    bad = find_pictures([packed(tmp_path / "bad.zip", numbered(4) | {"class 0/x.png": b""})], "{class}")
    prepared(good, tmp_path)
    before = hashes(tmp_path)
    with pytest.raises(DataError, match="unreadable"):
        prepared(bad, tmp_path)
    assert hashes(tmp_path) == before
    array, _ = prepared(bad, tmp_path, max_unreadable=0.5)
    assert len(array) == 5


def test_a_damaged_archive_is_an_error_that_names_the_member(tmp_path):
    path = packed(tmp_path / "a.zip", numbered(8))
    pictures = find_pictures([path], "{class}")
    data = bytearray(path.read_bytes())
    data[data.index(b"class 2/00002.png") + 40] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.zip: member 'class 2/00002\.png' is damaged"):
        prepared(pictures, tmp_path)
    assert not list((tmp_path / "out").glob("*"))


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path):
    pictures = find_pictures([packed(tmp_path / "a.zip", numbered(8))], "{class}")
    (tmp_path / "work").write_text("a file")
    with pytest.raises(DataError, match=r"work.*make the folder writable"):
        prepared(pictures, tmp_path)


# going on after an interruption


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A build that is all but moved: one picture is unreadable and none may be."""
    monkeypatch.setattr(workers, "CHUNK_PICTURES", 10)
    files = numbered(100) | {"class 0/bad.png": b"text"}
    pictures = find_pictures([packed(tmp_path / "a.tar", files)], "{class}")
    prepared(pictures, tmp_path / "undisturbed", max_unreadable=0.5)
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path)
    (build,) = (tmp_path / "work").glob("build-*")
    assert len((build / "journal").read_text().splitlines()) == 11
    return pictures, build


def test_finished_chunks_are_not_decoded_again(tmp_path, stopped):
    pictures, build = stopped
    line = (build / "journal").read_text().splitlines()[3]
    payload = line.partition(" ")[2].replace('"RGB"', '"from the journal"')
    honest = f"{hashlib.sha256(payload.encode()).hexdigest()} {payload}\n"
    (build / "journal").write_text((build / "journal").read_text().replace(line + "\n", honest))
    _, manifest = prepared(pictures, tmp_path, max_unreadable=0.5)
    assert (manifest["mode"] == "from the journal").sum() == 10


def cut(path, share):
    os.truncate(path, int(path.stat().st_size * share))


def overwrite(path, share, data):
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share))
        file.write(data)


def rewrite(path, change):
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


DAMAGES = {
    "journal gone": lambda build: (build / "journal").unlink(),
    "journal empty": lambda build: cut(build / "journal", 0),
    "journal cut in a line": lambda build: cut(build / "journal", 0.55),
    "journal cut at its last byte": lambda build: cut(build / "journal", 0.9999),
    "journal with zeros": lambda build: overwrite(build / "journal", 0.3, bytes(500)),
    "journal with bytes that are no text": lambda build: overwrite(
        build / "journal", 0.3, b"\xff\xfe\n\r\x85" * 9
    ),
    "journal with a digit changed": lambda build: rewrite(
        build / "journal", lambda ls: [s.replace("8", "9") for s in ls]
    ),
    "journal shuffled and doubled": lambda build: rewrite(build / "journal", lambda ls: ls[::-1] + ls),
    "journal of other rows": lambda build: rewrite(
        build / "journal", lambda ls: [ls[0].replace("[0,", "[1,"), *ls[1:]]
    ),
    "rows gone": lambda build: (build / "images.npy").unlink(),
    "rows cut": lambda build: cut(build / "images.npy", 0.4),
    "rows zeroed": lambda build: overwrite(build / "images.npy", 0.4, bytes(9_000)),
    "rows longer": lambda build: overwrite(build / "images.npy", 1, b"more"),
    "header overwritten": lambda build: overwrite(build / "images.npy", 0, b"?" * 60),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_build_never_gives_wrong_rows(tmp_path, stopped, damage):
    pictures, build = stopped
    DAMAGES[damage](build)
    prepared(pictures, tmp_path, max_unreadable=0.5)
    assert hashes(tmp_path) == hashes(tmp_path / "undisturbed")


def test_going_on_twice_loses_nothing(tmp_path, stopped):
    pictures, build = stopped
    before = (build / "journal").read_text()
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path)
    assert (build / "journal").read_text() == before


def test_a_torn_line_does_not_spoil_the_one_that_is_written_after_it(tmp_path, stopped):
    pictures, build = stopped
    before = (build / "journal").read_text().splitlines()
    cut(build / "journal", 0.9999)
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path)
    assert (build / "journal").read_text().splitlines() == before  # the one chunk was decoded again


def test_a_build_of_another_size_is_not_taken_up(tmp_path, stopped):
    pictures, _ = stopped
    array, _ = prepared(pictures, tmp_path, (WIDTH, HEIGHT), max_unreadable=0.5)  # rows of as many bytes
    assert array.shape == (101, WIDTH, HEIGHT, 3)
    assert np.array_equal(array[5], decode(numbered(100)[pictures[5].path], (WIDTH, HEIGHT))[0])


def test_a_build_of_another_resize_is_not_taken_up(tmp_path, stopped):
    pictures, _ = stopped
    stretched, _ = prepared(pictures, tmp_path / "stretched", (8, 4), max_unreadable=0.5)
    with pytest.raises(DataError, match="unreadable"):
        prepared(pictures, tmp_path, (8, 4))
    array, manifest = prepared(pictures, tmp_path, (8, 4), max_unreadable=0.5, resize="crop")
    files = numbered(100)
    for row, path in enumerate(manifest["path"]):
        if path in files:
            assert np.array_equal(array[row], decode(files[path], (8, 4), "crop")[0])
            assert not np.array_equal(array[row], stretched[row])


def test_a_build_of_other_pictures_is_not_taken_up_even_if_they_look_the_same(tmp_path):
    picture = encoded(Image.fromarray(pixels()), "PNG")
    files = {f"{'ab'[i % 2]}/{i}.png": picture + b"?" * i for i in range(6)} | {"c/bad.png": b""}
    found = find_pictures([packed(tmp_path / "a.tar", files)], "{class}")
    with pytest.raises(DataError, match="unreadable"):
        prepared([*found[:4], found[-1]], tmp_path)
    _, manifest = prepared([*found[1:5], found[-1]], tmp_path, max_unreadable=0.5)
    expected = [hashlib.sha256(files[path]).hexdigest() for path in manifest["path"]]
    assert manifest["sha256"].tolist() == expected


def test_a_build_of_another_archive_of_the_same_name_and_size_is_not_taken_up(tmp_path, stopped):
    pictures, _ = stopped
    before = pictures[0].archive.stat().st_size
    others = list(numbered(200).values())[100:]
    files = dict(zip(numbered(100), others, strict=True))
    packed(pictures[0].archive, files | {"class 0/bad.png": b"text"})
    assert pictures[0].archive.stat().st_size == before
    array, manifest = prepared(find_pictures([pictures[0].archive], "{class}"), tmp_path, max_unreadable=0.5)
    numbers = [int(path[-9:-4]) for path in manifest["path"] if "bad" not in path]
    assert array[manifest["status"] == "ok", 0, 0, 0].tolist() == [100 + number for number in numbers]


PREPARE = """
import sys
from pathlib import Path
from menagerie.prepare import workers
from menagerie.archives.layout import find_pictures
from menagerie.prepare.preparing import Form, prepare
workers.POOL_BYTES, workers.CHUNK_PICTURES = 0, 50
archive, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
pictures = find_pictures([archive], "{class}")
array, manifest = folder / "out" / "images.npy", folder / "out" / "manifest.csv"
prepare(pictures, Form((64, 64), "stretch", 0.0, count), array, manifest, folder / "work")
"""


def start(archive, folder, count, code=PREPARE):
    folder.mkdir(exist_ok=True)
    source = str(ROOT / "src")
    return subprocess.Popen(
        [sys.executable, "-c", code, archive, folder, str(count)],
        env=os.environ | {"PYTHONPATH": source},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process):
    """Wait for the process and all that it started: they hold the other end of its output."""
    output, _ = process.communicate(timeout=60)
    return process.returncode, output.decode()


def wait_for_lines(process, folder, lines):
    """Until the journal has so many."""
    while sum(path.read_bytes().count(b"\n") for path in (folder / "work").glob("build-*/journal")) < lines:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.002)
            pytest.fail(f"ended too early: {finish(process)}")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """600 small pictures in 12 chunks, then some of 36 megapixels each, and the hashes of what they give."""
    folder = tmp_path_factory.mktemp("slow")
    files = {
        f"{'ab'[i % 2]}/{i:04d}.png": encoded(Image.fromarray(noise((40, 40 + i % 9))), "PNG")
        for i in range(600)
    }
    large = encoded(Image.new("1", (6_000, 6_000), 1), "PNG")
    files |= {f"b/large_{i}.png": large for i in range(6)}
    archive = packed(folder / "a.tar.gz", files)
    assert finish(start(archive, folder, 1)) == (0, "")
    return archive, hashes(folder)


needs_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


@needs_sigkill
@pytest.mark.parametrize(("lines", "count"), [(0, 1), (1, 1), (7, 1), (1, 2), (5, 2), (11, 2)])
def test_a_killed_build_goes_on_and_gives_the_same_bytes(tmp_path, slow, lines, count):
    archive, undisturbed = slow
    process = start(archive, tmp_path, count)
    wait_for_lines(process, tmp_path, lines)
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL  # and no worker is left behind
    assert not (tmp_path / "out").exists()
    assert finish(start(archive, tmp_path, 3 - count)) == (0, "")
    assert hashes(tmp_path) == undisturbed


@needs_sigkill
def test_a_build_killed_again_and_again_comes_to_its_end(tmp_path, slow):
    archive, undisturbed = slow
    for lines in (2, 4, 6, 8, 10):
        process = start(archive, tmp_path, 2)
        wait_for_lines(process, tmp_path, lines)
        process.kill()
        finish(process)
    assert finish(start(archive, tmp_path, 2)) == (0, "")
    assert hashes(tmp_path) == undisturbed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds worker processes in /proc")
def test_a_killed_worker_is_an_error_that_names_the_fix(tmp_path, slow):
    archive, undisturbed = slow
    process = start(archive, tmp_path, 2)
    wait_for_lines(process, tmp_path, 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    worker = next(pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(worker), signal.SIGKILL)
    status, output = finish(process)
    assert status == 1
    assert "DataError: a process that decodes pictures ended" in output
    assert finish(start(archive, tmp_path, 1)) == (0, "")
    assert hashes(tmp_path) == undisturbed


def test_two_builds_at_once_wait_for_each_other(tmp_path, slow):
    archive, undisturbed = slow
    first = start(archive, tmp_path, 1)
    wait_for_lines(first, tmp_path, 1)
    second = start(archive, tmp_path, 1)
    assert finish(first) == (0, "")
    status, output = finish(second)
    assert status == 0
    assert "waiting" in output
    assert hashes(tmp_path) == undisturbed


@pytest.mark.skipif(os.name != "posix", reason="sets the largest file that a process may write")
def test_a_disk_too_small_is_an_error_and_room_made_later_is_used(tmp_path, slow):
    archive, undisturbed = slow
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
    status, output = finish(start(archive, tmp_path, 1, limit + PREPARE))
    assert status == 1
    assert "DataError: [Errno 27] File too large; make room" in output
    assert finish(start(archive, tmp_path, 1)) == (0, "")
    assert hashes(tmp_path) == undisturbed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_memory_does_not_grow_with_the_array(tmp_path):
    picture = encoded(Image.new("RGB", (640, 640)), "PNG")
    archive = packed(tmp_path / "a.zip", {f"{'ab'[i % 2]}/{i}.png": picture for i in range(400)})
    report = "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"  # kB
    status, output = finish(start(archive, tmp_path, 1, PREPARE.replace("(64, 64)", "(640, 640)") + report))
    assert status == 0
    assert (tmp_path / "out" / "images.npy").stat().st_size > 450 * 2**20
    assert int(output) < 200 * 2**10


# against Keras, and real data


@pytest.mark.tensorflow
def test_order_and_pixels_are_those_of_keras(tmp_path):
    import keras

    names = ["b/10.png", "b/9.png", "B/a.png", "a c/x.png", "a/z.png", "a/Z.png", "ß/1.png", "_/1.png"]
    files = {name: encoded(Image.fromarray(noise((20 + i, 31))), "PNG") for i, name in enumerate(names)}
    for name, data in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    theirs = keras.utils.image_dataset_from_directory(tmp_path / "tree", image_size=(16, 16), shuffle=False)
    pictures = find_pictures([packed(tmp_path / "a.zip", files)], "{class}")
    array, manifest = prepared(pictures, tmp_path, (16, 16))
    assert class_names(manifest) == theirs.class_names
    assert manifest["path"].tolist() == [
        Path(path).relative_to(tmp_path / "tree").as_posix() for path in theirs.file_paths
    ]
    ((batch, labels),) = list(theirs)
    assert np.abs(array - batch.numpy()).max() <= ROUNDED
    assert [theirs.class_names[label] for label in labels] == manifest["class"].tolist()


def test_sign_digits_are_prepared_upright(mirror, tmp_path):
    pictures = of_mirror(mirror, SIGN_DIGITS_ARCHIVE, "Dataset/{class}")
    array, manifest = prepared(pictures, tmp_path, (100, 100))
    assert (manifest["status"] == "ok").all()
    large = manifest.index[manifest["width"] == 3024]
    assert [manifest["path"][row][-14:] for row in large] == [
        "7/IMG_5874.JPG",
        "7/IMG_5935.JPG",
        "7/IMG_5978.JPG",
    ]
    with Archive(mirror / SIGN_DIGITS_ARCHIVE) as archive:
        for row, picture in enumerate(pictures):
            stored = Image.open(io.BytesIO(archive.read(picture.member)))
            if row not in large:
                assert np.array_equal(array[row], np.asarray(stored))
                continue
            assert stored.getexif()[ExifTags.Base.Orientation] == 6
            upright = ImageOps.exif_transpose(stored)
            expected = bilinear(np.asarray(upright), (100, 100))
            assert np.abs(array[row] - expected).max() <= ROUNDED


@pytest.mark.slow
def test_cifar_is_prepared_as_pillow_decodes_it(mirror, tmp_path):
    pictures = of_mirror(mirror, CIFAR, "{folder}/{class}")
    array, manifest = prepared(pictures, tmp_path, (32, 32), workers=2)
    assert manifest.groupby(["folder", "class"]).size().tolist() == [1_000] * 10 + [5_000] * 10
    with Archive(mirror / CIFAR) as archive:
        for row in range(0, len(pictures), 97):
            stored = Image.open(io.BytesIO(archive.read(pictures[row].member)))
            assert np.array_equal(array[row], np.asarray(stored))

import gzip
import io
import multiprocessing
import random
import struct
import tarfile
import tracemalloc
import zipfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import read_member
from menagerie.archives import reading
from menagerie.archives.reading import Archive, members, safe_name
from menagerie.errors import DataError

FILES = {
    "cat/1.jpg": b"one" * 500,
    "cat/empty.jpg": b"",
    "dog/a name, with 'quotes\"\nand a line.png": bytes(range(256)) * 20,
    "犬/ñandú.png": b"dog",
    "top.txt": b"text",
    "deep/" + "long" * 40 + "/x.gif": b"GIF",
}


def write_zip(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("cat/", b"")
        archive.writestr(zipfile.ZipInfo("dog/"), b"")  # as systems write it that do not mark folders
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return path


def write_tar(path, files, mode="w", form=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=form) as archive:
        folder = tarfile.TarInfo("cat")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


WRITERS = {
    "stored.zip": lambda path, files: write_zip(path, files, zipfile.ZIP_STORED),
    "deflated.ZIP": write_zip,
    "pax.tar": write_tar,
    "gnu.tar": lambda path, files: write_tar(path, files, form=tarfile.GNU_FORMAT),
    "packed.tar.gz": lambda path, files: write_tar(path, files, "w:gz"),
    "short.tgz": lambda path, files: write_tar(path, files, "w:gz", tarfile.GNU_FORMAT),
}


@pytest.fixture(params=WRITERS)
def archive(request, tmp_path):
    return WRITERS[request.param](tmp_path / request.param, FILES)


def read_all(path):
    with Archive(path) as archive:
        return {member.name: archive.read(member) for member in members(path)}


def read_or_refused(path):
    try:
        return read_all(path)
    except DataError:
        return DataError


@contextmanager
def memory_below(most_bytes):
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most_bytes
    finally:
        tracemalloc.stop()


def refused(path):
    """What `members` says of the archive; it must name the file."""
    with pytest.raises(DataError) as caught:
        members(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


# reading


def test_members_are_the_files_sorted_by_name(archive):
    found = members(archive)
    assert [member.name for member in found] == sorted(FILES)
    assert [member.size for member in found] == [len(FILES[name]) for name in sorted(FILES)]
    assert {member.archive for member in found} == {archive.name}


def test_members_are_read_as_they_were_written_in_any_order(archive):
    assert read_all(archive) == FILES
    with Archive(archive) as opened:
        for member in reversed(members(archive)):
            assert opened.read(member) == FILES[member.name]


def test_other_processes_read_with_members_listed_here(tmp_path):
    paths = [write(tmp_path / name, FILES) for name, write in WRITERS.items()]
    jobs = [(path, member) for path in paths for member in members(path)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        data = list(pool.map(read_member, *zip(*jobs, strict=True)))
    assert data == [FILES[member.name] for _, member in jobs]


def test_names_are_listed_without_dots_and_doubled_slashes(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"./cat//1.jpg": b"1", "./././2.jpg": b"2"})
    assert read_all(path) == {"cat/1.jpg": b"1", "2.jpg": b"2"}


def test_utf8_names_without_the_flag_are_read_as_utf8(tmp_path):
    # Info-ZIP on Linux and macOS's Finder write them so.
    path = write_zip(tmp_path / "a.zip", {"cat/QQQQQQ.jpg": b"1"})
    path.write_bytes(path.read_bytes().replace(b"QQQQQQ", "日本".encode()))
    assert read_all(path) == {"cat/日本.jpg": b"1"}


def test_names_in_an_old_code_page_are_kept(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/Q.jpg": b"1"})
    path.write_bytes(path.read_bytes().replace(b"/Q", b"/\x81"))
    assert read_all(path) == {"cat/ü.jpg": b"1"}


def test_a_zip_with_something_before_it_is_read(tmp_path):
    path = write_zip(tmp_path / "a.zip", FILES)
    path.write_bytes(b"#!/bin/sh\nexit\n" + path.read_bytes())
    assert read_all(path) == FILES


def test_a_tar_gz_is_read_in_bounded_memory(tmp_path):
    noise = random.Random(0).randbytes(2**20)
    path = write_tar(tmp_path / "a.tar.gz", {f"{number}.bin": noise for number in range(24)}, "w:gz")
    with memory_below(6 * 2**20), Archive(path) as archive:
        for member in sorted(members(path), key=lambda member: member.offset):
            assert archive.read(member) == noise


# names


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/passwd", "absolute"),
        ("//server/share/a.jpg", "absolute"),
        ("../a.jpg", r"\.\."),
        ("cat/../../a.jpg", r"\.\."),
        ("cat/..", r"\.\."),
        ("C:/a.jpg", "drive"),
        ("c:a.jpg", "drive"),
        ("./C:/a.jpg", "drive"),
        ("1:a.jpg", "drive"),
        ("::", "drive"),
        ("..\\a.jpg", "backslash"),
        ("cat\\a.jpg", "backslash"),
        ("\\\\server\\a.jpg", "backslash"),
    ],
)
@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tar.gz"])
def test_a_name_that_points_out_of_the_archive_is_refused(tmp_path, kind, name, why):
    writer = {"a.zip": write_zip, "a.tar": write_tar}.get(kind, WRITERS["packed.tar.gz"])
    path = writer(tmp_path / kind, FILES | {name: b"x"})
    message = refused(path)
    assert repr(name) in message
    with pytest.raises(ValueError, match=why):
        safe_name(name)


def test_a_folder_that_points_out_of_the_archive_is_refused(tmp_path):
    assert "'../'" in refused(write_zip(tmp_path / "a.zip", {"../": b""}))


def test_a_name_with_a_nul_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/evil.txtQ.jpg": b"1"})
    path.write_bytes(path.read_bytes().replace(b"Q.jpg", b"\0.jpg"))
    assert "NUL" in refused(path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"cat/\udcfc.jpg": b"1"}, form=tarfile.GNU_FORMAT)
    assert "UTF-8" in refused(path)


hostile = st.text(
    st.sampled_from(["/", "\\", ".", ":", "C", "\0", "a", "ž", "\udc80", "\n", " "]), max_size=12
)


@given(hostile | st.text(st.characters(), max_size=30))
def test_a_name_is_refused_or_stays_inside_any_folder(name):
    try:
        safe = safe_name(name)
    except ValueError:
        return
    assert safe_name(safe) == safe
    safe.encode("utf-8")
    for root in (PurePosixPath("/root/in"), PureWindowsPath("Q:/root/in")):
        inside = root / safe
        assert inside.parts[: len(root.parts)] == root.parts
        assert ".." not in inside.parts


plain = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\\\0:"), min_size=1)


@given(st.lists(plain.filter(lambda part: part not in (".", "..")), min_size=1))
def test_a_plain_name_is_never_refused(parts):
    assert safe_name("/".join(parts)) == "/".join(parts)


# kinds of members


def test_the_same_name_twice_is_refused(tmp_path):
    write_zip(tmp_path / "a.zip", {"cat/1.jpg": b"1"})
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("cat/1.jpg", b"2")
    assert "'cat/1.jpg' stands there twice" in refused(tmp_path / "a.zip")


def test_the_same_name_written_in_two_ways_is_refused(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"cat/1.jpg": b"1", "./cat//1.jpg": b"2"})
    assert "'cat/1.jpg' stands there twice" in refused(path)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"Z"],
)
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, mode, kind):
    path = tmp_path / ("a.tar" if mode == "w" else "a.tar.gz")
    with tarfile.open(path, mode) as archive:
        info = tarfile.TarInfo("cat/way_out.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    message = refused(path)
    assert "'cat/way_out.jpg' is a link, a device or" in message


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666], ids=["symlink", "device", "pipe"])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, mode):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("cat/way_out.jpg")
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, b"/etc/passwd")
    assert "'cat/way_out.jpg' is a link or a device" in refused(tmp_path / "a.zip")


def test_an_encrypted_member_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/1.jpg": b"1"})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert "'cat/1.jpg' is encrypted" in refused(path)


def test_a_rare_compression_is_refused_by_its_number(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/1.jpg": b"1"}, zipfile.ZIP_LZMA)
    assert "method 14" in refused(path)


# bombs


def test_a_zip_that_shrinks_too_well_is_refused_before_it_is_inflated(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/1.bmp": bytes(reading.HARMLESS_BYTES + 1)})
    with memory_below(2**20):
        assert "bomb" in refused(path)


def test_overlapping_members_count_each_time(tmp_path):
    """A flat bomb: many entries of the index share the same compressed bytes."""
    path = write_zip(tmp_path / "a.zip", {f"cat/{number}.bmp": b"" for number in range(70)})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    while (at := data.find(b"PK\1\2", at + 1)) > 0:
        data[at + 24 : at + 28] = struct.pack("<I", 2**20)
        data[at + 42 : at + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    assert "bomb" in refused(path)


def test_a_tar_gz_is_refused_at_the_header_that_claims_too_much(tmp_path):
    info = tarfile.TarInfo("cat/1.bmp")
    info.size = 10 * 2**30
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(info.tobuf())
    assert "bomb" in refused(tmp_path / "a.tar.gz")  # not: unexpected end of data


def test_padding_that_never_ends_is_refused(tmp_path):
    write_tar(tmp_path / "a.tar", FILES)
    with gzip.open(tmp_path / "a.tar.gz", "wb", compresslevel=1) as file:
        file.write((tmp_path / "a.tar").read_bytes())
        for _ in range(66):
            file.write(bytes(2**20))
    assert "after its last member" in refused(tmp_path / "a.tar.gz")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [2**31, -(2**31)])
def test_a_tar_header_of_mad_length_is_not_read_into_memory(tmp_path, kind, size):
    info = tarfile.TarInfo("header")
    info.type = kind
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (size & (2**96 - 1) | (0x80 << 88 if size > 0 else 0)).to_bytes(12, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with (tmp_path / "a.tar").open("wb") as file:
        file.write(header)
        file.truncate(2**31 + 10_240)  # sparse: it takes no room
    with memory_below(2**21):
        assert "is no whole archive" in refused(tmp_path / "a.tar")


def test_a_member_that_holds_more_than_it_claims_is_cut_off_while_it_is_read(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/1.bmp": bytes(60 * 2**20)})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    (member,) = members(path)
    with (
        memory_below(2**20),
        Archive(path) as archive,
        pytest.raises(DataError, match=r"'cat/1\.bmp' is damaged"),
    ):
        archive.read(member)


def test_a_member_too_large_for_memory_is_listed_but_not_read(tmp_path):
    path = tmp_path / "a.tar"
    info = tarfile.TarInfo("cat/1.bmp")
    info.size = reading.MAX_READ_BYTES + 1
    with path.open("wb") as file:
        file.write(info.tobuf())
        file.truncate(info.size + 10_240)
    (member,) = members(path)
    with Archive(path) as archive, pytest.raises(DataError, match="more than 268,435,456"):
        archive.read(member)


@pytest.mark.parametrize("kind", ["a.zip", "a.tar"])
def test_too_many_members_are_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(reading, "MAX_MEMBERS", len(FILES))  # and there is a folder
    assert "more than 6 members" in refused(
        (write_zip if kind == "a.zip" else write_tar)(tmp_path / kind, FILES)
    )


# damage


def test_an_archive_cut_anywhere_is_refused(archive):
    whole = archive.read_bytes()
    needed = len(whole)
    if archive.suffix == ".tar":  # the rest is padding
        needed = max(member.offset + member.size for member in members(archive)) + tarfile.BLOCKSIZE
    for end in {*range(0, needed, 97), *range(0, needed, tarfile.BLOCKSIZE), needed - 1}:
        archive.write_bytes(whole[:end])
        assert "get it again" in refused(archive)


def test_damage_anywhere_in_a_member_is_found_where_there_are_checksums(tmp_path):
    files = {"cat/1.jpg": bytes(range(200)), "cat/2.jpg": bytes(100)}
    for name in ("stored.zip", "deflated.ZIP", "packed.tar.gz"):
        path = WRITERS[name](tmp_path / name, files)
        whole = path.read_bytes()
        end = whole.index(b"PK\1\2") if name.lower().endswith("zip") else len(whole)
        for at in range(40, end, 3):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
            assert read_or_refused(path) in (files, DataError)  # a date or a flag is read by nobody


def test_a_damaged_header_in_the_middle_of_a_tar_is_no_quiet_end(tmp_path):
    path = write_tar(tmp_path / "a.tar", FILES)
    data = bytearray(path.read_bytes())
    data[data.index(b"top.txt")] ^= 0xFF
    path.write_bytes(data)
    assert "no mark at its end" in refused(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz"])
@pytest.mark.parametrize("content", [b"", b"<html>Not Found</html>", bytes(300), b"PK\3\4" + bytes(600)])
def test_a_file_that_is_no_archive_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "is no whole archive" in refused(tmp_path / name)


def test_a_missing_file_a_folder_and_another_kind_are_refused(tmp_path):
    assert "is it there" in refused(tmp_path / "missing.zip")
    (tmp_path / "folder.tar").mkdir()
    assert "is it a file" in refused(tmp_path / "folder.tar")
    assert ".tar.gz" in refused(tmp_path / "pictures.rar")


def test_an_archive_that_changed_after_it_was_listed_is_not_misread(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"cat/1.jpg": b"old", "dog/2.jpg": b"dog"})
    listed = members(path)
    write_zip(path, {"dog/2.jpg": b"dog", "cat/1.jpg": b"new"})
    with Archive(path) as archive:
        for member in listed:
            with pytest.raises(DataError, match=f"'{member.name}' is damaged"):
                archive.read(member)

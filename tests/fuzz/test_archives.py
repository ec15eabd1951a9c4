"""Whatever is damaged in an archive, a table or an array: what it holds comes out, or what is wrong."""

import io
import tarfile
import zipfile

import numpy as np
from hypothesis import strategies as st

from broken_pictures import good
from menagerie.archives.layout import content_sha256, find
from menagerie.archives.reading import Archive, members
from menagerie.archives.tables import read_table
from menagerie.data import open_images
from menagerie.params.dataset import AutoLayout
from mutations import EFFORTS, attempt, damaged, gzipped, search, tar_mended, zip_mended

AUTO = AutoLayout(kind="auto", class_names=None)
PICTURES = {f"{folder}/{name}": data for folder in ("cat", "dog") for name, data in good().items()}
TABLES = {
    "labels.csv": b"image,label,split,patient\n"
    + b"".join(f"{name},{name[:3]},train,{number}\n".encode() for number, name in enumerate(PICTURES)),
    "labels.tsv": b'image\tlabel\n1.png\tcat\n2.png\t"dog"\n',
    "labels.jsonl": b'{"image": "1.png", "label": "cat"}\n{"image": "2.png", "label": ["dog", 1.5, null]}\n',
}


def zipped(files, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def tarred(files, form=tarfile.PAX_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


SMALL = {name: data for name, data in PICTURES.items() if len(data) < 2_000} | {
    "labels.csv": TABLES["labels.csv"],
    "cat/" + "long " * 40 + "ü.txt": b"text",
}
ARCHIVES = {
    "deflated.zip": zipped(SMALL),
    "stored.zip": zipped(SMALL, zipfile.ZIP_STORED),
    "pax.tar": tarred(SMALL),
    "gnu.tar": tarred(SMALL, tarfile.GNU_FORMAT),
    "packed.tar.gz": tarred(SMALL),  # packed after it is damaged
}
MEND = {"zip": zip_mended, "tar": tar_mended, "gz": gzipped}


@EFFORTS
def test_a_damaged_archive_gives_its_members_or_says_what_is_wrong(examples, tmp_path):
    def check(file):
        path = tmp_path / file[0]
        path.write_bytes(file[1])
        found, refusal = attempt(members, path)
        if found is None:
            assert str(path) in refusal
            return
        with Archive(path) as archive:
            for member in found:
                data, refusal = attempt(archive.read, member)
                assert str(path) in refusal if data is None else len(data) == member.size
                head, refusal = attempt(archive.head, member, 64)
                assert str(path) in refusal if head is None else len(head) <= 64

    search(examples, check, damaged(ARCHIVES, MEND))


@EFFORTS
def test_a_damaged_archive_is_sorted_into_classes_or_says_what_is_wrong(examples, tmp_path):
    def check(file):
        path = tmp_path / file[0]
        path.write_bytes(file[1])
        found, refusal = attempt(find, [path], AUTO)
        if found is None:
            assert refusal
        else:
            assert len({picture.class_name for picture in found.pictures}) > 1
            attempt(content_sha256, found.pictures)

    search(examples, check, damaged(ARCHIVES, MEND))


@EFFORTS
def test_a_damaged_table_beside_pictures_labels_them_or_says_what_is_wrong(examples, tmp_path):
    def check(table):
        path = tmp_path / "a.zip"
        path.write_bytes(zipped(dict.fromkeys(PICTURES, b"") | dict([table]), zipfile.ZIP_STORED))
        found, refusal = attempt(find, [path], AUTO)
        assert refusal or written(picture.class_name for picture in found.pictures)

    search(examples, check, damaged(TABLES, {}))


def written(texts):
    """What a manifest in UTF-8 has of them."""
    return "".join(texts).encode("utf-8")


def written_of(table):
    return written(text for row in table.rows for pair in row.items() for text in pair)


@EFFORTS
def test_a_damaged_table_is_read_or_refused(examples):
    def check(file):
        table, refusal = attempt(read_table, *file)
        if table is None:
            assert file[0] in refusal
        else:
            written_of(table)

    search(examples, check, damaged(TABLES, {}))


@EFFORTS
def test_text_that_is_no_table_is_read_or_refused(examples):
    def check(name, content):
        table, refusal = attempt(read_table, name, content)
        if table is None:
            assert name in refusal
        else:
            written_of(table)

    nested = st.builds(
        lambda sign, depth: sign * depth, st.sampled_from([b"[", b'{"a":']), st.integers(1, 10**5)
    )
    texts = st.one_of(st.binary(), nested)
    search(examples, check, st.sampled_from(sorted(TABLES)), texts)


def arrays():
    array, objects, several = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros((3, 4, 5, 3), np.uint8))
    np.save(objects, np.array([{"a": 1}], object), allow_pickle=True)
    np.savez(several, a=np.zeros(3, np.uint8))
    files = {"images": array, "objects": objects, "several": several}
    return {f"{name}.npy": file.getvalue() for name, file in files.items()}


@EFFORTS
def test_a_damaged_array_is_opened_or_refused(examples, tmp_path):
    def check(file):
        path = tmp_path / file[0]
        path.unlink(missing_ok=True)  # what was there may be mapped still
        path.write_bytes(file[1])
        images, refusal = attempt(open_images, path)
        if images is None:
            assert str(path) in refusal
        else:
            assert (images.dtype, images.ndim) == (np.uint8, 4)
            images.sum()

    search(examples, check, damaged(arrays(), {}))

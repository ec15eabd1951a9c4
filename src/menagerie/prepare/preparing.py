"""Pictures in archives to one array and its manifest, however often the work is interrupted.

What is finished stands in a journal beside the array, with the hash of the rows that it vouches for:
no row is taken for finished that is not what was decoded.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from menagerie import archives
from menagerie.archives.layout import Picture
from menagerie.errors import DataError
from menagerie.files import file_sha256, locked, remove, whole
from menagerie.prepare.earlier import Earlier, keep
from menagerie.prepare.manifest import Record, check_readable, write_manifest
from menagerie.prepare.opening import USUAL, Reading
from menagerie.prepare.rows import Rows
from menagerie.prepare.workers import Chunk, Decoded, Decoder, chunks_of, decoded
from menagerie.processes import EndedError


@dataclass(frozen=True)
class Form:
    """What pictures are brought to, and by how many processes.

    `image_size` is height and width in pixels, `resize` as in `decode`. More than a share `max_unreadable`
    (0 to 1) that is unreadable is refused. `workers` is by default the number of cores.
    """

    image_size: tuple[int, int]
    resize: str
    max_unreadable: float
    workers: int | None = None
    reading: Reading = USUAL


def prepare(pictures: Sequence[Picture], form: Form, array: Path, manifest: Path, work: Path) -> None:
    """Decode pictures into `array`, an .npy of (N, height, width, 3) uint8, and list them in `manifest`.

    Rows are in the order of `pictures`; that of an unreadable one is zero and its status says why.
    All is built in `work` and moved when it is whole: after an interruption or an error the same call
    goes on where that stood.

    Raises:
        DataError: more than a share `max_unreadable` is unreadable, an archive is damaged, a file
            cannot be written, a worker was killed.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        with locked(work / "lock", f"{work}: another run prepares pictures"):
            method = _method(form)
            build = _build_folder(work, _fingerprint(pictures, method))
            earlier = Earlier.read(work / "earlier", method)
            records, rows_sha256 = _decode_all(pictures, form, build, earlier)
            paths, statuses = [picture.path for picture in pictures], [record.status for record in records]
            check_readable({"path": paths, "status": statuses}, form.max_unreadable)
            with whole(manifest) as manifest_part, whole(array) as array_part:
                write_manifest(manifest_part, pictures, records)
                shutil.move(build / "images.npy", array_part)
            keep(work / "earlier", method, array, records, rows_sha256)
            remove(build)
    except OSError as error:
        raise DataError(
            f"{error}; make room or make the folder writable, then run again: it goes on where it stood"
        ) from error
    except (EndedError, MemoryError) as error:
        raise DataError(
            "a process that decodes pictures ended, most likely for want of memory; "
            "close other programs and run again: it goes on where it stood"
        ) from error


def _method(form: Form) -> str:
    """A hash of all that the pixels of a file depend on: versions, code and form."""
    folders = (Path(archives.__file__).parent, Path(__file__).parent)
    code = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    decoders = ("numpy", "opencv-python-headless", "pillow", "simplejpeg")
    facts = [*map(version, decoders), form.image_size, form.resize, form.reading]
    facts += [(path.name, file_sha256(path)) for path in code]
    return hashlib.sha256(repr(facts).encode("utf-8")).hexdigest()


def _fingerprint(pictures: Sequence[Picture], method: str) -> str:
    """A hash of all that the array depends on: the method, archives and pictures."""
    sources = sorted({picture.archive for picture in pictures})
    facts = [method, *((path.name, file_sha256(path)) for path in sources)]
    digest = hashlib.sha256(repr(facts).encode("utf-8"))
    for picture in pictures:
        about = (picture.archive.name, *picture[1:])
        digest.update(repr(about).encode("utf-8"))
    return digest.hexdigest()


def _build_folder(work: Path, fingerprint: str) -> Path:
    build = work / f"build-{fingerprint[:32]}"
    for old in work.glob("build-*"):
        if old != build:
            remove(old)
    build.mkdir(exist_ok=True)
    return build


def _decode_all(
    pictures: Sequence[Picture], form: Form, build: Path, earlier: Earlier
) -> tuple[list[Record], list[str]]:
    """Fill build/images.npy; the records, and the hashes of the pixels, are in the order of `pictures`."""
    rows = Rows.allocate(build / "images.npy", (len(pictures), *form.image_size, 3))
    chunks = chunks_of(pictures)
    journal = _Journal(build / "journal")
    finished = journal.read(rows, chunks)
    todo = [chunk for chunk in chunks if chunk.number not in finished]
    left = sum(len(chunk.rows) for chunk in todo)
    decoder = Decoder(rows, form.image_size, form.resize, form.reading, earlier)
    bar = tqdm(
        desc="prepare", unit=" pictures", total=len(pictures), initial=len(pictures) - left, disable=None
    )
    with bar, closing(decoded(todo, decoder, form.workers or _cores())) as results:
        for result in results:
            journal.append(result)
            finished[result.number] = result
            bar.update(len(result.records))
    by_row = {}
    for chunk in chunks:
        result = finished[chunk.number]
        by_row |= dict(zip(chunk.rows, zip(result.records, result.rows_sha256, strict=True), strict=True))
    records, rows_sha256 = zip(*(by_row[row] for row in range(len(pictures))), strict=True)
    return list(records), list(rows_sha256)


class _Journal:
    """The finished chunks of a build, one a line, each line with its own hash before it."""

    def __init__(self, path: Path):
        self._path = path

    def append(self, result: Decoded) -> None:
        with self._path.open("a", encoding="ascii") as file:
            file.write(_line(json.dumps(result)))

    def read(self, rows: Rows, chunks: Sequence[Chunk]) -> dict[int, Decoded]:
        """What came of the chunks whose line and rows are both as they were written, by number."""
        self._path.touch()
        finished, good = {}, []
        for line in self._path.read_text(encoding="ascii", errors="replace").splitlines(keepends=True):
            payload = line.partition(" ")[2].rstrip("\n")
            if line != _line(payload):
                continue
            number, rows_sha256, records = json.loads(payload)
            if rows.sha256(chunks[number].rows) == rows_sha256:
                finished[number] = Decoded(number, rows_sha256, [Record(*record) for record in records])
                good.append(line)
        with whole(self._path) as part:  # or the next line would be added to a broken one
            part.write_text("".join(good), encoding="ascii")
        return finished


def _line(payload: str) -> str:
    return f"{hashlib.sha256(payload.encode()).hexdigest()} {payload}\n"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows; it knows of containers and taskset
        return len(os.sched_getaffinity(0))
    return min(os.cpu_count() or 1, 61)  # Windows waits for no more processes

"""Chunks of pictures, decoded by several processes into the rows of one file."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent import futures
from concurrent.futures import FIRST_COMPLETED, Future
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from menagerie.archives.layout import Picture, reading_order
from menagerie.archives.reading import MAX_READ_BYTES, LastArchive, Member
from menagerie.prepare.decoding import decode
from menagerie.prepare.earlier import Earlier
from menagerie.prepare.manifest import OK, Record
from menagerie.prepare.opening import Reading, UnreadableError
from menagerie.prepare.rows import Rows
from menagerie.processes import processes

CHUNK_PICTURES = 512  # a chunk is what a killed build loses, and how long one process may wait for the last
CHUNK_BYTES = 2 * 2**20  # a tenth of a second of photographs
PICTURE_BYTES = 2_500  # a picture takes about the time of so many bytes of JPEG, and that of its own
POOL_BYTES = 32 * 2**20  # fewer are decoded before other processes have started


class Chunk(NamedTuple):
    """Pictures that lie close together in an archive."""

    number: int
    archive: Path
    rows: tuple[int, ...]  # of the array
    members: tuple[Member, ...]


class Decoded(NamedTuple):
    """What came of a chunk."""

    number: int
    rows_sha256: list[str]  # of the pixels of each row
    records: list[Record]


class Decoder:
    """Decodes a chunk into its rows."""

    def __init__(
        self, rows: Rows, image_size: tuple[int, int], resize: str, reading: Reading, earlier: Earlier
    ):
        self._rows = rows
        self._earlier = earlier
        self._image_size = image_size
        self._resize = resize
        self._reading = reading
        self._archives = LastArchive()

    def close(self) -> None:
        self._archives.close()

    def __call__(self, chunk: Chunk) -> Decoded:
        rows_sha256, records = [], []
        with self._rows.path.open("r+b") as file:
            for row, member in zip(chunk.rows, chunk.members, strict=True):
                pixels, record, sha256 = self._decode(chunk.archive, member)
                file.seek(self._rows.start + row * self._rows.row_bytes)
                file.write(pixels)
                rows_sha256.append(sha256)
                records.append(record)
        return Decoded(chunk.number, rows_sha256, records)

    def _decode(self, archive: Path, member: Member) -> tuple[np.ndarray | bytes, Record, str]:
        """Pixels, what the file tells, and the SHA-256 of the pixels."""
        if member.size > MAX_READ_BYTES:
            return self._unreadable("", f"{member.size:,} bytes, more than {MAX_READ_BYTES:,}")
        data = self._archives.read(archive, member)
        sha256 = hashlib.sha256(data).hexdigest()
        if known := self._earlier.find(sha256):
            return known
        try:
            pixels, stored = decode(data, self._image_size, self._resize, self._reading)
            return _hashed(pixels, Record(*stored, sha256, OK))
        except UnreadableError as error:
            return self._unreadable(sha256, str(error))

    def _unreadable(self, sha256: str, why: str) -> tuple[np.ndarray, Record, str]:
        return _hashed(np.zeros((*self._image_size, 3), np.uint8), Record(0, 0, "", sha256, why))


def _hashed(pixels: np.ndarray, record: Record) -> tuple[np.ndarray, Record, str]:
    return pixels, record, hashlib.sha256(pixels).hexdigest()


def chunks_of(pictures: Sequence[Picture]) -> list[Chunk]:
    """The pictures in reading order, cut where an archive ends or a chunk is full."""
    groups: list[list[int]] = []
    size = 0  # bytes of the last group
    for row in sorted(range(len(pictures)), key=lambda row: reading_order(pictures[row])):
        picture = pictures[row]
        size += picture.member.size
        full = not groups or len(groups[-1]) == CHUNK_PICTURES or size > CHUNK_BYTES
        if full or pictures[groups[-1][0]].archive != picture.archive:
            groups.append([])
            size = picture.member.size
        groups[-1].append(row)
    return [
        Chunk(number, pictures[rows[0]].archive, tuple(rows), tuple(pictures[row].member for row in rows))
        for number, rows in enumerate(groups)
    ]


def decoded(chunks: Sequence[Chunk], decoder: Decoder, workers: int) -> Iterator[Decoded]:
    """Decode chunks, in any order: here, and in processes beside this one where it pays."""
    cost = sum(PICTURE_BYTES + member.size for chunk in chunks for member in chunk.members)
    with closing(decoder):
        if workers == 1 or cost < POOL_BYTES:
            yield from map(decoder, chunks)
        else:
            yield from _decoded_beside(deque(chunks), decoder, workers - 1)


def _decoded_beside(chunks: deque[Chunk], decoder: Decoder, helpers: int) -> Iterator[Decoded]:
    """This process decodes too: it would else wait for the others to start, and hold an idle core."""
    with processes(helpers, decoder) as decode_beside:
        sent: set[Future[Decoded]] = set()
        while chunks or sent:
            while chunks and len(sent) < 2 * helpers:  # not all at once: results would fill memory
                sent.add(decode_beside(chunks.popleft()))
            if chunks:
                yield decoder(chunks.popleft())
            done, sent = futures.wait(sent, timeout=0 if chunks else None, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)

"""Files damaged as Hypothesis searches: what failing disks leave and what hostile senders make."""

import gzip
import struct
import zlib
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from menagerie.errors import MenagerieError

FEW, MANY = 100, 2_000
EFFORTS = pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


def search(examples: int, check: Callable, *strategies: st.SearchStrategy) -> None:
    """Call `check` with so many examples; the few are the same in every run, the many are not."""
    chosen = settings(
        max_examples=examples,
        deadline=None,  # what hangs is ended, and named, by the suite's own timeout
        derandomize=examples == FEW,
        suppress_health_check=list(HealthCheck),
    )
    chosen(given(*strategies)(check))()


def attempt(call: Callable, *arguments):
    """What a call gives and None, or None and the text of an error of ours; any other error is raised."""
    try:
        return call(*arguments), None
    except MenagerieError as error:
        return None, str(error)


@st.composite
def damaged(draw, files: Mapping[str, bytes], mend: Mapping[str, Callable[[bytes], bytes]]):
    """Name and bytes of one of the files, damaged in up to eight places, or not at all.

    Where `mend` has a function for its suffix, half of them are mended so that a reader's checksum holds and
    it goes on to what is damaged.
    """
    name = draw(st.sampled_from(sorted(files)))
    data = bytearray(files[name])
    for _ in range(draw(st.integers(0, 8))):
        _damage(draw, data, files)
    mended = mend.get(name.rpartition(".")[2])
    if mended and draw(st.booleans()):
        return name, mended(bytes(data))
    return name, bytes(data)


def _damage(draw, data: bytearray, files: Mapping[str, bytes]) -> None:
    near = draw(st.booleans())  # most of what a format says of itself stands at its beginning
    at = draw(st.integers(0, min(len(data), 128) if near else len(data)))
    kind = draw(st.sampled_from(["bytes", "number", "cut", "removed", "twice", "other", "text"]))
    if kind == "bytes":
        new = draw(st.binary(min_size=1, max_size=8))
        data[at : at + len(new)] = new
    elif kind == "number":
        order, code = draw(st.sampled_from("<>")), draw(st.sampled_from("BHIQ"))
        number = draw(st.sampled_from(NUMBERS)) % 2 ** (8 * struct.calcsize(code))
        data[at : at + struct.calcsize(code)] = struct.pack(order + code, number)
    elif kind == "cut":
        del data[at:]
    elif kind == "removed":
        del data[at : at + draw(st.integers(1, 64))]
    elif kind == "twice":
        data[at:at] = data[at : at + draw(st.integers(1, 64))]
    elif kind == "other":
        donor = files[draw(st.sampled_from(sorted(files)))]
        begin = draw(st.integers(0, len(donor)))
        data[at:at] = donor[begin : begin + draw(st.integers(1, 256))]
    else:
        data[at:at] = draw(st.text(max_size=16)).encode("utf-8", "surrogatepass")


def png_mended(data: bytes) -> bytes:
    """A PNG whose parts have the checksums of what they hold."""
    done, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        part = data[at + 4 : at + 8 + length]
        if len(part) != 4 + length:
            break
        done += data[at : at + 4] + part + struct.pack(">I", zlib.crc32(part))
        at += 12 + length
    return bytes(done + data[at:])


def tar_mended(data: bytes) -> bytes:
    """A tar whose blocks with the mark of a header have the checksum of one."""
    done = bytearray(data)
    for at in range(0, len(done) - 511, 512):
        if done[at + 257 : at + 262] == b"ustar":
            done[at + 148 : at + 156] = b" " * 8
            done[at + 148 : at + 156] = b"%06o\0 " % sum(done[at : at + 512])
    return bytes(done)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(tar_mended(data), mtime=0)


def zip_mended(data: bytes) -> bytes:
    """A zip whose last part points to the first entry of an index, and tells as many as there are."""
    begin, end = data.find(b"PK\x01\x02"), data.rfind(b"PK\x05\x06")
    if not 0 <= begin < end or end + 22 > len(data):
        return data
    count = data.count(b"PK\x01\x02", begin, end) % 2**16
    place = struct.pack("<HHII", count, count, end - begin, begin)
    return data[: end + 8] + place + data[end + 20 :]

"""Archives of pictures: zip, tar and tar.gz, read member by member and never unpacked."""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from menagerie.errors import DataError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")

# Caps against archives made to exhaust a machine; no honest collection of pictures comes near.
MAX_MEMBERS = 5_000_000  # ten times one person's 500,000 photographs; Animals-10 has 26,000
MAX_TOTAL_BYTES = 4 * 2**40  # 500,000 photographs of 8 MB; Animals-10 has 0.6 GB
MAX_RATIO = 200  # photographs hardly shrink, drawings to a 50th; deflate can reach 1,032
HARMLESS_BYTES = 64 * 2**20  # a total that does no harm whatever its ratio
MAX_READ_BYTES = 256 * 2**20  # 8-bit RGB of as many pixels as Pillow opens without a warning
PACKED_HEAD = 2**12  # what the tables of a deflated member may take before its first bytes
MAX_HEADER_BYTES = 2**20  # a name or a comment in a tar; real ones have a few hundred bytes

# What the readers raise on broken bytes.
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
)


class Member(NamedTuple):
    """A regular file in an archive, with all that is needed to read it without the archive's index."""

    archive: str  # file name
    name: str  # `/` between parts, none of them empty, `.` or `..`
    size: int  # bytes, as the archive claims
    offset: int  # of the local header in a zip, of the data in a tar
    packed_size: int
    method: int  # zipfile.ZIP_STORED or zipfile.ZIP_DEFLATED
    crc: int | None  # a tar has none


def members(path: Path) -> list[Member]:
    """The regular files of an archive, sorted by name.

    Raises:
        DataError: the file is missing, damaged or no archive; a member is a link or a device, is
            encrypted, has a name that points out of the archive or stands there twice; the whole is
            too large or shrinks too well to be honest.
    """
    listed = _zip_members if _is_zip(path) else _tar_members
    found: dict[str, Member] = {}
    total = 0
    with _damage_named(path):
        most_bytes = min(MAX_TOTAL_BYTES, max(HARMLESS_BYTES, MAX_RATIO * path.stat().st_size))
        for count, member in enumerate(listed(path, most_bytes)):
            if count == MAX_MEMBERS:
                raise DataError(f"{path}: more than {count:,} members; make several archives of it")
            if member is None:
                continue
            total += member.size
            if total > most_bytes:
                raise _too_large(path, most_bytes)
            if member.name in found:
                raise _refused(path, member.name, "stands there twice", "with each name once")
            found[member.name] = member
    return [found[name] for name in sorted(found)]


def safe_name(name: str) -> str:
    """A member's name without `.` and empty parts; the name of a root folder is empty.

    Raises:
        ValueError: the name could point out of the folder it would be unpacked to, on any system,
            or cannot be written as UTF-8; the text says why.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/"):
        raise ValueError("is an absolute path")
    if parts and parts[0][1:2] == ":":  # for Windows any character may be the letter
        raise ValueError("starts with a drive letter")
    if ".." in parts:
        raise ValueError("has a `..` part")
    if "\\" in name:
        raise ValueError("has a backslash, which some systems take for a `/`")
    if "\0" in name:
        raise ValueError("has a NUL character")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    return "/".join(parts)


class Archive:
    """An archive open for reading; to be used by one process and closed, or used in a `with`.

    Members of a tar.gz are best read in the order of their offsets: going back means to inflate
    from the start again.
    """

    def __init__(self, path: Path):
        """Raises DataError when the file is missing or is no archive."""
        self.path = path
        self._is_zip = _is_zip(path)
        with _damage_named(path):
            self._file = _opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def read(self, member: Member) -> bytes:
        """The bytes of a member, checked against the size and the checksum that the archive gives.

        Raises:
            DataError: the member is damaged, or larger than MAX_READ_BYTES.
        """
        largest = max(member.size, member.packed_size)
        if largest > MAX_READ_BYTES:
            why = f"has {largest:,} bytes, more than {MAX_READ_BYTES:,}"
            raise _refused(self.path, member.name, why, "without it")
        with _damage_named(self.path, member.name):
            self._seek(member)
            data = self._file.read(member.packed_size)
            if member.method == zipfile.ZIP_DEFLATED:  # one byte over tells a member that lies about its size
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.size + 1)
            if len(data) != member.size:
                raise EOFError(f"expected {member.size:,} bytes")
            if member.crc not in (None, zlib.crc32(data)):
                raise zlib.error("wrong checksum")
        return data

    def head(self, member: Member, count: int) -> bytes:
        """The first `count` bytes of a member, or all if it has fewer; unlike `read`, they are not checked.

        Raises:
            DataError: the member is damaged.
        """
        with _damage_named(self.path, member.name):
            self._seek(member)
            data = self._file.read(min(member.packed_size, count + PACKED_HEAD))
            if member.method == zipfile.ZIP_DEFLATED:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, count)
        return data[:count]

    def _seek(self, member: Member) -> None:
        self._file.seek(member.offset)
        if self._is_zip:
            # Its header ends in a name and an extra field, whose lengths may differ from the zip's index.
            self._file.seek(sum(struct.unpack("<26xHH", self._file.read(30))), 1)


class LastArchive:
    """Members of any archives, of which the last one stays open: so a tar.gz is inflated once."""

    def __init__(self) -> None:
        self._archive: Archive | None = None

    def read(self, path: Path, member: Member) -> bytes:
        """As Archive.read."""
        if self._archive is None or self._archive.path != path:
            self.close()
            self._archive = Archive(path)
        return self._archive.read(member)

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


def _zip_members(path: Path, _: int) -> Iterator[Member | None]:
    """The members in the order of the zip's index; None for a folder."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    for info in infos:
        name = _checked_name(path, _zip_name(info))
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the writing system has no such kinds
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(path, name, "is a link or a device", "with files only")
        if info.flag_bits & 1:
            raise _refused(path, name, "is encrypted", "without a password")
        if info.orig_filename.endswith("/") or kind == stat.S_IFDIR:
            yield None
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            why = f"is compressed by method {info.compress_type}"
            raise _refused(path, name, why, "by deflate, which every zip program offers")
        else:
            where = (info.header_offset, info.compress_size, info.compress_type, info.CRC)
            yield Member(path.name, name, info.file_size, *where)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name as it was written: Info-ZIP and macOS write UTF-8 without the flag that says so."""
    name = info.orig_filename
    if info.flag_bits & 0x800:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeDecodeError:
        return name


def _tar_members(path: Path, most_bytes: int) -> Iterator[Member | None]:
    """The members in the order of the tar; None for a folder."""
    with _opened(path) as file:
        headers = _Headers(file)
        with tarfile.open(fileobj=headers, mode="r:") as archive:
            while (info := archive.next()) is not None:
                archive.members.clear()  # or it keeps every header
                if info.offset > most_bytes:
                    raise _too_large(path, most_bytes)
                yield _tar_member(path, info)
        if headers.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes any wrong header for the end
            raise tarfile.ReadError("no mark at its end")
        _read_padding(file)


def _tar_member(path: Path, info: tarfile.TarInfo) -> Member | None:
    name = _checked_name(path, info.name)
    if info.isdir():
        return None
    if not info.isreg() or info.issparse():
        raise _refused(path, name, "is a link, a device or a sparse file", "with plain files only")
    if info.size < 0:
        raise tarfile.ReadError("a member of negative size")
    return Member(path.name, name, info.size, info.offset_data, info.size, zipfile.ZIP_STORED, None)


def _read_padding(file: BinaryIO) -> None:
    """Read on to the end, where a tar.gz has the checksum of the whole."""
    stop = file.tell() + HARMLESS_BYTES
    while file.read(MAX_HEADER_BYTES):
        if file.tell() > stop:
            raise tarfile.ReadError(f"more than {HARMLESS_BYTES:,} bytes after its last member")


class _Headers:
    """A file as tarfile may use it while it lists: small reads, ever forward.

    A header may claim gigabytes for a name, which tarfile would read whole, or a negative length.
    """

    def __init__(self, file: BinaryIO):
        self.tell = file.tell
        self.last = b""
        self._file = file

    def seek(self, position: int) -> None:
        if position < self.tell():
            raise tarfile.ReadError("a header that points backwards")
        self._file.seek(position)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        self.last = self._file.read(size)
        return self.last


def _is_zip(path: Path) -> bool:
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}; make such an archive")
    return path.name.lower().endswith(".zip")


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path) if path.name.lower().endswith("gz") else path.open("rb")


def _checked_name(path: Path, name: str) -> str:
    try:
        return safe_name(name)
    except ValueError as error:
        raise _refused(path, name, str(error), "with plain relative names in UTF-8") from None


@contextmanager
def _damage_named(path: Path, member: str | None = None) -> Iterator[None]:
    """What goes wrong with the file as DataError."""
    where = f"{path} is no whole archive" if member is None else f"{path}: member {member!r} is damaged"
    try:
        yield
    except gzip.BadGzipFile as error:  # an OSError that is none of the system's
        raise DataError(f"{where} ({error}); delete {path} and get it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; is it there, is it a file?") from error
    except BROKEN as error:
        raise DataError(f"{where} ({error}); delete {path} and get it again") from error


def _refused(path: Path, member: str, why: str, how: str) -> DataError:
    return DataError(f"{path}: member {member!r} {why}; make the archive again {how}")


def _too_large(path: Path, most_bytes: int) -> DataError:
    return DataError(
        f"{path}: its members would fill more than {most_bytes:,} bytes, which looks like a bomb; if it is "
        f"none, make plain .tar archives of it, each of at most {MAX_TOTAL_BYTES:,} bytes"
    )

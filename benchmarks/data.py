"""Pictures per second of prepare, and of feeding training, beside other ways to do it.

use: MENAGERIE_MIRROR=<folder> python benchmarks/data.py   (five minutes; writes benchmarks/data.md)

Every way reads the same archive, or the same files unpacked from it, and gives RGB of one size. The ways
take turns; a ratio is of two rates of the same round, and the median over the rounds is told. Two sets:
the 60,000 CIFAR-10 JPEGs of the mirror at 32x32, and 2,000 photographs of 320x320 to 480x480 brought to
299x299, which are the sign digits of the mirror enlarged, with grain, saved as JPEG (quality 90). What a
JPEG costs to decode goes with its bytes, and enlarging makes none: the grain brings them to 0.28 a pixel,
as Animals-10 has (486,531,396 bytes in 26,179 pictures of about 300x225).
"""

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

import cv2
import numpy as np
import simplejpeg
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from menagerie.archives.layout import find_pictures  # noqa: E402
from menagerie.files import file_sha256  # noqa: E402
from menagerie.prepare.preparing import Form, prepare  # noqa: E402

# Keras, pandas and httpx are imported where they are used: as `python src prepare` does without them, so do
# the processes that prepare starts here, which load this file anew.

MIRROR = Path(os.environ.get("MENAGERIE_MIRROR", ROOT / "../shared/mirror"))
ROUNDS = 7
GRAIN = 5.0  # standard deviation, of 255
CORES = os.cpu_count() or 1


def with_menagerie(archive: Path, folders: str, side: int, workers: int | None = None) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent) as name:
        folder = Path(name)
        pictures = find_pictures([archive], folders)
        form = Form((side, side), "stretch", 0.0, workers)
        prepare(pictures, form, folder / "a.npy", folder / "m.csv", folder / "w")


def members(archive: Path) -> Iterator[bytes]:
    with ZipFile(archive) as opened:
        for info in opened.infolist():
            if info.filename.lower().endswith(".jpg"):
                yield opened.read(info)


def with_pillow(archive: Path, side: int) -> None:
    for content in members(archive):
        picture = Image.open(BytesIO(content)).convert("RGB")
        if picture.size != (side, side):
            picture = picture.resize((side, side), Image.Resampling.BILINEAR)
        np.asarray(picture)


def with_simplejpeg(archive: Path, side: int) -> None:
    for content in members(archive):
        pixels = simplejpeg.decode_jpeg(content, "RGB")
        if pixels.shape[:2] != (side, side):
            cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)


def with_opencv(archive: Path, side: int) -> None:
    for content in members(archive):
        pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(content, np.uint8), 1), cv2.COLOR_BGR2RGB)
        if pixels.shape[:2] != (side, side):
            cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)


def keras_dataset(folder: Path, side: int, batch: int = 64) -> object:
    import keras

    return keras.utils.image_dataset_from_directory(
        folder, image_size=(side, side), batch_size=batch, shuffle=False, verbose=False
    )


def with_keras(folder: Path, side: int) -> None:
    for _ in keras_dataset(folder, side):
        pass


def rates(ways: dict[str, Callable[[], None]], count: int) -> dict[str, list[float]]:
    """Pictures per second of each way in each round; no way always goes first."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name in np.roll(list(ways), number):
            os.sync()  # what the one before wrote
            started = time.perf_counter()
            ways[name]()
            found[name].append(count / (time.perf_counter() - started))
        print(
            f"round {number + 1}/{ROUNDS}: " + ", ".join(f"{n} {v[-1]:.0f}" for n, v in found.items()),
            flush=True,
        )
    return found


def table(title: str, found: dict[str, list[float]]) -> list[str]:
    ours = found["Menagerie"]
    lines = [f"## {title}", "", "| way | pictures/s, median | Menagerie / it |", "|---|---|---|"]
    for name, values in found.items():
        ratio = statistics.median(mine / other for mine, other in zip(ours, values, strict=True))
        lines.append(f"| {name} | {statistics.median(values):,.0f} | {ratio:.2f} |")
    return [*lines, ""]


def photographs(folder: Path) -> Path:
    """2,000 larger JPEGs in class folders: `photos/<class>/<n>.jpg`, and a zip of them."""
    (source,) = MIRROR.glob("Sign-Language-Digits-Dataset-*.zip")
    rng = np.random.default_rng(0)
    target = folder / "photos"
    with ZipFile(source) as archive:
        names = [name for name in archive.namelist() if "/Dataset/" in name and name.endswith(".JPG")][:2062]
        for number, name in enumerate(sorted(names)[:2000]):
            size = tuple(int(side) for side in rng.integers(320, 481, 2))
            path = target / name.split("/")[-2] / f"{number:04d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.open(BytesIO(archive.read(name))).resize(size, Image.Resampling.BICUBIC)
            grain = rng.normal(0, GRAIN, (*size[::-1], 1))
            Image.fromarray(np.clip(picture + grain, 0, 255).astype(np.uint8)).save(path, quality=90)
    return zipped(target)


def zipped(folder: Path) -> Path:
    with ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in sorted(folder.rglob("*.jpg")):
            archive.write(path, path.relative_to(folder).as_posix())
    return folder.with_suffix(".zip")


def decoding(folder: Path) -> list[str]:
    (cifar,) = MIRROR.glob("CIFAR-10-images-*.zip")
    shutil.copyfile(cifar, folder / "cifar.zip")
    with ZipFile(cifar) as archive:
        archive.extractall(folder / "cifar")  # for Keras alone
    (unpacked,) = (folder / "cifar").iterdir()
    archives = {
        "60,000 CIFAR-10 JPEGs, 32x32": (
            folder / "cifar.zip",
            unpacked / "train",
            "{folder}/{class}",
            32,
            60_000,
        ),
        "2,000 photographs to 299x299": (photographs(folder), folder / "photos", "{class}", 299, 2_000),
    }
    # Before Keras is imported: a process begins with the peak of the one that started it.
    held = {
        title: memory(archive, folders, side) for title, (archive, _, folders, side, _) in archives.items()
    }
    lines = []
    for title, (archive, plain, folders, side, count) in archives.items():
        ways = {
            "Menagerie": partial(with_menagerie, archive, folders, side),
            "Menagerie, one process": partial(with_menagerie, archive, folders, side, 1),
            "Pillow, one thread": partial(with_pillow, archive, side),
            "simplejpeg, one thread": partial(with_simplejpeg, archive, side),
            "OpenCV, one thread": partial(with_opencv, archive, side),
        }
        found = rates(ways, count)
        started = time.perf_counter()
        with_keras(plain, side)
        seconds = time.perf_counter() - started
        read = 50_000 if count == 60_000 else count
        found["keras.utils.image_dataset_from_directory, one pass"] = [read / seconds] * ROUNDS
        lines += [*table(title, found), f"Peak memory of prepare: {held[title]}.", ""]
    return lines


def memory(archive: Path, folders: str, side: int) -> str:
    """The most MiB that prepare, and the largest of its helpers, ever held: in a process of its own."""
    started = [sys.executable, __file__, str(archive), folders, str(side)]
    return subprocess.run(started, check=True, capture_output=True, text=True).stdout.strip()


def report_memory(archive: str, folders: str, side: str) -> None:
    with_menagerie(Path(archive), folders, int(side))
    most = [resource.getrusage(of).ru_maxrss for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"{most[0] / 1024:.0f} MiB, its largest helper {most[1] / 1024:.0f} MiB")


def feeding(folder: Path) -> list[str]:
    """Milliseconds for a batch of 64 at 299x299: out of the prepared array, and decoded again by Keras."""
    from menagerie.data import gather

    archive, batches = folder / "photos.zip", 2_000 // 64
    pictures = find_pictures([archive], "{class}")
    prepare(pictures, Form((299, 299), "stretch", 0.0), folder / "a.npy", folder / "m.csv", folder / "w")
    images, rng = np.load(folder / "a.npy", mmap_mode="r"), np.random.default_rng(0)
    ratios, ours, theirs = [], [], []
    for _ in range(ROUNDS):
        order = rng.permutation(len(images))
        started = time.perf_counter()
        for number in range(batches):
            gather(images, order[64 * number : 64 * (number + 1)])
        ours.append((time.perf_counter() - started) / batches * 1000)
        started = time.perf_counter()
        with_keras(folder / "photos", 299)
        theirs.append((time.perf_counter() - started) / (2_000 / 64) * 1000)
        ratios.append(theirs[-1] / ours[-1])
    lines = [
        "## Feeding a training step",
        "",
        "| batches of 64 at 299x299 | ms a batch, median |",
        "|---|---|",
    ]
    lines.append(f"| the prepared array, random order | {statistics.median(ours):.1f} |")
    lines.append(f"| image_dataset_from_directory | {statistics.median(theirs):.1f} |")
    ratio = statistics.median(ratios)
    return [*lines, "", f"The array is **{ratio:.0f} times** faster (median of {ROUNDS} ratios).", ""]


class SendFile(SimpleHTTPRequestHandler):
    """Hands files to the kernel to send: on few cores a server that copies them would be what is measured."""

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        outputfile.flush()
        self.connection.sendfile(source)

    def log_message(self, *_: object) -> None:
        pass


def serve(folder: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SendFile, directory=folder))
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server on loopback, in a process of its own."""
    command = [sys.executable, __file__, "serve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        server.terminate()


def downloading(folder: Path) -> list[str]:
    """Bring 512 MiB from a mirror folder, and from a server on loopback, beside a plain copy."""
    import httpx

    from menagerie.download.wire.fetching import fetch
    from menagerie.download.wire.remote import Remote

    source = folder / "served" / "large.bin"
    source.parent.mkdir()
    source.write_bytes(np.random.default_rng(0).bytes(1 << 29))

    def copy() -> None:
        (folder / "copy").unlink(missing_ok=True)  # as the others do, which takes a while of its own
        with source.open("rb") as reader, (folder / "copy").open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())

    def get(address: str) -> None:
        (folder / "got").unlink(missing_ok=True)
        with httpx.stream("GET", f"{address}/large.bin") as answer, (folder / "got").open("wb") as writer:
            for block in answer.iter_raw():
                writer.write(block)
            writer.flush()
            os.fsync(writer.fileno())

    def bring(address: str, mirror: str | None) -> None:
        target = folder / "brought"
        shutil.rmtree(target, ignore_errors=True)
        fetch([Remote(f"{address}/large.bin", "large.bin", sha256=digest)], target, folder / "parts", mirror)

    digest = file_sha256(source)
    with serving(source.parent) as address:
        ways = {
            "plain copy and fsync": copy,
            "from a mirror folder, SHA-256 checked": lambda: bring(address, source.parent.as_uri()),
            "httpx alone over loopback, fsync": lambda: get(address),
            "over loopback, SHA-256 checked": lambda: bring(address, None),
        }
        found = rates(ways, 512)
    lines = ["## Download, 512 MiB", "", "| way | MiB/s, median | of the plain copy |", "|---|---|---|"]
    for name, values in found.items():
        pairs = zip(values, found["plain copy and fsync"], strict=True)
        ratio = statistics.median(mine / plain for mine, plain in pairs)
        lines.append(f"| {name} | {statistics.median(values):,.0f} | {100 * ratio:.0f} % |")
    return [*lines, ""]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = decoding(folder) + feeding(folder) + downloading(folder)
    head = (
        f"# Data: decoding, feeding, downloading\n\n`python benchmarks/data.py` on {CORES} cores "
        f"({platform.machine()}), {ROUNDS} rounds in turns; files in the page cache. "
        "Adding a folder, and one picture to 20,000: [adding.md](adding.md).\n\n"
    )
    target = Path(__file__).with_suffix(".md")
    target.write_text(head + "\n".join(lines), encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", folder]:
            serve(folder)
        case [archive, folders, side]:
            report_memory(archive, folders, side)
        case _:
            main()

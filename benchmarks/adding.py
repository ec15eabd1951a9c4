"""Seconds of `menagerie add` on 20,000 pictures, and of preparing one picture more than before.

use: python benchmarks/adding.py   (six minutes; writes benchmarks/adding.md)

20,000 JPEGs of 400x300 (100 different ones, each with its number behind its end) in two splits of ten
classes, and as many again in one zip of them. Files are in the page cache. Each is looked at five times in
turns, by a process of its own; the median and the slowest are told. Then what the stages download and prepare
do, to 96x96, with the folder anew and with one picture more, three rounds in turns.
"""

import io
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from menagerie.archives.layout import find_pictures  # noqa: E402
from menagerie.download import datasets  # noqa: E402
from menagerie.params.dataset import FolderSource  # noqa: E402
from menagerie.prepare.preparing import Form, prepare  # noqa: E402

PICTURES, CLASSES, ROUNDS = 20_000, 10, 5
COMMAND = "from menagerie.cli.main import main; main()"


def jpegs() -> list[bytes]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(100):
        content = io.BytesIO()
        small = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8))
        small.resize((400, 300), Image.Resampling.BILINEAR).save(content, "JPEG", quality=90)
        found.append(content.getvalue())
    return found


def fill(folder: Path) -> None:
    contents = jpegs()
    for number in range(PICTURES):
        split = "train" if number % 5 else "test"
        path = folder / split / f"class {number // 5 % CLASSES}" / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[number % len(contents)] + str(number).encode())


def seconds(repository: Path, path: Path) -> float:
    command = [sys.executable, "-c", COMMAND, "add", "pictures", str(path), "--replace"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    start = time.perf_counter()
    subprocess.run(command, cwd=repository, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def prepared(folder: Path, work: Path) -> tuple[float, dict[str, tuple[str, int]]]:
    """Seconds that it takes to pack and prepare the folder; SHA-256 and bytes of each zip by its name."""
    (work / "raw").mkdir(parents=True)
    started = time.perf_counter()
    files = datasets.fetch(
        FolderSource(kind="folder", path=str(folder), looks=["folder"], watch=""), work / "raw"
    )
    archives = sorted((work / "raw").iterdir())
    pictures = find_pictures(archives, "{folder}/{class}")
    prepare(pictures, Form((96, 96), "crop", 0.0), work / "a.npy", work / "m.csv", work.parent / "kept")
    return time.perf_counter() - started, {entry["file"]: (entry["sha256"], entry["size"]) for entry in files}


def growing(folder: Path, work: Path) -> list[str]:
    """Prepare anew and with one picture more, in turns."""
    times: dict[str, list[float]] = {"all anew": [], "one picture more": []}
    for number in range(3):
        shutil.rmtree(work / "kept", ignore_errors=True)
        seconds, before = prepared(folder, work / f"anew {number}")
        times["all anew"].append(seconds)
        (folder / f"train/class 0/more {number}.jpg").write_bytes(jpegs()[0] + f"more {number}".encode())
        seconds, after = prepared(folder, work / f"more {number}")
        times["one picture more"].append(seconds)
    changed = sum(size for name, (sha256, size) in after.items() if before.get(name) != (sha256, size))
    share = 100 * changed / sum(size for _, size in after.values())
    ratio = statistics.median(a / b for a, b in zip(*times.values(), strict=True))
    rows = [f"| {way} | {statistics.median(one):.1f} | {max(one):.1f} |" for way, one in times.items()]
    told = f"One picture more is **{ratio:.1f} times** faster; {share:.1f} % of the pictures' bytes are new."
    return ["| download and prepare | seconds, median | slowest |", "|---|---|---|", *rows, "", told, ""]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        repository, folder, packed = (
            Path(name, "repository"),
            Path(name, "pictures"),
            Path(name, "pictures.zip"),
        )
        shutil.copytree(ROOT / "conf", repository / "conf")
        fill(folder)
        with ZipFile(packed, "w") as archive:
            for path in sorted(folder.rglob("*.jpg")):
                archive.write(path, path.relative_to(folder))
        ways = {"a folder": folder, "one zip": packed}
        times = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, path in ways.items():
                times[way].append(seconds(repository, path))
        grown = growing(folder, Path(name, "work"))
    rows = [f"| {way} | {statistics.median(one):.2f} | {max(one):.2f} |" for way, one in times.items()]
    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    text = f"# `menagerie add` on {PICTURES:,} pictures\n\n`python benchmarks/adding.py` on {cores}, "
    text += f"{ROUNDS} rounds.\n"
    text += "\n".join(["", "| pictures in | seconds, median | slowest |", "|---|---|---|", *rows, "", *grown])
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""Seconds that `menagerie add` takes on 20,000 pictures, as a process of its own.

use: python benchmarks/adding.py   (a minute; writes benchmarks/adding.md)

20,000 JPEGs of 400x300 (100 different ones) in two splits of ten classes, and as many again in one zip of
them. Files are in the page cache. Each is looked at five times in turns; the median and the slowest are told.
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
        path.write_bytes(contents[number % len(contents)])


def seconds(repository: Path, path: Path) -> float:
    command = [sys.executable, "-c", COMMAND, "add", "pictures", str(path), "--replace"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    start = time.perf_counter()
    subprocess.run(command, cwd=repository, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


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
    rows = [f"| {way} | {statistics.median(one):.2f} | {max(one):.2f} |" for way, one in times.items()]
    cores = f"{os.cpu_count()} cores ({platform.machine()})"
    text = f"# `menagerie add` on {PICTURES:,} pictures\n\n`python benchmarks/adding.py` on {cores}, "
    text += f"{ROUNDS} rounds.\n"
    text += "\n".join(["", "| pictures in | seconds, median | slowest |", "|---|---|---|", *rows, ""])
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""What a service costs beside its network: `menagerie serve` at 8 clients beside bare batches.

use: python benchmarks/serving.py   (two minutes; writes benchmarks/serving.md)

Bare is a loop that decodes 32 photographs and shows them to the network, `predict_on_batch`, in a process of
its own; and once more 8 at a time, which is all there is to make a batch of where 8 clients send one each.
Served are the same photographs by the same number of cores, which the clients share: 8 threads of one
process, each with a connection that it keeps, one photograph or eight a request. The sides take turns.
"""

import http.client
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from turns import MEMORY  # noqa: E402

ROUNDS, CLIENTS, BATCH = 7, 8, 32
HEIGHT, WIDTH = 375, 500
NETWORKS = {"mobilenet_random": ((160, 160), 384), "cnn": ((32, 32), 1536)}  # size, photographs
COMMAND = "from menagerie.cli.main import main; main()"


def photographs(folder: Path, count: int) -> None:
    """JPEGs of some 60 kB with shapes and grain."""
    import cv2
    import simplejpeg

    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (WIDTH, HEIGHT), interpolation=2)
        grain = rng.normal(0, 6, coarse.shape)
        pixels = np.clip(coarse + grain, 0, 255).astype(np.uint8)
        (folder / f"{number:04}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, quality=85))


def write_model(name: str, path: Path) -> None:
    from helpers import model_facts, recipe
    from menagerie.model_files import save_model
    from menagerie.params.model import PretrainedModel, ScratchModel
    from menagerie.params.section import parse
    from menagerie.train.building import build_model

    settings = recipe(name)
    kind = PretrainedModel if settings["arch"] == "pretrained" else ScratchModel
    size, classes = NETWORKS[name][0], [f"class {number}" for number in range(10)]
    model = build_model(parse(kind, settings, name), (*size, 3), len(classes))
    save_model(model, path, model_facts(classes, size, model=name))


def files(folder: Path, count: int) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    return [found[number % len(found)] for number in range(count)]


def bare(name: str, folder: Path) -> None:
    """For each size of batches that comes in, show all photographs to the network: pictures/s."""
    from menagerie.serve.predictor import Predictor, pixels_of

    predictor = Predictor(folder / f"{name}.keras")
    data = files(folder, NETWORKS[name][1])

    def batches(part: list[bytes], size: int) -> None:
        for start in range(0, len(part), size):
            pixels = [pixels_of(one, predictor.facts.pixels) for one in part[start : start + size]]
            predictor.probabilities(np.stack(pixels))

    for size in (BATCH, CLIENTS):
        batches(data[: 3 * size], size)
    for line in sys.stdin:
        started = time.perf_counter()
        batches(data, int(line))
        print(json.dumps([len(data) / (time.perf_counter() - started)]), flush=True)


def ask(port: int, parts: list[list[bytes]]) -> list[float]:
    """The seconds that each request took, one after the other on one connection."""
    connection, took = http.client.HTTPConnection("127.0.0.1", port), []
    for part in parts:
        head, body = {"Content-Type": "image/jpeg"}, part[0]
        if len(part) > 1:
            head = {"Content-Type": "multipart/form-data; boundary=next"}
            lead = b'--next\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
            body = b"".join(lead + one + b"\r\n" for one in part) + b"--next--\r\n"
        started = time.perf_counter()
        connection.request("POST", "/predict", body, head)
        reply = json.loads(connection.getresponse().read())
        took.append(time.perf_counter() - started)
        assert len(reply["pictures"]) == len(part)
    connection.close()
    return took


def clients(name: str, folder: Path, port: int) -> None:
    """For each line that comes in, the photographs of a request: pictures/s, p50 and p95 in seconds."""
    data = files(folder, NETWORKS[name][1])
    with ThreadPoolExecutor(CLIENTS) as pool:
        for line in sys.stdin:
            each = int(line)
            parts = [data[start : start + each] for start in range(0, len(data), each)]
            shares = [parts[client::CLIENTS] for client in range(CLIENTS)]
            started = time.perf_counter()
            took = [one for share in pool.map(lambda share: ask(port, share), shares) for one in share]
            seconds = time.perf_counter() - started
            print(json.dumps([len(data) / seconds, *np.percentile(took, [50, 95]).tolist()]), flush=True)


@contextmanager
def side(*command: object) -> Iterator[Callable[[object], list[float]]]:
    """A process of this file: what is told it in a line, it answers in one."""
    arguments = [sys.executable, __file__, *map(str, command)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def tell(word: object) -> list[float]:
            print(word, file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield tell
        process.stdin.close()


@contextmanager
def service(model: Path) -> Iterator[int]:
    """The port of `menagerie serve`."""
    command = [sys.executable, "-c", COMMAND, "serve", "--file", str(model), "--port", "0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield int(process.stdout.readline().split(" (")[0].rpartition(":")[2])
        process.terminate()


def measured(name: str, folder: Path) -> list[tuple[list[float], ...]]:
    """Rounds of bare in large and small batches, one photograph a request, and eight; the first is left out.

    In short turns, since a machine that others use, too, changes its speed within seconds.
    """
    with (
        service(folder / f"{name}.keras") as port,
        side("clients", name, folder, port) as served,
        side("bare", name, folder) as alone,
    ):
        return [(alone(BATCH), alone(CLIENTS), served(1), served(8)) for _ in range(ROUNDS + 1)][1:]


def main() -> None:
    lines = []
    with tempfile.TemporaryDirectory(dir=MEMORY) as place:
        folder = Path(place)
        photographs(folder, 128)
        for name in NETWORKS:
            write_model(name, folder / f"{name}.keras")
        for name in NETWORKS:
            lines += rows(name, measured(name, folder))
    text = (
        f"# `menagerie serve` at {CLIENTS} clients\n\n"
        f"`python benchmarks/serving.py` on {os.cpu_count()} cores ({platform.machine()}), which service and "
        f"clients share; photographs of {WIDTH}x{HEIGHT}, medians of {ROUNDS} rounds in turns. Bare: decode "
        f"{BATCH} or {CLIENTS}, then `predict_on_batch`, in a loop; of one photograph a request there are "
        f"never more than {CLIENTS} to make a batch of.\n\n"
        f"| network | what | pictures/s | of bare {BATCH} | of bare {CLIENTS} | p50, ms | p95, ms |\n"
        "|---|---|---|---|---|---|---|\n"
    ) + "\n".join(lines)
    target = Path(__file__).with_suffix(".md")
    target.write_text(text + "\n", encoding="utf-8")
    print(text)


def rows(name: str, rounds: list[tuple[list[float], ...]]) -> list[str]:
    shown = f"`{name}`, {NETWORKS[name][0][0]}x{NETWORKS[name][0][1]}"
    lines = []
    for column, size in ((0, BATCH), (1, CLIENTS)):
        lines.append(
            f"| {shown} | bare {size} | {statistics.median(one[column][0] for one in rounds):.0f} | | | | |"
        )
        shown = ""
    for column, what in ((2, "one a request"), (3, "eight a request")):
        speed, half, late = (statistics.median(one[column][at] for one in rounds) for at in range(3))
        large, small = (statistics.median(one[column][0] / one[side][0] for one in rounds) for side in (0, 1))
        lines.append(
            f"| | {what} | {speed:.0f} | {large:.2f} | {small:.2f} | {1000 * half:.0f} | {1000 * late:.0f} |"
        )
    return lines


if __name__ == "__main__":
    role, *arguments = sys.argv[1:] or ["main"]
    if role == "bare":
        bare(arguments[0], Path(arguments[1]))
    elif role == "clients":
        clients(arguments[0], Path(arguments[1]), int(arguments[2]))
    else:
        main()

"""README, "Serve": the command itself in a process of its own, and curl as the page types it."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest
import yaml

from helpers import ROOT, composed
from serving import CLASSES, noisy, small_model

pytest.importorskip("keras")
pytest.importorskip("multipart")
from menagerie.serve.predictor import Predictor

pytestmark = pytest.mark.tensorflow

SECTION = re.search(r"### Serve\n(.*?)\n### ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
COMMANDS = [
    line.split("  #")[0].strip() for line in re.search(r"```\n(.*?)```", SECTION, re.DOTALL)[1].splitlines()
]
ADDRESS = "http://127.0.0.1:8000"
MAIN = "from menagerie.cli.main import main; main()"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A folder with params.yaml, a trained cnn of the digits and two pictures."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "params.yaml").write_text(yaml.safe_dump(composed("model=cnn")), encoding="utf-8")
    (folder / "models/digits/cnn").mkdir(parents=True)
    small_model(folder / "models/digits/cnn/model.keras")
    files, _ = noisy(2)
    for name, data in zip(("one.png", "two.png"), files, strict=True):
        (folder / name).write_bytes(data)
    shutil.copyfile(folder / "one.png", folder / "photo.png")
    return folder


def started(folder, *arguments):
    """`menagerie serve` with these arguments, as it begins to answer, and its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "serve", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline()


@pytest.fixture(scope="module")
def service(repository):
    """What the README's first command runs, on a free port."""
    process, line = started(repository, *shlex.split(COMMANDS[0])[2:], "--port", "0")
    yield re.search(r"http://127\.0\.0\.1:\d+", line)[0]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_the_readme_types_the_command_and_then_asks_it():
    assert COMMANDS[0].startswith("menagerie serve")
    assert len(COMMANDS) > 1
    assert all(command.startswith("curl ") and ADDRESS in command for command in COMMANDS[1:])


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_curl_gets_the_probabilities_that_the_model_gives(repository, service, command, no_proxy):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    line = shlex.split(command.replace(ADDRESS, service))
    done = subprocess.run(
        [*line, "-sS", "--fail"], cwd=repository, capture_output=True, text=True, check=True
    )
    _, pixels = noisy(2)
    names = re.findall(r"-F \w+=@(\S+)", command) or [None]
    expected = Predictor(repository / "models/digits/cnn/model.keras").probabilities(pixels[: len(names)])
    answers = json.loads(done.stdout)["pictures"]
    assert [answer["picture"] for answer in answers] == names
    for answer, values in zip(answers, expected, strict=True):
        found = {guess["class"]: guess["probability"] for guess in answer["top"]}
        assert found == pytest.approx(dict(zip(CLASSES, values.tolist(), strict=True)), abs=1e-6)


def test_an_answer_does_not_wait_for_an_acknowledgement(service):
    """40 ms each time: a listener made without the protocol's number hands on no TCP_NODELAY."""
    from menagerie.cli.serve import _listening

    with (
        _listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_port_that_is_taken_is_an_error_that_tells_the_way_out(repository, service):
    port = service.rpartition(":")[2]
    process, _ = started(repository, "--port", port)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in error
    assert "--port 0" in error


def test_to_listen_to_other_machines_warns_and_a_signal_ends_it(repository, no_proxy):
    process, line = started(repository, "--host", "0.0.0.0", "--port", "0")
    timer = threading.Timer(60, process.kill)
    timer.start()
    port = re.search(r":(\d+) \(Ctrl-C", line)[1]
    assert httpx.get(f"http://127.0.0.1:{port}/health").json()["classes"] == list(CLASSES)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    timer.cancel()
    assert process.returncode == 0
    assert error.startswith("warning: every machine that reaches 0.0.0.0")
    assert "Traceback" not in error

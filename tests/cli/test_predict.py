"""`menagerie predict`: which model it takes, what it refuses, and that it does so at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from helpers import ROOT, composed, model_facts, packed, picture
from menagerie.cli.main import main
from serving import until


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    """params.yaml with two models of the digits, none trained, and one picture."""
    monkeypatch.chdir(tmp_path)
    settings = composed("model=[ann,cnn]")
    Path("params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    Path("photo.png").write_bytes(picture())
    return tmp_path


def train(*names):
    """Model files that say what they are, and hold no network."""
    for name in names:
        folder = Path("models/digits", name)
        folder.mkdir(parents=True)
        packed(folder / "model.zip", {"menagerie.json": model_facts(model=name).model_dump_json().encode()})
        (folder / "model.zip").rename(folder / "model.keras")


def refused(*arguments, **options):
    """What is said where nothing is predicted."""
    done = CliRunner().invoke(main, ["predict", *arguments], **options)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    return done.stderr


def test_without_an_option_several_trained_models_are_named():
    train("ann", "cnn")
    assert "2 models of digits are trained and not compared; choose: --model ann|cnn" in refused("photo.png")


def test_without_a_trained_model_the_way_to_one_is_told():
    assert "no model of digits is trained; train: dvc repro" in refused("photo.png")


def test_a_model_of_another_name_or_not_trained_is_told_apart():
    train("ann")
    assert "unknown model 'cmn'; did you mean 'cnn'? known: ann, cnn" in refused(
        "photo.png", "--model", "cmn"
    )
    assert "cnn of digits is not trained; train it: dvc repro train@cnn" in refused(
        "photo.png", "--model", "cnn"
    )


def test_a_model_that_params_yaml_has_no_more_can_be_used():
    train("ann", "older")
    assert "'gone.png' is not there" in refused("gone.png", "--model", "older")


def test_two_models_are_one_too_many():
    assert "--model and --champion name two models" in refused("photo.png", "--model", "ann", "--champion")


def test_a_file_needs_no_repository_and_must_be_a_model(repository):
    Path("params.yaml").unlink()
    assert "there is no model file none.keras" in refused("photo.png", "--file", "none.keras")
    assert "photo.png is no .keras file" in refused("photo.png", "--file", "photo.png")
    assert "params.yaml is not in" in refused("photo.png")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Missing argument"),
        (["photo.png", "--top", "0"], "--top"),
        (["photo.png", "--threshold", "1"], "--threshold"),
        (["photo.png", "--threshold", "0.12345"], "expected at most three decimals"),
        (["photo.png", "--format", "parquet"], "parquet is no text; name the file with --output"),
        (["photo.png", "--output", "answers.xls"], "none of .csv, .json, .parquet; add --format"),
        (["photo.png", "--uri", "models:/digits@champion"], "no tracking store at sqlite:"),
        (["photo.png", "--uri", "s3://bucket/model"], "names no model of MLflow; expected such as models:/"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments, expected):
    assert expected in refused(*arguments)


def test_an_input_that_is_not_there_or_holds_no_picture_is_an_error():
    train("ann")
    Path("empty").mkdir()
    assert "'gone.png' is not there" in refused("gone.png")
    assert "'empty': no picture" in refused("empty")
    assert "'-': no picture" in refused("-", input="")


@pytest.mark.parametrize("arguments", [["--help"], ["gone.png"], ["photo.png", "--model", "cmn"], ["empty"]])
def test_help_and_errors_load_no_tensorflow(arguments):
    train("ann")
    Path("empty").mkdir()
    script = (
        "import sys\n"
        "from menagerie.cli.main import main\n"
        "try:\n"
        "    main(['predict', *sys.argv[1:]])\n"
        "finally:\n"
        "    print(sorted({'tensorflow', 'keras', 'mlflow', 'pandas'} & {*sys.modules}), file=sys.stderr)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if arguments == ["--help"] else 2)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("flags", "place"),
    [(("--copy-to", "photo.png/sorted"), "photo.png/sorted"), (("--output", "photo.png/a.csv"), "photo.png")],
)
def test_a_place_that_cannot_be_made_is_told_before_anything_is_predicted(flags, place):
    train("ann")
    assert f"{flags[0]}: {place} cannot be made" in refused("photo.png", *flags)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc for what is waited for")
def test_a_command_that_is_interrupted_says_nothing_and_ends_with_130(repository):
    train("cnn")
    script = "from menagerie.cli.main import main; main(['predict', '-', '--model', 'cnn'])"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=repository,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What runs in the background of a shell ignores it, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    reading = ("0 0x0 ", "63 0x0 ")  # the call `read` of x86 and of ARM, of file 0
    until(lambda: Path(f"/proc/{process.pid}/syscall").read_text().startswith(reading))
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, ("", ""))

"""Workflow, container, changelog and links, against the README, the Makefile and pyproject.toml."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from helpers import ROOT


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text_of("pyproject.toml"))["project"]
ADMITTED = [f"3.{minor}" for minor in range(40) if f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])]
# Scalars stay texts: `on` is no truth, and 3.10 would be 3.1.
WORKFLOW = yaml.load(text_of(".github/workflows/ci.yml"), Loader=yaml.BaseLoader)
(JOB,) = WORKFLOW["jobs"].values()


def commands(name):
    """What the code of a Markdown page says to type: `in a line` and in blocks, without comments."""
    blocks = re.findall(r"```\n(.*?)```", text_of(name), re.DOTALL)
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return {*lines, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text_of(name), flags=re.DOTALL))}


def test_the_workflow_runs_the_commands_of_the_readme():
    typed = [step["run"] for step in JOB["steps"] if "run" in step]
    assert sorted(typed) == ["make lint", "make repro", "make test"]
    assert set(typed) <= commands("README.md")


def test_the_workflow_runs_on_every_python_that_the_project_admits():
    assert JOB["strategy"]["matrix"]["python"] == ADMITTED
    assert f"Python {ADMITTED[0]} to {ADMITTED[-1]}" in text_of("README.md")
    (python,) = [step["with"] for step in JOB["steps"] if "setup-python" in step.get("uses", "")]
    assert python["python-version"] == "${{ matrix.python }}"
    assert (ROOT / python["cache-dependency-path"]).is_file()


def test_the_workflow_may_only_read_and_a_newer_push_ends_an_older_run():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert set(WORKFLOW["on"]) == {"push", "pull_request"}
    assert "${{ github.ref }}" in WORKFLOW["concurrency"]["group"]
    assert WORKFLOW["concurrency"]["cancel-in-progress"] == "true"


VERSIONS = yaml.load(text_of(".github/workflows/versions.yml"), Loader=yaml.BaseLoader)


def test_old_and_new_versions_are_tried_weekly_and_on_demand_on_every_python():
    assert set(VERSIONS["on"]) == {"schedule", "workflow_dispatch"}
    (when,) = [entry["cron"].split() for entry in VERSIONS["on"]["schedule"]]
    assert (when[2:4], when[4].isdecimal()) == (["*", "*"], True)
    assert VERSIONS["permissions"] == {"contents": "read"}
    job = VERSIONS["jobs"]["versions"]
    assert job["strategy"]["matrix"] == {"python": ADMITTED, "target": ["test-oldest", "test", "test-newest"]}
    assert job["steps"][-1]["run"] == "make ${{ matrix.target }}"
    targets = re.findall(r"^(\w[\w-]*):", text_of("Makefile"), re.MULTILINE)
    assert set(job["strategy"]["matrix"]["target"]) <= set(targets)


def test_what_is_locked_lies_in_the_ranges():
    """So that a bound is not moved without a new lock."""
    locked = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text_of("requirements.lock"), re.MULTILINE))
    needed = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
    outside = [str(one) for one in needed if not one.specifier.contains(locked[one.name])]
    assert outside == []


def test_the_lock_for_gpus_holds_what_the_other_holds_and_the_libraries_beside():
    other, gpu = (
        set(re.findall(r"^[a-z0-9.-]+==.*$", text_of(name), re.MULTILINE))
        for name in ("requirements.lock", "requirements-gpu.lock")
    )
    assert other < gpu
    assert all(line.startswith("nvidia-") and "sys_platform == 'linux'" in line for line in gpu - other)


def instructions(name):
    lines = re.sub(r"^#.*\n", "", text_of(name), flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [line.split(maxsplit=1) for line in lines if line]


def test_the_container_ends_in_make_repro_on_an_admitted_python_and_as_no_root():
    steps = instructions("Dockerfile")
    assert steps[-1] == ["CMD", '["make", "repro"]']
    (base,) = [words for name, words in steps if name == "FROM"]
    assert re.fullmatch(r"python:(\d\.\d+)-slim", base)[1] in ADMITTED
    users = [place for place, (name, _) in enumerate(steps) if name == "USER"]
    (copied,) = [place for place, (name, _) in enumerate(steps) if name == "COPY"]
    assert users
    assert users[-1] < copied
    assert "root" not in steps[users[-1]][1]


def test_what_git_ignores_is_not_copied_into_the_container_and_git_is():
    def patterns(name, folder=""):
        for line in text_of(name).splitlines():
            if line and not line.startswith("#"):
                path = line.rstrip("/")
                yield f"{folder}{path[1:]}" if path.startswith("/") else f"**/{path}"

    ignored = {*patterns(".gitignore"), *patterns(".dvc/.gitignore", ".dvc/")}
    listed = [line for line in text_of(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert set(listed) == ignored
    assert len(listed) == len(ignored)


def test_the_changelog_has_this_version_below_what_is_not_released():
    versions = re.findall(r"^## \[(.*?)\]", text_of("CHANGELOG.md"), re.MULTILINE)
    assert versions[:2] == ["Unreleased", PROJECT["version"]]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md"])
def test_a_link_leads_somewhere(name):
    targets = set(re.findall(r"\]\(([^)#\s]+)\)", text_of(name)))
    local = {target for target in targets if not target.startswith("https://")}
    assert local
    folder = (ROOT / name).parent
    assert {target for target in local if not (folder / target).exists()} == set()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_a_target_of_make_that_a_page_names_is_one(name):
    targets = set(re.findall(r"^(\w[\w-]*):", text_of("Makefile"), re.MULTILINE))
    named = {word for line in commands(name) for word in re.findall(r"\bmake (?:PYTHON=\S+ )?([\w-]+)", line)}
    assert named
    assert named <= targets

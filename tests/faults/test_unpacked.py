"""The project as an archive of its files gives it: without git, which DVC needs."""

import shutil

import pytest

from helpers import ROOT, make_clone, run, succeed

pytestmark = pytest.mark.slow


def test_without_git_the_remedy_is_named_and_works(tmp_path):
    make_clone(tmp_path)
    shutil.rmtree(tmp_path / ".git")
    assert "is not a git repository" in run(tmp_path, "dvc", "repro").everything
    told = run(tmp_path, "make", "--assume-old=.venv/bin/.installed", "repro")
    assert told.returncode != 0
    remedy = "git init && git add -A && git commit -m 'As it came'"
    assert remedy in told.stderr.replace("\t", "")
    assert remedy in (ROOT / "README.md").read_text(encoding="utf-8")
    author = {"GIT_AUTHOR_NAME": "A User", "GIT_AUTHOR_EMAIL": "user@example.org"}
    author |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in author.items()}
    succeed(tmp_path, "sh", "-c", remedy, **author)
    assert "Running stage 'download'" in succeed(tmp_path, "dvc", "repro", "download").stdout

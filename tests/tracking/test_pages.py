"""MLflow's pages in a real browser, as `make ui` opens them."""

import os
import shutil
import sys

import pytest

from helpers import ROOT
from serving import free_port, started

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("playwright", reason="playwright is not installed")
from playwright import sync_api as playwright  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory, empty_store):
    """The pages of a store in which one tested model has a run."""
    folder = tmp_path_factory.mktemp("pages")
    store = f"sqlite:///{(folder / 'mlflow.db').as_posix()}"
    shutil.copy(empty_store, folder / "mlflow.db")
    client = mlflow.MlflowClient(store)
    run = client.create_run(client.create_experiment("digits"), run_name="cnn calm-pine")
    for metric, value in {"train/accuracy": 0.5, "val/accuracy": 0.25, "test/accuracy": 0.125}.items():
        client.log_metric(run.info.run_id, metric, value)
    client.set_terminated(run.info.run_id)
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "ui", "--app-name", "menagerie", "--port", port]
    command += ["--workers", "1", "--backend-store-uri", store]
    base = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
        patched.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
        with started(command, f"{base}/health", folder):
            yield base


@pytest.fixture
def page(browser, address, no_proxy):
    """The first page, in a browser that has never been there."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


def test_the_runs_of_an_experiment_are_a_click_away_and_show_their_accuracies(page):
    page.get_by_role("link", name="digits", exact=True).first.click()
    page.get_by_role("link", name="cnn calm-pine").first.wait_for()
    shown = page.get_by_role("grid").first.inner_text().split()
    assert {"val/accuracy", "test/accuracy", "train/accuracy"} <= set(shown)
    assert {"0.5", "0.25", "0.125"} <= set(shown)
    for part in ("val", "test", "train"):
        playwright.expect(page.get_by_text(f"{part}/accuracy").first).to_be_in_viewport(ratio=1)


def test_what_the_user_chose_stays_chosen(page, address):
    page.evaluate("localStorage.setItem('mlflow.workflowType_v1', JSON.stringify('genai'))")
    page.goto(f"{address}/?again")
    page.get_by_role("link", name="digits", exact=True).first.wait_for()
    assert page.evaluate("JSON.parse(localStorage.getItem('mlflow.workflowType_v1'))") == "genai"

"""All findings in their order: what both faces of the report tell."""

from menagerie.params import Params
from menagerie.report.again import REPRO, again
from menagerie.report.findings import data, differences, leaderboard, notebook, recipes, scores
from menagerie.report.findings.blocks import Code, Findings, Paragraph, Section
from menagerie.report.results import Results


def findings(params: Params, results: Results) -> Findings:
    """What the results say; nothing of it depends on the machine. What has nothing to tell is left out."""
    sections = [
        leaderboard.section(results),
        recipes.section(results),
        differences.section(results),
        *notebook.sections(params, results),
        scores.calibration(results),
        scores.robustness(results),
        scores.replicates(results.replicates),
        data.section(params, results),
        _repeat(params),
    ]
    told = tuple(section for section in sections if section)
    return Findings(params.dataset.title, leaderboard.lead(params, results), told)


def _repeat(params: Params) -> Section:
    command = again(params, list(params.models))
    named = "" if command == REPRO else "It names every setting that `conf/` would compose otherwise; "
    kept = (
        f"{named}`dvc repro` runs `params.yaml` of the commit as it stands. With the same versions on the "
        "same machine every number comes out the same."
    )
    blocks = (
        Paragraph(f"This runs {'all models' if len(params.models) > 1 else 'the model'} of this report:"),
        Code(command),
        Paragraph(kept),
    )
    return Section("repeat", "How to repeat this", blocks)

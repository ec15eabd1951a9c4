"""The report for people: one HTML page that holds all it shows and asks nothing of any network."""

import re
from dataclasses import replace

import pandas as pd
from markupsafe import Markup, escape

from menagerie.params import Params
from menagerie.report.figures import embedded
from menagerie.report.findings import costs, models
from menagerie.report.findings.blocks import Findings, Paragraph, Section
from menagerie.report.findings.report import findings
from menagerie.report.rendering import environment
from menagerie.report.results import Results

MARKS = re.compile(  # in text that is escaped already
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>.+?)\*\*|&lt;(?P<address>https?://\S+?)&gt;|(?P<space>(?<=\d) (?=%))"
)


def page(params: Params, results: Results) -> str:
    """Write the page: HTML with its style, script and figures inside.

    Raises:
        DataError: a figure is no PNG, or not a whole one.
    """
    compared, data = embedded(results.comparison_figures), embedded(results.data_figures)
    shown = [models.model(name, params, results) for name in results.board["model"]]
    filters = {"inline": inline, "sort_key": _sort_key, "place": _place}
    template = environment(autoescape=True, filters=filters).get_template("report.html.jinja")
    return template.render(
        found=_of_page(findings(params, results), results),
        figures={"leaderboard": compared, "cost": compared, "data": data},
        models=shown,
        model_figures={name: embedded(found) for name, found in results.model_figures.items()},
    )


def inline(text: str) -> Markup:
    """Text of a finding as HTML: whatever it holds is text, but for the marks that blocks.py names."""
    return Markup(MARKS.sub(_marked, str(escape(text))))


def _marked(found: re.Match[str]) -> str:
    kind, inner = found.lastgroup, found[found.lastgroup]
    if kind == "space":
        return "&nbsp;"
    if kind == "address":
        return f'<a href="{inner}" rel="noreferrer">{inner}</a>'
    return f"<{kind}>{inner}</{kind}>"


def _of_page(found: Findings, results: Results) -> Findings:
    """The findings with what the page alone tells: costs, machines and each model in detail."""
    sections: list[Section] = []
    for section in found.sections:
        if section.name == "leaderboard":
            section = costs.with_costs(section, results)
        elif section.name == "calibration" and "cost" in results.comparison_figures:
            sections.append(costs.section())
        elif section.name == "repeat":
            sections.append(models.section())
            about = Paragraph("Times alone differ. `menagerie report` writes this page.")
            section = replace(section, blocks=(*section.blocks, about))
        sections.append(section)
    return replace(found, lead=(*found.lead, costs.machines(results)), sections=tuple(sections))


def _sort_key(key: float) -> str:
    return repr(key) if pd.notna(key) else ""


def _place(share: float) -> str:
    """Where a value between 0 and 1 lies, in % of a drawing's width with a margin."""
    return f"{4 + 92 * share:.2f}"

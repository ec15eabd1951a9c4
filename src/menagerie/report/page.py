"""The report for people: one HTML page that holds all it shows and asks nothing of any network."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from markupsafe import Markup, escape
from tqdm import tqdm

from menagerie import paths
from menagerie.params import Params
from menagerie.plots.style import Colour, colours_of
from menagerie.report.figures import Figure, embedded
from menagerie.report.findings import costs, models
from menagerie.report.findings.blocks import Findings, Paragraph, Section
from menagerie.report.findings.report import findings
from menagerie.report.mistakes import SHOWN, gallery, matrix
from menagerie.report.rendering import environment
from menagerie.report.results import Results

MARKS = re.compile(  # in text that is escaped already
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>.+?)\*\*|&lt;(?P<address>https?://\S+?)&gt;|(?P<space>(?<=\d) (?=%))"
)

SHORT = 18  # letters of a name beside a confusion matrix
FIGURES = 2_500_000  # bytes of a page that figures have at most


def page(params: Params, results: Results) -> str:
    """Write the page: HTML with its style, script and figures inside.

    Raises:
        DataError: a figure is no PNG, or not a whole one.
    """
    several = len(results.board) > 1  # one model is not compared with itself
    compared = embedded(results.comparison_figures if several else {})
    data = embedded(results.data_figures)
    shown = [models.model(name, params, results) for name in results.board["model"]]
    told = gallery(results.tables["predictions"], list(results.data["classes"]), results.test_picture)
    bar = tqdm(_without(told, results).items(), desc="figures", unit=" models", disable=None, delay=1)
    ours = {name: embedded(shown) for name, shown in bar}
    ours = {name: ours[name] for name in results.board["model"]}
    room = FIGURES - sum(len(figure.uri) for figure in [*compared.values(), *data.values()])
    bounded = _bounded(ours, room)
    return _rendered(
        _of_page(findings(params, results), results),
        colours=colours_of(list(results.board["model"])),
        figures={"leaderboard": compared, "cost": compared, "data": data},
        models=shown,
        model_figures=bounded,
        left_out={name: len(ours[name]) - len(found) for name, found in bounded.items()},
        folder=paths.model_plots(params.dataset.name, "MODEL").as_posix(),
        matrices={
            name: matrix(table, told["classes"]) for name, table in results.tables["confusion"].items()
        },
        gallery=told,
    )


def plain_page(found: Findings) -> str:
    """The same page of findings alone, without figures, models and mistakes."""
    nothing = {"classes": [], "pictures": [], "models": {}}
    return _rendered(found, colours={}, figures={}, models=[], gallery=nothing)


def _rendered(found: Findings, colours: Mapping[str, Colour], gallery: dict[str, Any], **shown: Any) -> str:
    filters = {
        "inline": inline,
        "sort_key": _sort_key,
        "place": _place,
        "short": _short,
        "colour": lambda name: _css(colours[name]) if name in colours else "",
    }
    template = environment(autoescape=True, filters=filters).get_template("report.html.jinja")
    data = json.dumps(gallery, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return template.render(found=found, gallery=gallery, gallery_json=Markup(data), **shown)


def _without(told: dict[str, Any], results: Results) -> dict[str, dict[str, bytes]]:
    """The figures of each model but for those that show what the page lets people choose among.

    Examples are of the same pictures for every model: those of the best one are enough.
    """
    twice = {"confusion"} if len(told["classes"]) <= SHOWN else set()
    twice |= {"mistakes", "confused_pairs"} if told["pictures"] else set()
    return {
        name: {
            stem: png
            for stem, png in found.items()
            if stem not in twice and (stem != "examples" or name == results.best["model"])
        }
        for name, found in results.model_figures.items()
    }


def _bounded(figures: dict[str, dict[str, Figure]], room: int) -> dict[str, dict[str, Figure]]:
    """The figures of each model, in their order, as long as there is room: in bytes of the page."""
    kept = {}
    for name, found in figures.items():
        kept[name] = {}
        for stem, figure in found.items():
            room -= len(figure.uri)
            if room > 0:
                kept[name][stem] = figure
    return kept


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
            section = costs.with_intervals(section, results)
        elif section.name == "calibration":
            sections.append(costs.section(results))
        elif section.name == "repeat":
            sections.append(models.section(len(results.board)))
            about = Paragraph("Times alone differ. `menagerie report` writes this page.")
            section = replace(section, blocks=(*section.blocks, about))
        sections.append(section)
    return replace(found, lead=(*found.lead, costs.machines(results)), sections=tuple(sections))


def _sort_key(key: float) -> str:
    return repr(key) if pd.notna(key) else ""


def _place(share: float) -> str:
    """Where a value between 0 and 1 lies, in % of a drawing's width with a margin."""
    return f"{4 + 92 * share:.2f}"


def _short(names: list[str]) -> dict[str, str]:
    """Names for a narrow place: of long ones that part is left out that tells fewest apart."""

    def cut(name: str, begin: int) -> str:
        end = len(name) - (SHORT - 1 - begin)
        return name if len(name) <= SHORT else f"{name[:begin].rstrip()}…{name[end:].lstrip()}"

    ways = sorted(range(1, SHORT), key=lambda begin: abs(begin - SHORT // 2 + 1))
    best = max(ways, key=lambda begin: len({cut(name, begin) for name in names}))
    return {name: cut(name, best) for name in names}


def _css(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)

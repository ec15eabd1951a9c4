"""The report as Markdown, for git: equal results give an equal text, free of times and machines."""

import re
from dataclasses import replace

from tabulate import tabulate

from menagerie.params import Params
from menagerie.report.findings.blocks import Cell, Findings, Paragraph, Section, Table
from menagerie.report.findings.classes import classes
from menagerie.report.findings.report import findings
from menagerie.report.rendering import environment
from menagerie.report.results import Results

# Code stands as it is, and so do addresses: what else would begin a tag is text that somebody wrote.
TAGS = re.compile(r"(?P<kept>`[^`]+`|<https?://\S+?>)|<(?=[A-Za-z/!?])")
MARKS = re.compile(r"(?=[\\*`\[\]])")  # of Markdown, in a name


def markdown(params: Params, results: Results) -> str:
    """Write the report as Markdown; what results hold of machines, figures and runs stays out of it."""
    return written(_of_markdown(findings(params, results), results))


def written(found: Findings) -> str:
    """Findings as Markdown."""
    filters = {"line": _line, "rows": _rows}
    template = environment(autoescape=False, filters=filters).get_template("report.md.jinja")
    return template.render(found=found)


def _of_markdown(found: Findings, results: Results) -> Findings:
    """The findings with the classes of every model, which the page tells with each model."""
    *first, repeat = found.sections
    tables = [classes(name, results, folded=name) for name in results.board["model"]]
    about = Paragraph("Of test, by model; of precision and recall with 95 % intervals.")
    return replace(found, sections=(*first, Section("classes", "Classes", (about, *tables)), repeat))


def _line(text: str) -> str:
    """A text of findings on one line, in which only their own marks mean anything."""
    return TAGS.sub(lambda found: found["kept"] or "&lt;", " ".join(text.split()))


def _rows(table: Table) -> str:
    rows = [[_first(row[0], table.chosen), *map(_cell, row[1:])] for row in table.rows]
    if table.total:
        rows.append([_cell(cell) for cell in table.total])
    return tabulate(
        rows,
        headers=[_escaped(column.title) for column in table.columns],
        tablefmt="pipe",
        disable_numparse=True,  # 007 is a name
        colalign=["right" if column.kind == "number" else "left" for column in table.columns],
    )


def _first(cell: Cell, chosen: str) -> str:
    return f"**{_cell(cell)}**" if chosen and cell.text == chosen else _cell(cell)


def _cell(cell: Cell) -> str:
    return _escaped(f"{cell.text} ({cell.below})" if cell.below else cell.text)


def _escaped(text: str) -> str:
    """Text that neither ends its cell nor its row, and holds neither tags nor marks."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", MARKS.sub(r"\\", _line(text))).replace("|", "\\|")

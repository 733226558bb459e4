"""A diagnosis as one HTML file that needs no other."""

import base64
import io
from collections.abc import Iterable
from html import escape

from matplotlib.figure import Figure

from hyperlimit.diagnosis._report import Section

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; color: #222; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; white-space: nowrap; }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left; }
th { border-bottom: 1px solid #999; font-weight: 600; }
img { max-width: 100%; }
h2 { margin-top: 2rem; font-size: 1.1rem; }
.scroll { overflow-x: auto; }
"""


def page(name: str, found: Iterable[Section], figure: Figure) -> str:
    """The page, with the figure inside."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    data = base64.b64encode(picture.getvalue()).decode("ascii")
    parts = [_section(section) for section in found]
    image = f'<img alt="Four panels of figures" src="data:image/png;base64,{data}">'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Diagnosis of {escape(name)}</title>\n<style>{_STYLE}</style>\n"
        "</head>\n"
        f"<body>\n<h1>Diagnosis of {escape(name)}</h1>\n{parts[0]}\n{image}\n"
        + "\n".join(parts[1:])
        + "\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    lines = [f"<h2>{escape(section.title)}</h2>"]
    if section.rows:
        head = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
        body = "\n".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in section.rows
        )
        lines.append(
            f'<div class="scroll"><table>\n<tr>{head}</tr>\n{body}</table></div>'
        )
    lines += [f"<p>{escape(sentence)}</p>" for sentence in section.sentences]
    return "\n".join(lines)

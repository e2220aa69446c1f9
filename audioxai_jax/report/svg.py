"""A figure as a piece of a page."""

import io
import re

import matplotlib
from matplotlib.figure import Figure

from audioxai_jax.report.figures import INK


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element: no fixed size, no fonts of its own, ink in the page's
    colour, and ids that begin with `name`."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=144, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'height="[\d.]+pt" ?|width="[\d.]+pt" ?', "", text, count=2)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    text = re.sub(r"font: [^;\"]*?'[^\"]*?;", "", text)
    return text.replace(INK, "currentColor")

"""What pages share: one HTML file that needs no other, and the players in it."""

import base64
from html import escape
from importlib import resources

from audioxai_jax.report import phrases

GO = '<svg class="go" viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2l10 6-10 6z"/></svg>'
PAUSE = (
    '<svg class="pause" viewBox="0 0 16 16" aria-hidden="true">'
    '<path d="M3 2h4v12H3zM9 2h4v12H9z"/></svg>'
)
POLICY = (
    "default-src 'none'; img-src data:; media-src data: blob:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
FOOTER = "Made by audioxai_jax. This page is one file and loads nothing from elsewhere."


def document(title: str, body: str, *, style: str = "") -> str:
    """The whole file. Its policy lets it load nothing.

    Args:
      title: plain text.
      body: HTML of the page's parts.
      style: CSS that amends the page's own.
    """
    style, script = _asset("page.css") + style, _asset("page.js")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(phrases.printable(title))}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
<script>{script}</script>
</body>
</html>
"""


def button(name: str) -> str:
    """The button that plays a sound, and stops it."""
    return (
        f'<button class="play" type="button" aria-label="Play: {escape(name)}">{GO}{PAUSE}</button>'
    )


def player(wav: bytes, name: str) -> str:
    """The browser's own player of a WAV file, which the script hides behind the button."""
    data = base64.b64encode(wav).decode()
    return (
        f'<audio controls preload="auto" aria-label="{escape(name)}"\n'
        f' src="data:audio/wav;base64,{data}"></audio>'
    )


def plot(
    svg: str, kind: str, description: str, *, seconds: float, ends: tuple[float, float]
) -> str:
    """A figure with a time axis, over which a cursor runs with the sound.

    Args:
      kind: further classes.
      description: text for readers who cannot see it.
      seconds: span of the axis.
      ends: ends of the axis, as fractions of the figure's width.
    """
    left, right = ends
    return (
        f'<div class="plot {kind}" data-left="{left}" data-right="{right}"\n'
        f' data-seconds="{seconds:.6f}">{image(svg, description)}<div class="cursor"></div></div>'
    )


def image(svg: str, description: str) -> str:
    """An `<svg>` element with a description."""
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)


def _asset(name: str) -> str:
    return resources.files("audioxai_jax.report").joinpath(name).read_text(encoding="utf-8")

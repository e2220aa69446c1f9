"""The figures of a page: where in the sound the evidence lies, in any domain."""

from html import escape

from audioxai_jax.report import figures, phrases
from audioxai_jax.report.html import image, plot
from audioxai_jax.report.svg import to_svg
from audioxai_jax.results import ClipResult

ENDS = (figures.LEFT, figures.RIGHT)
WAVE_HEIGHT, MAP_HEIGHT = 1.75, 2.35
"""Of the figures, inches."""
KEYS = (
    '<span class="key" style="--swatch: var(--soft)">original</span>, '
    '<span class="key" style="--swatch: var(--warm)">what was kept</span>'
)


def draw_figures(result: ClipResult) -> list[str]:
    """The page's figures: the sound, its spectrum over time, and relevance of the features."""
    return [_sound(result), _spectrogram(result), _relevance(result)]


def _sound(result: ClipResult) -> str:
    drawing, seconds = result.drawing, _seconds(result)
    figure, axes = figures.panel(WAVE_HEIGHT)
    figures.waveform(
        axes,
        drawing.original,
        drawing.sample_rate,
        kept=drawing.kept,
        over_time=drawing.over_time,
    )
    said, caption = "Waveform of the original with the kept part on top.", f"{KEYS}."
    if drawing.over_time is not None:
        said += f" The model relies most on {phrases.peak(drawing.over_time)}."
        caption += (
            f" Tinted where the sound speaks for {_target(result)} (warm) or against it (cool)."
        )
    drawn = plot(to_svg(figure, "waveform"), "", said, seconds=seconds, ends=ENDS)
    return _figure(drawn, f"<strong>The sound.</strong> {caption}")


def _spectrogram(result: ClipResult) -> str:
    drawing, seconds = result.drawing, _seconds(result)
    figure, axes = figures.panel(MAP_HEIGHT)
    figures.spectrogram(axes, drawing.spectrogram, seconds, over_time=drawing.over_time)
    said, caption = "Mel spectrogram of the original", "<strong>Its spectrum over time"
    if drawing.over_time is None:
        said, caption = f"{said}.", f"{caption}.</strong>"
    else:
        said += ", with bars of relevance over time above it."
        caption += (
            f",</strong> and above it how much each moment speaks for {_target(result)} "
            "(warm, up) or against it (cool, down)."
        )
    drawn = plot(to_svg(figure, "mel"), "shades", said, seconds=seconds, ends=ENDS)
    return _figure(drawn, caption)


def _relevance(result: ClipResult) -> str:
    drawing, seconds, facts = result.drawing, _seconds(result), result.setup.domain
    relevance, name = drawing.relevance, _features(result)
    first = relevance.scales[0]
    timed = first.unit == "s"
    figure, axes = figures.panel(MAP_HEIGHT)
    stop = seconds if timed else None
    if drawing.spectra is not None:
        original, kept = drawing.spectra
        figures.spectra(axes, original, relevance, kept=kept)
        about = f"{KEYS}. Tinted where it speaks for {_target(result)} (warm) or against it (cool)."
        caption = f"<strong>The frequencies of the whole clip.</strong> {about}"
    elif relevance.values.ndim == 1:
        figures.relevance_curve(axes, relevance, stop=stop)
        caption = (
            f"<strong>Relevance of the {name}:</strong> up (warm) speaks for {_target(result)}, "
            "down (cool) against it."
        )
    else:
        figures.relevance_image(axes, relevance, stop=stop)
        reader = "that the model reads" if facts.own else "behind the sound"
        caption = (
            f"<strong>The {name}</strong> {reader}: warm speaks for {_target(result)}, cool "
            "against it, clear is indifferent."
        )
    shape = " by ".join(str(size) for size in facts.shape)
    over = " and ".join(scale.name for scale in relevance.scales)
    said = f"Relevance of the {name}, {shape}, over {over}."
    svg = to_svg(figure, "features")
    drawn = plot(svg, "", said, seconds=seconds, ends=ENDS) if timed else _still(svg, said)
    return _figure(drawn, caption)


def _features(result: ClipResult) -> str:
    """Plain name of a domain's features."""
    names = {
        "latent": "latent features",
        "samples": "samples",
        "frequencies": "frequencies",
        "time_frequency": "cells of time and frequency",
        "cells": "cells of the spectrogram",
        "bands": "bands",
        "wavelets": "wavelet coefficients",
    }
    return names.get(result.setup.domain.name, f"features in {result.setup.domain.name}")


def _seconds(result: ClipResult) -> float:
    return len(result.drawing.original) / result.drawing.sample_rate


def _target(result: ClipResult) -> str:
    label = phrases.label(result.target.label)
    return escape(f"a higher {label}" if result.is_value else label)


def _still(svg: str, description: str) -> str:
    """A figure without a time axis, over which no cursor runs."""
    return f'<div class="still">{image(svg, description)}</div>'


def _figure(drawn: str, caption: str) -> str:
    return f"""<figure>
<figcaption>{caption}</figcaption>
<div class="scroll">{drawn}</div>
</figure>"""

"""Clips and the sounds that explain them, side by side on one page that needs nothing else."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audioxai_jax.data.audio import wav_bytes
from audioxai_jax.report import figures as plots
from audioxai_jax.report import phrases
from audioxai_jax.report.html import FOOTER, button, document, image, player, plot
from audioxai_jax.report.svg import to_svg
from audioxai_jax.results import RelevanceMap, Scale
from audioxai_jax.runs.drawings import band_levels, pool
from experiments.heat_maps.make import HeatMapClip

STYLE = Path(__file__).with_name("page.css")
HEIGHT = 1.15
SIZE = {"width": 4.2, "left": 0.012, "right": 0.988}
COLUMNS = 160
"""Of a drawing: what a card on the page can show."""


def heat_map_page(clips: Sequence[HeatMapClip], *, title: str) -> str:
    """The page.

    Every sound is played at the level of its clip's original, see `synthesis.levels`; the
    numbers beside it say how soft it was. All that is written is escaped.

    Raises:
      ValueError: for no clips, or one whose sounds differ in length or are not finite.
    """
    if not clips:
        raise ValueError("no clips: a page needs one at least")
    for clip in clips:
        _check(clip)
    parts = [_header(title, clips), *(_clip(clip, number) for number, clip in enumerate(clips))]
    return document(title, "\n".join([*parts, _note()]), style=STYLE.read_text(encoding="utf-8"))


def _check(clip: HeatMapClip) -> None:
    lengths = {np.shape(sound.samples) for sound in clip.sounds.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1 or 0 in next(iter(lengths)):
        raise ValueError(f"{clip.name}: sounds of shapes {sorted(lengths)}, expected one [T]")
    for name, sound in clip.sounds.items():
        for values in (sound.samples, sound.relevance, sound.frequency_relevance):
            if values is not None and not np.isfinite(values).all():
                raise ValueError(f"{clip.name}, {name}: NaN or infinite values")


def _header(title: str, clips: Sequence[HeatMapClip]) -> str:
    count = "1 clip" if len(clips) == 1 else f"{len(clips)} clips"
    return f"""<header>
<p class="eyebrow">Audible heat maps · {count}</p>
<h1>{escape(phrases.printable(title))}</h1>
<p class="lead">Each card is one answer to the question which part of a clip made a model hear
what it heard. All sounds of a clip play at the loudness of its original.</p>
<p class="soft"><span class="key" style="--swatch: var(--soft)">the clip</span>
<span class="key" style="--swatch: var(--warm)">what is played</span>, over a tint of relevance:
warm speaks for the class, cool against it.</p>
</header>"""


def _clip(clip: HeatMapClip, number: int) -> str:
    facts = "".join(
        f"<div><dt>{escape(phrases.printable(name))}</dt><dd>{escape(phrases.printable(value))}</dd></div>"
        for name, value in clip.facts.items()
    )
    cards = "\n".join(_card(clip, name, f"c{number}-{i}") for i, name in enumerate(clip.sounds))
    return f"""<section data-clip aria-labelledby="clip-{number}">
<h2 id="clip-{number}">{escape(phrases.printable(clip.name))}</h2>
<dl class="facts">{facts}</dl>
<ol class="sounds cards">
{cards}
</ol>
</section>"""


def _card(clip: HeatMapClip, name: str, mark: str) -> str:
    sound, played = clip.sounds[name], clip.played(name)
    original, kept = clip.played(clip.original), None if name == clip.original else played
    shown, numbers = phrases.printable(name), clip.measures(name)
    figures = [_waveform(clip, sound.relevance, original, kept, shown, f"{mark}-t")]
    if sound.frequency_relevance is not None:
        R = sound.frequency_relevance
        figures.append(_spectrum(clip, R, original, kept, shown, f"{mark}-f"))
    return f"""<li>
{button(shown)}
<div><span class="name">{escape(shown)}</span>
<div class="what">{escape(phrases.printable(sound.about))}</div></div>
{chr(10).join(figures)}
<div class="measures">
<span>level <b>{escape(phrases.level(numbers["level_db"]))}</b></span>
<span>peak <b>{numbers["peak"]:.2f}</b></span>
<span>clicks <b>{escape(phrases.level(numbers["clicks_db"]))}</b></span>
</div>
{player(wav_bytes(played, clip.sample_rate), shown)}
</li>"""


def _waveform(clip: HeatMapClip, relevance, original, kept, name: str, mark: str) -> str:
    seconds = len(original) / clip.sample_rate
    over_time = None
    if relevance is not None:
        over_time = _pooled(relevance, Scale("time", "s", 0, seconds))
    figure, axes = plots.panel(HEIGHT, **SIZE)
    plots.waveform(
        axes, original, clip.sample_rate, over_time=over_time, kept=kept, columns=2 * COLUMNS
    )
    said = f"Waveform of {name}"
    if over_time is not None:
        said += f" before its relevance, which is largest at {_peak(over_time):.2f} s"
    drawn, ends = _drawn(figure, axes, mark), (SIZE["left"], SIZE["right"])
    return plot(drawn, "", said, seconds=seconds, ends=ends)


def _spectrum(clip: HeatMapClip, relevance, original, kept, name: str, mark: str) -> str:
    figure, axes = plots.panel(HEIGHT, **SIZE)
    over_hertz = _pooled(relevance, Scale("frequency", "Hz", 0, clip.bandwidth))
    scale, columns = over_hertz.scales[0], len(over_hertz.values)
    levels = [
        None if sound is None else band_levels(sound, clip.sample_rate, scale, columns)
        for sound in (original, kept)
    ]
    plots.spectra(axes, levels[0], over_hertz, kept=levels[1])
    place = _peak(over_hertz)
    said = f"Spectrum of {name} before its relevance, which is largest at {place:.0f} Hz"
    return f'<div class="still">{image(_drawn(figure, axes, mark), said)}</div>'


def _drawn(figure: Figure, axes: Axes, mark: str) -> str:
    axes.yaxis.set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    return to_svg(figure, mark)


def _pooled(relevance: np.ndarray, scale: Scale) -> RelevanceMap:
    return pool(RelevanceMap(np.asarray(relevance), (scale,)), COLUMNS)


def _peak(relevance: RelevanceMap) -> float:
    """Where relevance is largest on its scale."""
    (scale,), count = relevance.scales, len(relevance.values)
    step = (scale.stop - scale.start) / count
    return scale.start + (int(np.argmax(relevance.values)) + 0.5) * step


def _note() -> str:
    return f"""<section class="note" aria-labelledby="care">
<h2 id="care">What the numbers say</h2>
<p><b>Level</b> is that of the sound before it was brought to the loudness of the original, which
amplifies by 40 dB at most and stops short of clipping. <b>Peak</b> is the largest sample that is
played, full scale is 1. <b>Clicks</b> is how much more sudden the sound&rsquo;s most sudden moment
is than the original around it; a hard cut in a vowel has 15 dB and more.</p>
<p>A sound that convinces you is not yet one that convinced the model: only an experiment that
gives it back to the model can tell.</p>
</section>
<footer>{FOOTER}</footer>"""

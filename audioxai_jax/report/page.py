"""One explanation as one HTML file that needs nothing else: no network, no other file."""

import math
from html import escape
from typing import Any

import numpy as np

from audioxai_jax.report import figures as plots
from audioxai_jax.report import phrases
from audioxai_jax.report.html import FOOTER, button, document, player, plot
from audioxai_jax.runs.explain_clips import SOUNDS, ExplainedClip
from audioxai_jax.synthesis.levels import matching_gain

COLUMNS = {
    "original": "Original",
    "reconstruction": "Codec only",
    "explanation": "Kept only",
    "removed": "Without them",
    "random": "Kept at random",
}


def page(found: ExplainedClip, facts: dict[str, Any]) -> str:
    """The report.

    Args:
      found: the explanation of a clip.
      facts: what `explanation.json` holds about it.
    """
    name = phrases.printable(facts["clip"]["name"])
    title = f"{name}: {phrases.plain(phrases.headline(facts))}"
    body = "\n".join(
        [
            _header(name, facts),
            _listen(found, facts),
            _figures(found),
            _predictions(found),
            _settings(facts),
            _note(),
        ]
    )
    return document(title, body)


def _header(name: str, facts: dict[str, Any]) -> str:
    checks = "\n".join(
        f'<li class="{"yes" if holds else "no"}"><b>{escape(what)}: '
        f"{'yes' if holds else 'no'}</b><span>{escape(why)}</span></li>"
        for what, holds, why in phrases.checks(facts)
    )
    seconds, rate = facts["clip"]["seconds"], facts["clip"]["source_rate"] / 1000
    return f"""<header>
<p class="eyebrow">Explanation of {escape(name)} · {seconds:.2f} s, {rate:g} kHz</p>
<h1>{_marked(phrases.headline(facts))}</h1>
<p class="lead">{escape(phrases.controls(facts))}</p>
<ul class="checks">
{checks}
</ul>{_notes(facts["notes"])}
</header>"""


def _notes(notes: list[str]) -> str:
    """What a reader must know before believing the rest, if anything."""
    if not notes:
        return ""
    lines = "\n".join(f"<li>{escape(phrases.printable(note))}</li>" for note in notes)
    return f"""
<ul class="notes" aria-label="Notes">
{lines}
</ul>"""


def _marked(parts: list[tuple[str, str]]) -> str:
    tags = {"strong": ("<em>", "</em>"), "but": ('<span class="but">', "</span>"), "": ("", "")}
    return "".join(tags[kind][0] + escape(text) + tags[kind][1] for text, kind in parts)


def _listen(found: ExplainedClip, facts: dict[str, Any]) -> str:
    rows = "\n".join(_player(found, facts, name) for name in SOUNDS)
    checked = " checked" if facts["level_match"] else ""
    return f"""<section aria-labelledby="listen">
<h2 id="listen">Listen</h2>
<p class="soft">Each sound was encoded again and given to the same model. Levels are relative to
the original.</p>
<ol class="sounds">
{rows}
</ol>
<label class="switch"><input type="checkbox"{checked}>
Play all at the loudness of the original</label>
<p id="status" class="soft" role="status"></p>
</section>"""


def _player(found: ExplainedClip, facts: dict[str, Any], name: str) -> str:
    sound, rate = found.written(name), found.clip.sample_rate
    gain = float(matching_gain(sound, found.written("original")))
    heard = phrases.heard(facts["prediction" if name == "original" else name])
    return f"""<li data-gain="{gain:.6g}">
{button(COLUMNS[name])}
<div><span class="name">{COLUMNS[name]}</span>
<div class="what">{escape(phrases.describe(name, facts))}</div></div>
<div class="heard">heard as <b>{escape(heard)}</b></div>
<div class="level">{escape(phrases.level(found.level_db(name)))}</div>
{player(sound, rate, COLUMNS[name])}
</li>"""


def _figures(found: ExplainedClip) -> str:
    rate, seconds = found.clip.sample_rate, len(found.sounds["original"]) / found.clip.sample_rate
    frames = math.ceil(round(seconds / found.frame_seconds, 6))
    relevance = found.relevance[:frames]
    label = phrases.label(found.labels[found.target])
    timing = {"relevance": relevance, "frame_seconds": found.frame_seconds}
    figures = []

    figure, axes = plots.panel(1.75)
    kept = found.sounds["explanation"]
    plots.waveform(axes, found.sounds["original"], rate, kept=kept, **timing)
    figures.append(
        _figure(
            plots.to_svg(figure, "waveform"),
            "",
            seconds,
            f"Waveform of the original with the kept part on top. The model relies most on "
            f"{phrases.peak(relevance, found.frame_seconds)}.",
            '<strong>The sound.</strong> <span class="key" style="--swatch: var(--soft)">original'
            '</span>, <span class="key" style="--swatch: var(--warm)">what was kept</span>. Tinted '
            f"where the sound speaks for {escape(label)} (warm) or against it (cool).",
        )
    )
    figure, axes = plots.panel(2.35)
    plots.mel_spectrogram(axes, found.sounds["original"], rate, **timing)
    figures.append(
        _figure(
            plots.to_svg(figure, "mel"),
            "shades",
            seconds,
            "Mel spectrogram of the original, with bars of relevance over time above it.",
            "<strong>Its spectrum over time,</strong> and above it how much each moment speaks for "
            f"{escape(label)} (warm, up) or against it (cool, down).",
        )
    )
    figure, axes = plots.panel(2.35)
    plots.latent_map(axes, relevance, frame_seconds=found.frame_seconds, seconds=seconds)
    figures.append(
        _figure(
            plots.to_svg(figure, "latent"),
            "",
            seconds,
            f"Relevance of {relevance.shape[1]} latent channels over {relevance.shape[0]} frames.",
            "<strong>The latent features</strong> that the model reads, one cell each: warm speaks "
            f"for {escape(label)}, cool against it, clear is indifferent.",
        )
    )
    return f"""<section aria-labelledby="where">
<h2 id="where">Where the evidence lies</h2>
{chr(10).join(figures)}
</section>"""


def _figure(svg: str, kind: str, seconds: float, description: str, caption: str) -> str:
    drawn = plot(svg, kind, description, seconds=seconds, ends=(plots.LEFT, plots.RIGHT))
    return f"""<figure>
<figcaption>{caption}</figcaption>
<div class="scroll">{drawn}</div>
</figure>"""


def _predictions(found: ExplainedClip) -> str:
    answers = {name: found.answers(name) for name in SOUNDS}
    labels = list(answers["original"])
    table = {name: np.array(list(values.values())) for name, values in answers.items()}
    most = np.max(list(table.values()), axis=0)
    shown = [int(index) for index in np.argsort(-most, kind="stable")[:7]]
    if found.target not in shown:
        shown[-1] = found.target
    head = "".join(f'<th scope="col">{COLUMNS[name]}</th>' for name in SOUNDS)
    rows = []
    for index in shown:
        cells = "".join(f"<td>{_bar(float(table[name][index]))}</td>" for name in SOUNDS)
        target = ' class="target"' if index == found.target else ""
        label = escape(phrases.label(labels[index]))
        rows.append(f'<tr{target}><th scope="row">{label}</th>{cells}</tr>')
    rest = len(labels) - len(shown)
    more = f'<p class="soft">{rest} less likely classes are left out.</p>' if rest else ""
    return f"""<section aria-labelledby="heard">
<h2 id="heard">What the model hears</h2>
<div class="scroll"><table>
<thead><tr><th scope="col"><span class="soft">Probability</span></th>{head}</tr></thead>
<tbody>
{chr(10).join(rows)}
</tbody>
</table></div>
{more}
</section>"""


def _bar(probability: float) -> str:
    filled = f'<div><span style="width: {100 * probability:.1f}%"></span></div>'
    return f'<div class="bar">{filled}{escape(phrases.percent(probability))}</div>'


def _settings(facts: dict[str, Any]) -> str:
    rows = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in phrases.settings(facts)
    )
    return f"""<section aria-labelledby="settings">
<h2 id="settings">How it was made</h2>
<dl>
{rows}
</dl>
</section>"""


def _note() -> str:
    return f"""<section class="note" aria-labelledby="care">
<h2 id="care">Read with care</h2>
<p>The model hears each sound through the codec&rsquo;s own encoder. That it agrees with itself
there is self-consistency, not proof: a decoder could please its encoder with sounds that mean
something else to you. Your ears are a second witness, and so is a listener that never saw the
codec. The random control says how much any features would have done.</p>
</section>
<footer>{FOOTER}</footer>"""

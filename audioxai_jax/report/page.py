"""One explanation as one HTML file that needs nothing else: no network, no other file."""

import base64
from html import escape

from audioxai_jax.report import phrases
from audioxai_jax.report.answers import answers
from audioxai_jax.report.evidence import draw_figures
from audioxai_jax.report.html import FOOTER, button, document, player
from audioxai_jax.results import SOUNDS, ClipResult


def page(result: ClipResult) -> str:
    """The report of one explained clip."""
    name = phrases.printable(result.source.name)
    title = f"{name}: {phrases.plain(phrases.headline(result))}"
    body = "\n".join(
        [
            _header(name, result),
            _listen(result),
            _evidence(result),
            answers(result, sound_names(result)),
            _settings(result),
            _care(result),
        ]
    )
    return document(title, body)


def sound_names(result: ClipResult) -> dict[str, str]:
    """The sounds that a page shows, and their names; an exact round trip is the original."""
    columns = {
        "original": "Original",
        "reconstruction": phrases.round_trip(result.setup.domain).capitalize(),
        "explanation": "Kept only",
        "removed": "Without them",
        "random": "Kept at random",
    }
    exact = result.setup.domain.exact
    return {name: columns[name] for name in SOUNDS if not (exact and name == "reconstruction")}


def _header(name: str, result: ClipResult) -> str:
    checks = "\n".join(
        f'<li class="{"yes" if holds else "no"}"><b>{escape(question)}: '
        f"{'yes' if holds else 'no'}</b><span>{escape(reason)}</span></li>"
        for question, holds, reason in phrases.checks(result)
    )
    checks = (
        f"""<ul class="checks">
{checks}
</ul>"""
        if checks
        else ""
    )
    seconds, rate = result.source.seconds, result.source.source_rate / 1000
    return f"""<header>
<p class="eyebrow">Explanation of {escape(name)} · {seconds:.2f} s, {rate:g} kHz</p>
<h1>{_marked(phrases.headline(result))}</h1>
<p class="lead">{escape(phrases.controls(result))}</p>
{checks}{_notes(result.notes)}
</header>"""


def _notes(notes: tuple[str, ...]) -> str:
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


def _listen(result: ClipResult) -> str:
    rows = "\n".join(_player(result, name, shown) for name, shown in sound_names(result).items())
    checked = " checked" if result.level_match else ""
    intro = "The same model heard each of these sounds. Levels are relative to the original."
    said, data = _floor(result)
    return f"""<section aria-labelledby="listen">
<h2 id="listen">Listen</h2>
<p class="soft">{intro}{said}</p>
<ol class="sounds"{data}>
{rows}
</ol>
<label class="switch"><input type="checkbox"{checked}>
Play all at the loudness of the original</label>
<p id="status" class="soft" role="status"></p>
</section>"""


def _floor(result: ClipResult) -> tuple[str, str]:
    """What is said of the noise floor, and the attribute that gives it to the script."""
    if result.floor is None:
        return "", ""
    said = (
        f"What you hear has a faint noise floor: {phrases.floor(result)}. The model heard the "
        "sounds without it, and all numbers are theirs."
    )
    data = base64.b64encode(result.floor).decode()
    return f" {escape(said)}", f' data-floor="{data}"'


def _player(result: ClipResult, name: str, shown: str) -> str:
    sound = result.sounds[name]
    what = "value" if result.is_value else "heard as"
    heard = f"{what} <b>{escape(phrases.heard(sound.heard))}</b>"
    listener = ""
    if sound.listener is not None:
        listener = (
            f'<br><span class="soft">listener: {escape(phrases.heard(sound.listener))}</span>'
        )
    return f"""<li data-gain="{sound.loudness_gain:.6g}">
{button(shown)}
<div><span class="name">{shown}</span>
<div class="what">{escape(phrases.describe(name, result))}</div></div>
<div class="heard">{heard}{listener}</div>
<div class="level">{escape(phrases.level(sound.level_db))}</div>
{player(sound.wav, shown)}
</li>"""


def _evidence(result: ClipResult) -> str:
    return f"""<section aria-labelledby="where">
<h2 id="where">Where the evidence lies</h2>
{chr(10).join(draw_figures(result))}
</section>"""


def _settings(result: ClipResult) -> str:
    rows = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in phrases.settings(result)
    )
    return f"""<section aria-labelledby="settings">
<h2 id="settings">How it was made</h2>
<dl>
{rows}
</dl>
</section>"""


def _care(result: ClipResult) -> str:
    listener = (
        "so is the independent listener"
        if result.setup.listener
        else "so is an independent listener (<code>--listener</code>)"
    )
    if result.setup.domain.codec is not None and result.setup.domain.own:
        first = (
            "The model hears each sound through the codec&rsquo;s own encoder. That it agrees "
            "with itself there is self-consistency, not proof: a decoder could please its encoder "
            "with sounds that mean something else to you."
        )
    else:
        first = (
            "A sound with parts missing is unlike the sounds that the model learned from. Its "
            "answer may come from the gaps rather than from the rest."
        )
    return f"""<section class="note" aria-labelledby="care">
<h2 id="care">Read with care</h2>
<p>{first} Your ears are a second witness, and {listener}. The random control shows what any
choice of the same size would have done.</p>
</section>
<footer>{FOOTER}</footer>"""

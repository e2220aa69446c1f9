"""The explanation in plain words, made of its record."""

import math

import numpy as np

from audioxai_jax.core.text import printable
from audioxai_jax.results import Answer, ClipResult, DomainFacts, RelevanceMap, Value, Weights

PLURALS = {"frequency": "frequencies"}
BASES = {
    "own": "zeros",
    "zero": "zeros",
    "mean": "their mean",
    "noise": "those of faint noise",
    "level_matched": "those of noise as loud as the clip",
    "silence": "those of silence",
}
OWN_BASES = {"cells": "the quietest level"}
"""What a domain's own base is, where it is not zero."""
SMALLEST = {
    None: "",
    "found": ", the smallest set that is enough",
    "none": ", because no smaller set is enough",
}
"""By what the search for the smallest set gave."""
SAFE = "; derivatives that are not finite count as 0"
THIN = "\N{NARROW NO-BREAK SPACE}%"


def label(name: str) -> str:
    """A class's name in quotation marks; "_silence_" is written without underscores."""
    return (
        f"\N{LEFT DOUBLE QUOTATION MARK}{printable(name).strip('_')}\N{RIGHT DOUBLE QUOTATION MARK}"
    )


def percent(probability: float) -> str:
    """Whole percent, with a thin space; never 0 or 100 unless it is."""
    if 0 < probability < 0.005:
        return f"<1{THIN}"
    if 0.995 <= probability < 1:
        return f">99{THIN}"
    return f"{100 * probability:.0f}{THIN}"


def fraction(keep: float) -> str:
    """The kept fraction, in percent with the digits it needs."""
    return f"{100 * keep:.3g}{THIN}"


def units(unit: str) -> str:
    """Plural of a unit, such as "frames"."""
    return PLURALS.get(unit, f"{unit}s")


def number(value: float) -> str:
    """A value with four digits, and a minus sign as long as a plus."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def change(value: float) -> str:
    """A change of a value, with its sign."""
    return f"{value:+.3g}".replace("-", "\N{MINUS SIGN}")


def heard(answer: Answer | Value) -> str:
    """Such as “stop” 97 %, or of a value 3.21 (−0.4)."""
    if isinstance(answer, Answer):
        return f"{label(answer.label)} {percent(answer.probability)}"
    changed = "" if answer.change is None else f" ({change(answer.change)})"
    return number(answer.value) + changed


def level(decibels: float | None) -> str:
    """A level relative to the original, in words."""
    if decibels is None or math.isnan(decibels):
        return "no level"
    if decibels == -math.inf:
        return "silent"
    tenths = round(decibels, 1)
    sign = "+" if tenths > 0 else "\N{MINUS SIGN}" if tenths < 0 else ""
    return f"{sign}{abs(tenths):.1f} dB"


def floor(result: ClipResult) -> str:
    """What the noise floor is; empty without one."""
    if result.floor_db is None:
        return ""
    return (
        f"{level(result.floor_db)} relative to the original, noise with the spectrum of speech; "
        "the same in every sound"
    )


def round_trip(domain: DomainFacts) -> str:
    """Name of the control that edits nothing: "codec only" of a codec."""
    return "codec only" if domain.codec is not None else "round trip"


def base(result: ClipResult) -> str:
    """What stands for absent features."""
    if result.setup.base == "own":
        return OWN_BASES.get(result.setup.domain.name, BASES["own"])
    return BASES.get(result.setup.base, result.setup.base)


def headline(result: ClipResult) -> list[tuple[str, str]]:
    """The result in two sentences: pieces of text and how each is marked."""
    first, kept, removed = (result.sounds[n].heard for n in ("original", "explanation", "removed"))
    if isinstance(first, Value):
        return _headline_of_value(result, first, kept, removed)
    parts = [("The model heard ", ""), *_marked(first, "strong"), (". ", "")]
    if result.target.label != first.label:
        share = (result.target.probability or {})["original"]
        parts += [(f"Asked about {label(result.target.label)} ({percent(share)}): ", "")]
    same, chosen = kept.label == first.label, result.selection
    enough = ", the smallest set found," if chosen.smallest == "found" else ""
    return [
        *parts,
        (f"From the {fraction(chosen.keep)} most relevant {units(chosen.unit)}", ""),
        (f"{enough} alone it hears ", ""),
        *_marked(kept, "strong" if same else "but"),
        ("; without them ", ""),
        *([("still ", "")] if removed.label == first.label else []),
        *_marked(removed, "but"),
        (".", ""),
    ]


def _headline_of_value(
    result: ClipResult, first: Value, kept: Answer | Value, removed: Answer | Value
) -> list[tuple[str, str]]:
    chosen, share = result.selection, fraction(result.selection.keep)
    return [
        (f"The model gives {label(first.label)} ", ""),
        (heard(first), "strong"),
        (f". From the {share} most relevant {units(chosen.unit)} alone it gives ", ""),
        (heard(kept), "strong"),
        ("; without them ", ""),
        (heard(removed), "but"),
        (".", ""),
    ]


def plain(parts: list[tuple[str, str]]) -> str:
    """A headline without its marks."""
    return "".join(text for text, _ in parts)


def controls(result: ClipResult) -> str:
    """The two controls; of an exact domain the random one alone."""
    random, whole = (result.sounds[name].heard for name in ("random", "reconstruction"))
    like = "gives" if result.is_value else "sounds like"
    said = (
        f"For comparison: the same number of {units(result.selection.unit)}, chosen at random, "
        f"{like} {heard(random)}"
    )
    if result.setup.domain.exact:
        return f"{said}."
    which = "the codec alone" if result.setup.domain.codec else "the round trip alone"
    second = "gives" if result.is_value else "like"
    return f"{said}, and the whole sound after {which} {second} {heard(whole)}."


def checks(result: ClipResult) -> list[tuple[str, bool, str]]:
    """What a reader wants to know first: question, answer, and the reason in words.

    Nothing of a value: no change of it is a change of the answer.
    """
    if result.is_value:
        return []
    wanted = result.prediction.label
    kept, removed, random, whole = (
        result.sounds[name].heard for name in ("explanation", "removed", "random", "reconstruction")
    )
    rows = [
        ("Enough alone", kept.label == wanted, f"the kept part is heard as {heard(kept)}"),
        ("Needed", removed.label != wanted, f"the rest is heard as {heard(removed)}"),
        (
            "More than chance",
            kept.label == wanted and random.label != wanted,
            f"a random choice is heard as {heard(random)}",
        ),
    ]
    if not result.setup.domain.exact:
        name = round_trip(result.setup.domain)
        title = "Codec faithful" if result.setup.domain.codec else "Round trip faithful"
        rows.append((title, whole.label == wanted, f"{name} is heard as {heard(whole)}"))
    listener = result.sounds["explanation"].listener
    if isinstance(listener, Answer):
        said = f"the listener hears {heard(listener)} in the kept part"
        rows.append(("Listener agrees", listener.label == wanted, said))
    return rows


def describe(name: str, result: ClipResult) -> str:
    """What one of the five sounds is."""
    share, unit = fraction(result.selection.keep), units(result.selection.unit)
    softer = -result.gain_db
    made = f" (all sounds here are {softer:.1f} dB softer, to stay below full scale)"
    codec = result.setup.domain.codec is not None
    return {
        "original": "the clip itself" + (made if softer > 0.05 else ""),
        "reconstruction": ("encoded and decoded" if codec else "analysed and synthesised")
        + ", nothing deleted",
        "explanation": f"the {share} most relevant {unit}"
        f"{SMALLEST[result.selection.smallest]}; {base(result)} instead of the others",
        "removed": f"everything else: {base(result)} instead of those {share}",
        "random": f"{share} of the {unit}, chosen at random: the yardstick",
    }[name]


def peak(over_time: RelevanceMap) -> str:
    """When relevance over time is largest."""
    (scale,) = over_time.scales
    step = (scale.stop - scale.start) / len(over_time.values)
    return f"the moment at {scale.start + (np.argmax(over_time.values) + 0.5) * step:.2f} s"


def settings(result: ClipResult) -> list[tuple[str, str]]:
    """Rows of the table of settings."""
    setup, clip, chosen = result.setup, result.source, result.selection
    method, gap = setup.method, result.info.get("completeness_gap", math.nan)
    options = ", ".join(f"{name} {value}" for name, value in method.options.items())
    channels = _channels(clip.channels, clip.channel)
    rows = [
        ("Clip", f"{clip.seconds:.3f} s, {clip.source_rate} Hz, {channels}"),
        ("Model", weights(setup.classifier) + (SAFE if setup.safe_gradients else "")),
        ("Domain", domain(setup.domain)),
        *([("Codec", weights(setup.domain.codec))] if setup.domain.codec else []),
        *([("Listener", weights(setup.listener))] if setup.listener else []),
        ("Method", method.name + (f" ({options})" if options else "")),
        ("Explained", f"the {_explained(result)} {label(result.target.label)}"),
        (
            "Kept",
            f"{chosen.kept} of {chosen.units} {units(chosen.unit)} ({chosen.rank})"
            + SMALLEST[chosen.smallest],
        ),
        ("Base", base(result)),
        *([("Noise floor", floor(result))] if result.floor_db is not None else []),
        (
            "Completeness gap",
            "not promised by this method" if math.isnan(gap) else f"{100 * gap:.2g} %",
        ),
        ("Seed", str(setup.seed)),
        ("Made with", ", ".join(f"{name} {v}" for name, v in setup.versions.items())),
    ]
    return [(name, printable(value)) for name, value in rows]


def domain(facts: DomainFacts) -> str:
    """A domain with its options, and how faithful its round trip is."""
    options = ", ".join(f"{name} {value}" for name, value in facts.options.items())
    said = facts.name + (f" ({options})" if options else "")
    if facts.residual == "keep":
        lossy = "codec" if facts.codec else "round trip"
        return f"{said}; what the {lossy} loses is added back to every sound"
    if facts.exact:
        return f"{said}; exact: without an edit it gives the clip back"
    return said


def weights(model: Weights) -> str:
    """A model's name, and the beginning of its hash."""
    return model.name + (f", sha256 {model.sha256[:12]}" if model.sha256 else "")


def _channels(count: int, channel: str) -> str:
    """Channels of a clip, and which of them was explained."""
    if count == 1:
        return "mono"
    chosen = f"channel {channel}" if channel.isdigit() else f"the {channel} one"
    return f"{count} channels, " + ("mixed down" if channel == "mix" else f"{chosen} explained")


def _explained(result: ClipResult) -> str:
    return "value of" if result.is_value else "score of"


def _marked(answer: Answer | Value, mark: str) -> list[tuple[str, str]]:
    if isinstance(answer, Value):
        return [(heard(answer), mark)]
    return [(label(answer.label), mark), (f" ({percent(answer.probability)})", "")]

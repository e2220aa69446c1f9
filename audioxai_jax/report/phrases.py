"""The explanation in plain words, made of what `explanation.json` holds."""

import math
from typing import Any

import numpy as np

from audioxai_jax.core.text import printable

UNITS = {"feature": "features", "frame": "frames", "channel": "channels"}
BASES = {
    "zero": "zeros",
    "mean": "their mean",
    "noise": "those of faint noise",
    "level_matched": "those of noise as loud as the clip",
    "silence": "those of silence",
}


SMALLEST = {
    None: "",
    "found": ", the fewest found that are enough",
    "none": ", as no fewer are enough",
}
"""By what `explanation.json` says of the search for the smallest set."""


def label(name: str) -> str:
    """A class's name in quotation marks; "_silence_" is written without underscores."""
    return (
        f"\N{LEFT DOUBLE QUOTATION MARK}{printable(name).strip('_')}\N{RIGHT DOUBLE QUOTATION MARK}"
    )


def percent(probability: float) -> str:
    """Whole percent, with a thin space; never 0 or 100 unless it is."""
    if 0 < probability < 0.005:
        return "<1\N{NARROW NO-BREAK SPACE}%"
    if 0.995 <= probability < 1:
        return ">99\N{NARROW NO-BREAK SPACE}%"
    return f"{100 * probability:.0f}\N{NARROW NO-BREAK SPACE}%"


def fraction(keep: float) -> str:
    """The kept fraction, in percent with the digits it needs."""
    return f"{100 * keep:.3g}\N{NARROW NO-BREAK SPACE}%"


def heard(prediction: dict[str, Any]) -> str:
    """Such as “stop” 97 %."""
    return f"{label(prediction['label'])} {percent(prediction['probability'])}"


def level(decibels: float | None) -> str:
    """A level relative to the original, in words."""
    if decibels is None or math.isnan(decibels):
        return "no level"
    if decibels == -math.inf:
        return "silent"
    tenths = round(decibels, 1)
    sign = "+" if tenths > 0 else "\N{MINUS SIGN}" if tenths < 0 else ""
    return f"{sign}{abs(tenths):.1f} dB"


def headline(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The result in two sentences: pieces of text and how each is marked."""
    first, kept, removed = facts["prediction"], facts["explanation"], facts["removed"]
    target = facts["target"]
    parts = [("The model heard ", ""), *_said(first, "strong"), (". ", "")]
    if target["label"] != first["label"]:
        share = target["probability"]["original"]
        parts += [(f"Asked about {label(target['label'])} ({percent(share)}): ", "")]
    same = kept["label"] == first["label"]
    fewest = " that are needed for it" if facts.get("smallest") == "found" else ""
    parts += [
        (
            f"From the {fraction(facts['keep'])} most relevant {UNITS[facts['unit']]}"
            f"{fewest} alone it hears ",
            "",
        ),
        *_said(kept, "strong" if same else "but"),
        ("; without them ", ""),
        *([("still ", "")] if removed["label"] == first["label"] else []),
        *_said(removed, "but"),
        (".", ""),
    ]
    return parts


def plain(parts: list[tuple[str, str]]) -> str:
    """A headline without its marks."""
    return "".join(text for text, _ in parts)


def controls(facts: dict[str, Any]) -> str:
    """The two controls in a sentence each."""
    random, codec = facts["random"], facts["reconstruction"]
    return (
        f"For comparison: as many {UNITS[facts['unit']]} kept at random sound like "
        f"{heard(random)}, and the whole sound after the codec alone like {heard(codec)}."
    )


def checks(facts: dict[str, Any]) -> list[tuple[str, bool, str]]:
    """What a reader wants to know first: question, answer, and the reason in words."""
    wanted = facts["prediction"]["label"]
    kept, removed = facts["explanation"], facts["removed"]
    random, codec = facts["random"], facts["reconstruction"]
    return [
        ("Enough alone", kept["label"] == wanted, f"the kept part is heard as {heard(kept)}"),
        ("Needed", removed["label"] != wanted, f"the rest is heard as {heard(removed)}"),
        (
            "More than chance",
            kept["label"] == wanted and random["label"] != wanted,
            f"random features are heard as {heard(random)}",
        ),
        ("Codec faithful", codec["label"] == wanted, f"codec only is heard as {heard(codec)}"),
    ]


def describe(name: str, facts: dict[str, Any]) -> str:
    """What one of the five sounds is."""
    share, unit = fraction(facts["keep"]), UNITS[facts["unit"]]
    softer = -facts["gain_db"]
    made = f" (all sounds here are {softer:.1f} dB softer, to be short of full scale)"
    return {
        "original": "the clip itself" + (made if softer > 0.05 else ""),
        "reconstruction": "encoded and decoded, nothing removed",
        "explanation": f"the {share} most relevant {unit}"
        f"{SMALLEST[facts.get('smallest')]}, the others replaced by {BASES[facts['base']]}",
        "removed": f"everything else: those {share} replaced",
        "random": f"{share} of the {unit}, drawn at random: the yardstick",
    }[name]


def peak(relevance: np.ndarray, frame_seconds: float) -> str:
    """When relevance `[F, C]`, summed over channels, is largest."""
    return f"the moment at {(np.argmax(relevance.sum(axis=1)) + 0.5) * frame_seconds:.2f} s"


def settings(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of the table of settings."""
    method, clip, gap = facts["method"], facts["clip"], facts["info"]["completeness_gap"]
    options = ", ".join(f"{name} {value}" for name, value in method["options"].items())
    channels = _channels(clip["channels"], clip["channel"])
    rows = [
        ("Clip", f"{clip['seconds']:.3f} s, {clip['source_rate']} Hz, {channels}"),
        ("Codec", _weights(facts["codec"])),
        ("Classifier", _weights(facts["classifier"])),
        ("Method", method["name"] + (f" ({options})" if options else "")),
        ("Explained", f"the score of {label(facts['target']['label'])}"),
        (
            "Kept",
            f"{facts['kept']} of {facts['units']} {UNITS[facts['unit']]} ({facts['rank']})"
            + SMALLEST[facts.get("smallest")],
        ),
        ("Replaced by", BASES[facts["base"]]),
        (
            "Completeness gap",
            "not promised by this method" if gap is None else f"{100 * gap:.2g} %",
        ),
        ("Seed", str(facts["seed"])),
        ("Made with", ", ".join(f"{name} {v}" for name, v in facts["versions"].items())),
    ]
    return [(name, printable(value)) for name, value in rows]


def _channels(count: int, channel: str) -> str:
    """Channels of a clip, and which of them was explained."""
    if count == 1:
        return "mono"
    chosen = f"channel {channel}" if channel.isdigit() else f"the {channel} one"
    return f"{count} channels, " + ("mixed down" if channel == "mix" else f"{chosen} explained")


def _said(prediction: dict[str, Any], mark: str) -> list[tuple[str, str]]:
    return [(label(prediction["label"]), mark), (f" ({percent(prediction['probability'])})", "")]


def _weights(model: dict[str, Any]) -> str:
    return model["name"] + (f", sha256 {model['sha256'][:12]}" if model.get("sha256") else "")

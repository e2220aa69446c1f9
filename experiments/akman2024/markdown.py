"""The rerun of arXiv 2410.07530 in words: Markdown tables, and which claims hold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from audioxai_jax.report.curve_figures import words
from experiments.akman2024.protocol import ARMS, BASES, COLUMNS, KEPT, MODES, RANDOM
from experiments.akman2024.tables import INSIDE, find

COLUMN_WORDS = {"code_faithful": "code-faithful", "fair": "fair (matched codec trips)"}
MODE_WORDS = {
    "keep": "Fidelity: the most important are kept, % of predictions that stay",
    "delete": "Faithfulness: the most important are deleted, % of predictions that flip",
}
CLAIM_WORDS = {
    "over_waveform": "the latent arm is more faithful than the waveform arm",
    "over_random": "the method is more faithful than random features (latent arm)",
}
FEW = 30
"""Clips; a bootstrap of fewer covers too little."""
DIFFERENCES = {"over_waveform": "latent arm over waveform arm", "over_random": "over random"}


def notes(settings: Mapping[str, Any], codec: str, classes: int, split: str) -> list[str]:
    """What the reader has to know before comparing with the paper.

    Args:
      settings: the script's options; read are task, waveform, level and seeds.
    """
    words = {
        "kws": f"Speech Commands with {classes} classes (the paper: 35)",
        "ser": "TESS; words of the test part are in no other, its two speakers are in all",
    }
    decoded = settings["waveform"] == "decoded"
    clip = "what the codec makes of the clip" if decoded else "the clip itself"
    return [
        f"- {words[settings['task']]}; split {split}; codec {codec} (the paper: EnCodec, 24 kHz, "
        "9,600 features). Its numbers cannot be compared one by one: its tables are not known "
        "here.",
        "- Reference: the classifier's original prediction, not the label. Signed ranking by "
        "single features, ties to the lowest index; saliency is the gradient's magnitude, LRP "
        "uses `latent_transformer` in both arms.",
        f"- The waveform arm edits {clip}; zero, its mean sample and white noise of "
        f"{settings['level']:g} dB replace samples; zero, the mean latent and the latent of the "
        "same noise replace features.",
        f"- {_number(settings['seeds'], 'seed')}: random features, of each clip anew, and noise. "
        "SmoothGrad draws once per clip.",
        "- Changed on purpose: every fraction starts from the intact clip, each random mask is "
        "of one clip, and the most relevant features are the ones that are kept.",
    ]


def to_markdown(result: Mapping[str, Any]) -> str:
    """The whole result, as `experiments/akman2024/reproduce.py` writes it, as Markdown."""
    rows, methods = result["rows"], result["methods"]
    parts = [["# Rerun of arXiv 2410.07530", "", *result["notes"]], [*accuracy_lines(result)]]
    parts.append([*claim_lines(result)])
    for mode in MODES:
        for column in COLUMNS:
            for base in BASES:
                parts.append([*score_lines(rows, methods, mode, column, base)])
    for kind in DIFFERENCES:
        for mode in MODES:
            for column in COLUMNS:
                parts.append([*difference_lines(rows, methods, kind, mode, column)])
    for column, table in result["confusion"].items():
        table = np.asarray(table)
        parts.append([*confusion_lines(table, result["labels"], column, result["claimed"])])
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def accuracy_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The classifiers on the test part, and on what the codec leaves of the judged clips."""
    found, again = result["accuracy"], result["codec_alone"]
    spread = "" if found["std"] is None else f" ± {100 * found['std']:.1f}"
    yield f"## Accuracy on the test part, {result['test_clips']} clips"
    yield ""
    yield _line("classifiers", "% right (95 % interval over clips; over speakers)")
    yield "|---|---|"
    number = len(found["seeds"])
    title = f"mean of {number}" if number > 1 else "one classifier"
    yield _line(title, f"{100 * found['mean']:.1f}{spread} ({_ends(found)})")
    for name, value in zip(result["classifiers"], found["seeds"], strict=True):
        yield _line(name, f"{100 * value:.1f}")
    yield ""
    yield (
        f"The codec alone (decoded, encoded) keeps {100 * again:.1f} % of the predictions on "
        f"the {result['clips']} clips judged below."
    )


def score_lines(rows, methods: Sequence[str], mode: str, column: str, base: str) -> Iterator[str]:
    """A table of one mode, column and base: arms and methods by fractions."""
    yield f"## {MODE_WORDS[mode]}; {COLUMN_WORDS[column]}; replaced by {base}"
    yield ""
    done = "kept" if mode == "keep" else "deleted"
    yield _line("arm", "method", *(f"{fraction:.3f} {done}" for fraction in KEPT))
    yield "|---" * (2 + len(KEPT)) + "|"
    for arm in ARMS:
        for method in (*methods, RANDOM):
            cell = dict(arm=arm, column=column, mode=mode, base=base, method=method)
            found = [find(rows, **cell, fraction=fraction) for fraction in KEPT]
            yield _line(
                arm, words(method), *(f"{100 * r['score']:.0f} ({_range(r)})" for r in found)
            )


def difference_lines(
    rows, methods: Sequence[str], kind: str, mode: str, column: str
) -> Iterator[str]:
    """A table of differences in points, with intervals over clips and over speakers."""
    title = MODE_WORDS[mode].split(":")[0]
    yield f"## {title}, {COLUMN_WORDS[column]}: {DIFFERENCES[kind]}, points"
    yield ""
    names = (*methods, RANDOM) if kind == "over_waveform" else methods
    done = "kept" if mode == "keep" else "deleted"
    yield _line("arm", "method", "base", *(f"{KEPT[i]:.3f} {done}" for i in INSIDE))
    yield "|---" * (3 + len(INSIDE)) + "|"
    for arm in ARMS[:1] if kind == "over_waveform" else ARMS:
        for method in names:
            for base in BASES:
                cell = dict(arm=arm, column=column, mode=mode, base=base, method=method)
                found = [find(rows, **cell, fraction=KEPT[i])[kind] for i in INSIDE]
                yield _line(arm, words(method), base, *map(_difference, found))


def confusion_lines(
    table: np.ndarray, labels: Sequence[str], column: str, claimed: str
) -> Iterator[str]:
    """Their Figure 3: predictions before, and after the top 10 % of the latent are removed."""
    yield (
        f"## Predictions after the top {KEPT[-2]:.1%} is replaced by zero, "
        f"{words(claimed)}, latent arm, {COLUMN_WORDS[column]}"
    )
    yield ""
    yield _line("before \\ after", *labels, "stay, %")
    yield "|---" * (2 + len(labels)) + "|"
    for row, label in enumerate(labels):
        total = table[row].sum()
        share = f"{100 * table[row, row] / total:.0f}" if total else ""
        yield _line(label, *map(str, table[row]), share)


def claim_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The plain statement: where each claim holds, judged by the intervals alone."""
    yield "## Which claims hold here"
    yield ""
    if result["clips"] < FEW:
        yield f"{result['clips']} clips are too few to say: {FEW} or more are needed."
        return
    yield (
        f"Of {words(result['claimed'])}. A claim holds at a fraction if the 95 % interval of "
        "the difference lies above 0 (over clips, and over speakers where there are "
        "enough), the opposite if below, else it is open. Not corrected for many "
        "comparisons."
    )
    for claim, text in CLAIM_WORDS.items():
        yield ""
        yield f"{text[0].upper()}{text[1:]}:"
        yield ""
        for entry in result["claims"]:
            if entry["claim"] == claim:
                where = f"{COLUMN_WORDS[entry['column']]}, {entry['mode']}, {entry['base']}"
                yield f"- {where}: {_summary(entry['verdicts'])}"


def _summary(verdicts: Sequence[str]) -> str:
    """As "holds at .83, .63; open at .10"."""
    said = {"holds": "holds", "opposite": "the opposite holds", "open": "open"}
    if len(set(verdicts)) == 1:
        return f"{said[verdicts[0]]} at every fraction"
    parts = []
    for verdict, text in said.items():
        places = [f"{KEPT[i]:.2f}" for i, v in zip(INSIDE, verdicts, strict=True) if v == verdict]
        parts += [f"{text} at {', '.join(places)}"] if places else []
    return "; ".join(parts)


def _difference(found: Mapping[str, float]) -> str:
    signed = lambda value: f"{100 * value:+.0f}"
    ends = [f"{signed(found['low'])} to {signed(found['high'])}"]
    if "speakers_low" in found:
        ends.append(f"{signed(found['speakers_low'])} to {signed(found['speakers_high'])}")
    return f"{signed(found['mean'])} ({'; '.join(ends)})"


def _number(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _ends(found: Mapping[str, float]) -> str:
    speakers = f"; {_range(found, 'speakers_')}" if "speakers_low" in found else ""
    return f"{_range(found)}{speakers}"


def _range(found: Mapping[str, float], who: str = "") -> str:
    return f"{100 * found[f'{who}low']:.0f}–{100 * found[f'{who}high']:.0f}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"

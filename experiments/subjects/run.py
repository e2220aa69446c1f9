"""Models of other people: do we compute what they compute, and does relevance lie on the truth?

    python -m experiments.subjects.run --data DIR --json runs/subjects.json
    python -m experiments.subjects.run --data DIR --only vowel utterance

Needs the packages of the subjects (`audioxai subjects` says how to install each), onnxruntime,
and espeak-ng for the wake word. See README.md.
"""

import sys
import time

import jax
import numpy as np

from audioxai_jax.cli.console import (
    Parser,
    add_data_option,
    add_json_option,
    positive,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.data import tasks
from audioxai_jax.models.subjects import SUBJECTS
from audioxai_jax.statistics import intervals
from experiments.subjects import checks
from experiments.subjects.truths import TRUTHS

PARITY_CLIPS = 5


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--clips", type=positive, default=20, help="clips of each truth")
    known = [*checks.PAIRS, *TRUTHS]
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="NAME")
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    clips = tasks.load(options.data, "keywords").part("speaker_disjoint", "test")
    names = np.array([not name.startswith("_silence_") for name in clips.file])
    clips = clips[names]
    chosen = np.linspace(0, len(clips) - 1, options.clips).round().astype(int)
    speech = clips.audio[chosen].astype(np.float32) / 32_768
    rows = {"checks": [], "truths": []}
    for name in checks.PAIRS:
        if name in options.only:
            rows["checks"].append(checked(name, speech))
            say(str(rows["checks"][-1]))
    say("", "| truth | subject | method | clips | value | 95 % | chance |", "|---" * 7 + "|")
    for name, (subject, truth) in TRUTHS.items():
        if name in options.only:
            rows["truths"] += summary(name, subject, list(truth(speech)))
    write_rows(options.json, rows)


def checked(name: str, speech: np.ndarray) -> dict:
    """Parity on a few clips, and the account of one."""
    began = time.perf_counter()
    classifier = checks.built(name)
    seconds = time.perf_counter() - began
    some = [checks.at_rate(name, clip) for clip in speech[:PARITY_CLIPS]]
    distances = [checks.distance(checks.beside(name, classifier, clip)) for clip in some]
    target = int(np.argmax(np.asarray(jax.jit(classifier)(some[0]))))
    told = checks.account(name, classifier, some[0], target)
    package = SUBJECTS[name].package
    return {"subject": name, "package": package, "parity": max(distances), "load": seconds, **told}


def summary(name: str, subject: str, found: list[dict]) -> list[dict]:
    """The mean over clips of each method, with a 95 % interval; printed."""
    rows = []
    for method in dict.fromkeys(row["method"] for row in found):
        mine = [row for row in found if row["method"] == method]
        values = np.array([row["value"] for row in mine])
        ends = intervals.intervals(values, jax.random.key(0))
        row = {"truth": name, "subject": subject, "method": method, "clips": len(values)}
        row |= {
            "value": float(values.mean()),
            "chance": float(np.mean([r["chance"] for r in mine])),
        }
        row |= {end: float(value) for end, value in ends.items()}
        row["values"] = values.tolist()
        rows.append(row)
        told = f"{row['value']:.3f} | {row['low']:.3f} to {row['high']:.3f} | {row['chance']:.3f}"
        say(f"| {name} | {subject} | {method} | {len(values)} | {told} |")
    return rows


if __name__ == "__main__":
    sys.exit(run_main(main))

"""Does the ranking of methods by deletion depend on the values that replace the deleted?

    python -m experiments.truth.masking --truths time --seeds 0 1 2 --out runs/masking

Methods explain the examples of trials whose reasons are known. Their maps are scored by deletion
with each operator (`operators.OPERATORS`), most relevant first and least relevant first, and by
the truth itself. Printed is Kendall's tau between the rankings of methods by each two operators,
and of each operator with the truth, with 95 % intervals over clips. `<out>` gets `masking.json`
and `masking.md`.
"""

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    output_folder,
    positive,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.core.files import replace_file
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.truth import TRUTHS, Trial
from audioxai_jax.truth.score import SCORES, explained, scores
from experiments.truth.deleting import (
    UNITS,
    agreement_rows,
    deletion_scores,
    method_rows,
)
from experiments.truth.masking_table import markdown
from experiments.truth.methods import CONTROLS, REFUSALS, ROWS, standard_methods
from experiments.truth.operators import SNR_DB, counterparts, values

Row = dict[str, Any]


def read_options():
    """The command line, checked."""
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="data sets, for truths that need them")
    add("--out", type=output_folder, required=True, help="folder of this run")
    add("--truths", nargs="+", default=["time"], choices=sorted(TRUTHS), metavar="NAME")
    add("--methods", nargs="+", default=list(ROWS), choices=sorted(ROWS), metavar="NAME")
    add("--units", nargs="+", default=list(UNITS), choices=UNITS)
    text = "scores of the truth that say which method is right"
    add("--scores", nargs="+", default=["auc", "rank"], choices=sorted(SCORES), help=text)
    add("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add("--clips", type=positive, default=24, help="of each seed")
    add_json_option(parser)
    options = parser.parse_args()
    if len(set(options.methods) - set(CONTROLS)) < 3:
        parser.error("--methods: fewer than three methods have hardly a ranking; name more")
    return options


def main() -> None:
    options = read_options()
    rows: list[Row] = []
    for name in options.truths:
        made = [measure(options, name, seed) for seed in options.seeds]
        made = [one for one in made if one is not None]
        for unit in options.units if made else ():
            about = {"truth": name, "unit": unit, "seeds": options.seeds}
            rows += [about | row for row in table_of(options, made, unit)]
    text = markdown(rows)
    say(*text.splitlines())
    write_rows(options.out / "masking.json", rows)
    replace_file(options.out / "masking.md", text)
    write_rows(options.json, rows)


def measure(options, name: str, seed: int) -> dict[str, Any] | None:
    """All scores of one trial: by unit and method; None if its model fails an intervention."""
    truth = TRUTHS[name]
    with jax.enable_x64(truth.exact):
        trial = truth.make(seed, clips=options.clips, data=options.data)
        if not trial.proven:
            failed = [check.name for check in trial.checks if not check.holds]
            say_each(f"{name} {seed}", [f"left out, its model fails: {'; '.join(failed)}"])
            return None
        bases, refused = values(trial, seed)
        say_each(f"{name} {seed}", [f"operator {k}: {v}" for k, v in refused.items()])
        moved = counterparts(trial) if "adversarial" in bases else None
        maps = maps_of(trial, options.methods, seed, f"{name} {seed}")
        deleted = {
            unit: {m: deletion_scores(trial, r, bases, unit) for m, r in maps.items()}
            for unit in options.units
        }
        known = {m: scores(trial, r) for m, r in maps.items()}
    moved = moved and {"flipped": moved.flipped, "snr_db": moved.snr_db}
    return {"deleted": deleted, "truth": known, "operators": list(bases), "counterpart": moved}


def maps_of(trial: Trial, names: list[str], seed: int, title: str) -> dict[str, np.ndarray]:
    """Merged relevance of each method that explains the trial with finite numbers."""
    maps = {}
    for name, method in standard_methods(trial, names).items():
        try:
            relevance, _ = explained(trial, method, key=jax.random.key(seed))
        except REFUSALS as error:
            say_each(title, [f"{name}: {str(error).splitlines()[0]}"])
            continue
        if np.isfinite(relevance).all():
            maps[name] = relevance
        else:
            say_each(title, [f"{name}: relevance that is not finite"])
    return maps


def table_of(options, made: list[dict[str, Any]], unit: str) -> list[Row]:
    """Rows of one truth and unit: clips of all seeds together."""
    operators = [o for o in made[0]["operators"] if all(o in one["operators"] for one in made)]
    names = [m for m in options.methods if all(m in one["truth"] for one in made)]
    columns = [[one["operators"].index(o) for o in operators] for one in made]
    joined = {
        m: np.concatenate([one["deleted"][unit][m][:, c] for one, c in zip(made, columns)])
        for m in names
    }
    ranked = [m for m in names if m not in CONTROLS]
    seed = options.seeds[0]
    rows = [{"kind": "method", **row} for row in method_rows(joined, operators, seed)]
    truths = {}
    for score in options.scores:
        known = {m: np.concatenate([one["truth"][m][score] for one in made]) for m in names}
        rows += [{"kind": "method", "operator": "truth", **row} for row in truth_rows(known, score)]
        truths[score] = np.stack([known[m] for m in ranked], axis=1)
    agreed = agreement_rows({m: joined[m] for m in ranked}, operators, truths, seed)
    rows += [{"kind": "agreement", "methods": len(ranked), **row} for row in agreed]
    if "adversarial" in operators:
        flipped = np.concatenate([np.asarray(one["counterpart"]["flipped"]) for one in made])
        ratio = np.concatenate([np.asarray(one["counterpart"]["snr_db"]) for one in made])
        about = {"bound_db": SNR_DB, "flipped": float(flipped.mean()), "clips": len(flipped)}
        rows.append({"kind": "counterpart", "median_snr_db": float(np.median(ratio)), **about})
    return rows


def truth_rows(known: dict[str, np.ndarray], score: str) -> list[Row]:
    """The mean score of each method by the truth, clips where it is not defined left out."""
    rows = []
    for method, column in known.items():
        ends = mean_with_intervals(column[np.isfinite(column)], jax.random.key(0))
        rows.append({"method": method, "score": score} | {k: float(v) for k, v in ends.items()})
    return rows


if __name__ == "__main__":
    sys.exit(run_main(main))

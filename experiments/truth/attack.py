"""How far does an inaudible change move each method's map, while the answer stays?

    python -m experiments.truth.attack --truths time --seeds 0 --clips 12 --out runs/attack

Each clip of a trial is changed below its masking threshold and `--snr-db`, so that the map of one
method turns while the model's answer stays (`perturbation.attack`). Every method then explains
the changed clips, and the clips with noise of the same level and spectrum, which is the control.
A listener says whether the sound still holds what it held: a network of the same truth that was
trained from another seed, or `--listener`. `<out>` gets `attack.json` and `attack.md`.
"""

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from audioxai_jax import load_listener
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
from audioxai_jax.truth.recipe import answers
from experiments.truth.attack_table import markdown, robustness
from experiments.truth.attacking import (
    ATTACKS,
    MEASURES,
    OBJECTIVES,
    attacked,
    control,
    maps,
    moved_by,
)
from experiments.truth.methods import CONTROLS, ROWS, standard_methods

OTHER = 1_000
"""Added to a seed for the listener's."""
Row = dict[str, Any]


def read_options():
    """The command line, checked."""
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    standard = [name for name in ROWS if name not in CONTROLS]
    add("--data", type=Path, metavar="DIR", help="data sets, for truths that need them")
    add("--out", type=output_folder, required=True, help="folder of this run")
    add("--truths", nargs="+", default=["time"], choices=sorted(TRUTHS), metavar="NAME")
    add("--methods", nargs="+", default=standard, choices=sorted(ROWS), metavar="NAME")
    add("--attacks", nargs="+", default=list(ATTACKS), choices=list(ATTACKS))
    add("--objective", default="turn", choices=OBJECTIVES, help="of an attack")
    add("--listener", metavar="NAME", help="a shipped listener in place of a second network")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--clips", type=positive, default=12, help="of each seed")
    add("--steps", type=positive, default=40, help="of an attack")
    add("--snr-db", type=float, default=20.0, help="level of a change below its clip, dB")
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    rows: list[Row] = []
    for name in options.truths:
        made = [measure(options, name, seed) for seed in options.seeds]
        made = [one for one in made if one is not None]
        if made:
            about = {"truth": name, "seeds": options.seeds, "bound_db": options.snr_db}
            about["objective"] = options.objective
            rows += [about | row for row in table_of(made)]
    rows += robustness(rows)
    text = markdown(rows)
    say(*text.splitlines())
    write_rows(options.out / "attack.json", rows)
    replace_file(options.out / "attack.md", text)
    write_rows(options.json, rows)


def measure(options, name: str, seed: int) -> dict[str, Any] | None:
    """Changes of one trial's clips and maps; None if its model fails an intervention."""
    truth, title = TRUTHS[name], f"{name} {seed}"
    trial = truth.make(seed, clips=options.clips, data=options.data)
    if not trial.proven or trial.classifier is None:
        failed = [check.name for check in trial.checks if not check.holds]
        reason = f"its model fails: {'; '.join(failed)}" if failed else "its examples are no sounds"
        say_each(title, [f"left out, {reason}"])
        return None
    if options.listener is None:
        listener = truth.make(seed + OTHER, clips=1, data=options.data).classifier
    else:
        listener = load_listener(options.listener)
    ears = {"model": trial.classifier, "listener": listener}
    key, methods = jax.random.key(seed), standard_methods(trial, options.methods)
    before, changes, moved = maps(trial, methods, seed), {}, {}
    for number, attack in enumerate(options.attacks):
        how = {name: getattr(options, name) for name in ("objective", "snr_db", "steps")}
        made = attacked(trial, attack, key=jax.random.fold_in(key, number), **how)
        noisy = control(trial, np.asarray(made.audio), key=jax.random.fold_in(key, OTHER + number))
        for kind, audio in (("attack", np.asarray(made.audio)), ("noise", noisy)):
            moved[attack, kind] = moved_by(trial, methods, before, audio, seed)
            changes[attack, kind] = change_of(trial, ears, audio)
        told = {"snr_db": made.snr_db, "above": made.above, "drift": made.drift}
        told["moved"] = np.isfinite(made.snr_db)
        changes[attack, "attack"] |= {name: np.asarray(value) for name, value in told.items()}
    return {"moved": moved, "changes": changes}


def change_of(trial: Trial, ears: dict[str, Any], audio: np.ndarray) -> dict[str, np.ndarray]:
    """Whether each ear hears in changed clips what it heard in the clips, `[N]` each."""
    before = np.asarray(trial.examples)
    return {name: answers(ear, audio) == answers(ear, before) for name, ear in ears.items()}


def table_of(made: list[dict[str, Any]]) -> list[Row]:
    """Rows of one truth: clips of all seeds together."""
    rows, key = [], jax.random.key(0)
    for attack, kind in made[0]["changes"]:
        about = {"attack": attack, "change": kind}
        parts = [one["changes"][attack, kind] for one in made]
        told = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        ratios = told.pop("snr_db", None)
        row = {name: float(np.mean(values)) for name, values in told.items()}
        if ratios is not None:
            row["snr_db"] = float(np.median(ratios))
        rows.append({"kind": "change", **about, "clips": len(told["model"]), **row})
        tables = [one["moved"][attack, kind] for one in made]
        for method in [name for name in tables[0] if all(name in table for table in tables)]:
            values = np.concatenate([table[method] for table in tables])
            values = values[np.isfinite(values).all(axis=1)]
            ends = mean_with_intervals(values, key)
            columns = {
                measure: {end: float(value[i]) for end, value in ends.items()}
                for i, measure in enumerate(MEASURES)
            }
            rows.append({"kind": "map", "method": method, **about, **columns})
    return rows


if __name__ == "__main__":
    sys.exit(run_main(main))

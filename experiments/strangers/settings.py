"""Settings of the stranger, chosen on originals and codec-only sounds of `val` alone.

    python -m experiments.strangers.settings --data DIR --out runs/strangers_settings

Printed and written to `<out>/settings.json` and `.md`: how often pocketsphinx hears the true word
for each gain, floor, padding and mean of cepstra, and which of them it hears best with. Then, for
information, settings of its search, which stay the package's own: some force a choice, and then it
names a word in noise as well. "Noise" is the floor alone, as loud as the clip: any word is wrong.
"""

import itertools
import sys
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from audioxai_jax.cli.console import Parser, add_json_option, run_main, say, write_rows
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from experiments.strangers.answers import whole_sounds
from experiments.strangers.asked import (
    FLOOR,
    Asked,
    add_clip_options,
    add_model_options,
    ask,
    floor_name,
    make_ears,
    study_of,
)
from experiments.strangers.listeners import NOTHING, RATE
from experiments.strangers.markdown import line
from experiments.strangers.protocol import level_factor, with_floor

GAINS, PADDINGS, MEANS = (0.1, 0.25, 0.5, 0.9), (0.0, 0.15, 0.3), ("batch", "live", "none")
SEARCHES: dict[str, dict[str, Any]] = {
    "the package's own": {},
    "lw=3": {"lw": 3.0},
    "lw=10": {"lw": 10.0},
    "topn=2": {"topn": 2},
    "topn=8": {"topn": 8},
    "silprob=0.05": {"silprob": 0.05},
    "silprob=0.5": {"silprob": 0.5},
    "remove_noise=no": {"remove_noise": False},
    "bestpath=no": {"bestpath": False},
}
SOUNDS = ("original", "codec only")
NOISE = "noise"


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add_clip_options(parser, part=None)
    add_model_options(parser)
    add_json_option(parser)
    options = parser.parse_args()
    options.methods, options.fractions, options.draws = (), (), 0
    asked = {task: ask(options, task, part="val") for task in options.tasks}
    made = {task: make(options, one) for task, one in asked.items()}
    searched = {task: (one, made[task]) for task, one in asked.items()}
    rows = listening_rows(options, searched)
    chosen = best(rows)
    search = search_rows(options, searched, chosen)
    facts = {"chosen": chosen, "listening": rows, "search": search}
    facts |= {"clips": {task: len(one.clips) for task, one in asked.items()}}
    facts |= describe_run("python -m experiments.strangers.settings")
    write_rows(options.out / "settings.json", facts)
    write_rows(options.json, facts)
    text = markdown(rows, chosen, search)
    replace_file(options.out / "settings.md", text.encode())
    say(*text.splitlines())


def make(options, asked: Asked) -> dict[str, np.ndarray]:
    """Originals and codec-only sounds `[N, T]` of a task, and noise with the widest padding."""
    study = study_of(options, asked, voice=False, padding=max(PADDINGS))
    return whole_sounds(study, asked.clips, jax.random.key(options.seed))


def heard(
    asked: Asked, sounds: dict[str, np.ndarray], floor: float | None, processes: int, **settings
) -> dict[str, float]:
    """Share of clips whose word is heard, and of noise in which a word is.

    Args:
      sounds: see `make`.
      floor: level in dB re the clip, None for none.
      settings: fields of `listeners.Settings`; the padding is of the floor.
    """
    padding = round(settings.pop("padding", 0.0) * RATE)
    wide = (sounds[NOISE].shape[1] - sounds[SOUNDS[0]].shape[1]) // 2
    noise = sounds[NOISE][:, wide - padding : sounds[NOISE].shape[1] - wide + padding]
    said = {}
    with make_ears(asked.task, processes, **settings) as ears:
        for name in SOUNDS:
            mixed = [
                with_floor(sound[None], own, level_factor(floor), padding)[0]
                for sound, own in zip(sounds[name], noise, strict=True)
            ]
            said[name] = float(np.mean(ears.hear(np.stack(mixed)) == asked.truth))
        said[NOISE] = float(np.mean(ears.hear(noise) != NOTHING))
    return said


def listening_rows(options, searched) -> list[dict]:
    """Every gain, padding, mean and floor, one changed at a time from the usual ones, and all
    gains with all floors."""
    grid = list(itertools.product(GAINS, [0.0], ["batch"], options.floors))
    grid += list(itertools.product([0.5], PADDINGS[1:], ["batch"], options.floors))
    grid += list(itertools.product([0.5], [0.0], MEANS[1:], options.floors))
    rows = []
    for gain, padding, cmn, floor in tqdm(grid, "settings", mininterval=2):
        row = {"gain": gain, "padding": padding, "cmn": cmn, "floor": floor_name(floor)}
        for task, (asked, sounds) in searched.items():
            how = {"gain": gain, "padding": padding, "cmn": cmn}
            row[task] = heard(asked, sounds, floor, options.processes, **how)
        rows.append(row)
    return rows


def best(rows: list[dict]) -> dict[str, Any]:
    """The row that hears most, mean over tasks, originals and codec-only sounds."""
    tasks = [name for name, value in rows[0].items() if isinstance(value, dict)]

    def height(row: dict) -> float:
        return float(np.mean([row[task][sound] for task in tasks for sound in SOUNDS]))

    winner = max(rows, key=height)
    names = ("gain", "padding", "cmn", "floor")
    return {name: winner[name] for name in names} | {"mean": height(winner)}


def search_rows(options, searched, chosen: dict) -> list[dict]:
    """Settings of the search, at the chosen gain, padding and mean, with the usual floor."""
    rows = []
    for name, search in tqdm(SEARCHES.items(), "search", mininterval=2):
        row: dict[str, Any] = {"search": name}
        for task, (asked, sounds) in searched.items():
            how = {key: chosen[key] for key in ("gain", "padding", "cmn")}
            row[task] = heard(asked, sounds, FLOOR, options.processes, search=search, **how)
        rows.append(row)
    return rows


def markdown(rows: list[dict], chosen: dict, search: list[dict]) -> str:
    """Both tables."""
    tasks = [name for name, value in rows[0].items() if isinstance(value, dict)]
    columns = [f"{task}: {sound}" for task in tasks for sound in (*SOUNDS, NOISE)]

    def cells(row: dict) -> list[str]:
        return [f"{100 * row[task][sound]:.1f}" for task in tasks for sound in (*SOUNDS, NOISE)]

    names = ["gain", "padding", "cmn", "floor"]
    lines = ["% of clips whose word is heard; noise: % of noises in which a word is.", ""]
    lines += [line([*names, *columns]), line(["---"] * (4 + len(columns)))]
    lines += [line([*(str(row[name]) for name in names), *cells(row)]) for row in rows]
    told = ", ".join(f"{name} {chosen[name]}" for name in names)
    lines += ["", f"Best on originals and codec-only sounds: {told}.", ""]
    lines += [f"Settings of the search, floor {floor_name(FLOOR)}:", ""]
    lines += [line(["search", *columns]), line(["---"] * (1 + len(columns)))]
    lines += [line([row["search"], *cells(row)]) for row in search]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run_main(main))

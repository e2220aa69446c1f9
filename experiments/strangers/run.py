"""Heard by strangers: are explanations heard by listeners that nobody of this project trained?

    python -m experiments.strangers.run --data DIR --out runs/strangers
    python -m experiments.strangers.run --data DIR --out runs/strangers --collect

`<out>/<task>` gets all answers, clip by clip: after an interruption, run the same command again.
`table.json`, `table.md` and `curves.png` are made of the tasks that are done; `--collect` makes
them and nothing else.
"""

import functools
import json
import sys
import time

import jax
import numpy as np
from tqdm import tqdm

from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    positive,
    printable,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from audioxai_jax.runs.shards import Parts
from experiments.strangers import figure, markdown, quality, table
from experiments.strangers.answers import CLIPS_PER_PART, part_of_answers, rated_arms, read_all
from experiments.strangers.asked import (
    FLOOR,
    Asked,
    add_clip_options,
    add_model_options,
    ask,
    fingerprints,
    make_ears,
    optional,
    parse_floor,
    study_of,
)
from experiments.strangers.listeners import WORDS
from experiments.strangers.protocol import Study, arms

FRACTIONS = (0.05, 0.1, 0.2, 0.4)


def read_options():
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add_clip_options(parser)
    add_model_options(parser)
    add = parser.add_argument
    text = "lrp, ig, or any method, with its options: lrp:composite=attn_lrp"
    add("--methods", nargs="+", default=["lrp", "ig"], metavar="NAME", help=text)
    add("--fractions", nargs="+", type=float, default=list(FRACTIONS))
    add("--draws", type=positive, default=4, help="of units at random, per clip")
    add("--gain", type=float, default=0.5, help="peak of what pocketsphinx hears")
    add("--padding", type=float, default=0.0, help="seconds on both sides of it")
    add("--cmn", default="batch", choices=("batch", "live", "none"))
    text = "clips whose sounds DNSMOS scores, drawn once; half a second a sound"
    add("--quality-clips", type=positive, default=40, help=text)
    add("--quality-floor", type=parse_floor, default=FLOOR, help="floor in what DNSMOS scores")
    add("--no-quality", action="store_true", help="neither Silero VAD nor DNSMOS")
    add("--chunk", type=positive, default=1, help="clips at once: memory alone")
    add("--collect", action="store_true", help="tables of finished tasks, only")
    add_json_option(parser)
    options = parser.parse_args()
    if not all(0 < fraction < 1 for fraction in options.fractions):
        parser.error("--fractions: must lie between 0 and 1")
    if not 0 < options.gain <= 1:
        parser.error(f"--gain {options.gain}: must be above 0 and at most 1")
    if options.classifier and len(options.tasks) > 1:
        parser.error("--classifier: names one task's; add --tasks keywords, or --tasks digits")
    return options


def main() -> None:
    options = read_options()
    if not options.collect:
        for task in options.tasks:
            run(options, ask(options, task))
    collect(options)


def run(options, asked: Asked) -> None:
    """All answers to the clips of one task, unless they are there."""
    say_each(asked.task, asked.clips.outcome.lines())
    began, clips = time.monotonic(), asked.clips
    opinion = None if options.no_quality else optional(quality.opinion)
    study = study_of(options, asked, voice=not options.no_quality, padding=options.padding)
    rated = np.zeros(len(clips), bool)
    rated[np.random.default_rng(options.seed).permutation(len(clips))[: options.quality_clips]] = 1
    settings = settings_of(options, asked, study)
    folder, key = options.out / asked.task, jax.random.key(options.seed)
    parts = Parts(folder, settings)
    how = {"floors": options.floors, "opinion": opinion, "opinion_floor": options.quality_floor}
    starts = range(0, len(clips), CLIPS_PER_PART)
    with make_ears(asked.task, options.processes, gain=options.gain, cmn=options.cmn) as ears:
        for start in tqdm(starts, printable(asked.task), mininterval=2):
            some = slice(start, start + CLIPS_PER_PART)
            compute = functools.partial(part_of_answers, study, clips[some], ears, key, **how)
            parts.get(start, functools.partial(compute, rated=rated[some], chunk=options.chunk))
    if not (folder / "about.json").is_file():
        seconds = round(time.monotonic() - began)
        about = describe(options, asked, study) | {"seconds": seconds}
        run_facts = describe_run("python -m experiments.strangers.run")
        write_rows(folder / "about.json", about | run_facts)


def settings_of(options, asked: Asked, study: Study) -> dict:
    """What decides the answers."""
    names = ("methods", "base", "rank", "fractions", "draws", "gain", "padding", "cmn", "seed")
    names += ("quality_floor", "quality_clips", "no_quality")
    own = {name: getattr(options, name) for name in names}
    return own | {"floors": options.floors, "unit": study.unit} | fingerprints(asked)


def describe(options, asked: Asked, study: Study) -> dict:
    """Facts that the tables need."""
    listed = arms(study)
    return {
        "task": asked.task,
        "classifier": asked.name,
        "codec": getattr(getattr(asked.domain, "codec", None), "name", ""),
        "domain": asked.domain.name,
        "unit": study.unit,
        "rank": options.rank,
        "base": options.base,
        "split": f"{asked.split}, {asked.part}",
        "listening": {name: getattr(options, name) for name in ("gain", "padding", "cmn")},
        "floors": options.floors,
        "quality_floor": options.quality_floor,
        "arms": listed,
        "rated": rated_arms(listed),
        "words": WORDS[asked.task],
        "labels": asked.clips.target.tolist(),
        "truth": asked.truth.tolist(),
        "speakers": asked.clips.speaker.tolist(),
    }


def collect(options) -> None:
    """The tables and the figure, of all tasks that are done."""
    key, abouts, rows = jax.random.key(options.seed + 1), [], []
    for task in options.tasks:
        folder = options.out / task
        if not (folder / "about.json").is_file():
            say(f"not done: {task}")
            continue
        about = json.loads((folder / "about.json").read_text())
        settings = json.loads((folder / "settings.json").read_text())
        answers = read_all(Parts(folder, settings), len(about["truth"]))
        if answers is None:
            say(f"not done: {task}")
            continue
        rows += table.make_rows(about, answers, key)
        abouts.append(table.public(about))
    if not abouts:
        raise ValueError(f"{options.out} has no task whose answers are all there")
    write_rows(options.out / "table.json", {"runs": abouts, "rows": rows})
    write_rows(options.json, {"runs": abouts, "rows": rows})
    text = markdown.markdown(rows, abouts)
    replace_file(options.out / "table.md", text.encode())
    say(*text.splitlines())
    figure.draw(rows, options.out / "curves.png")


if __name__ == "__main__":
    sys.exit(run_main(main))

"""Which domain explains a model of waveforms best? Two models, ten domains, two judges.

    python -m experiments.domains.run --data DIR --out runs/domains --lyra DIR
    python -m experiments.domains.run --data DIR --out runs/domains --collect

Each model is explained in each domain on the same clips of the `test` part, of which `--clips`
are drawn. `<out>/<model>/<domain>` gets what both judges say of all edited sounds, clip by clip:
after an interruption, run the same command again; several may run at once, one for each model.
`--collect` makes `table.json`, `table.md` and `curves.png` of finished clips.
"""

import dataclasses
import os
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from audioxai_jax import load_classifier, load_codec, load_listener, map_examples
from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    output_folder,
    positive,
    printable,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from audioxai_jax.data import tasks
from audioxai_jax.runs.shards import Parts
from experiments.domains import figure, markdown, table, views
from experiments.domains.protocol import Study, make_study, measure, seen_from, units_of

TASK, SPLIT = "keywords", "speaker_disjoint"
MODELS = ("wave_keywords", "mel_keywords")
LISTENER = "keywords_listener"
FRACTIONS = (0.05, 0.1, 0.2, 0.5)
CLIPS_PER_PART = 20


def main() -> None:
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("AUDIOXAI_DATA"), help="data sets")
    parser.add_argument("--out", type=output_folder, required=True, help="its folder")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="names or paths")
    parser.add_argument("--domains", nargs="+", default=list(views.NAMES), choices=views.NAMES)
    parser.add_argument("--lyra", metavar="DIR", help="folder of Lyra's published weights")
    parser.add_argument("--clips", type=positive, default=200, help="of each model and domain")
    parser.add_argument("--draws", type=positive, default=4, help="of units at random, per clip")
    parser.add_argument("--steps", type=positive, default=32, help="of integrated gradients")
    parser.add_argument("--chunk", type=positive, default=2, help="clips at once: memory alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--collect", action="store_true", help="tables of finished clips, only")
    add_json_option(parser)
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or AUDIOXAI_DATA, must name the folder of data sets")
    if options.lyra is None:
        options.domains = [name for name in options.domains if not name.startswith("lyra")]
    clips = choose_clips(options)
    if options.collect:
        return collect(options, clips)
    codecs = {"latent": load_codec(views.CODEC)}
    if options.lyra is not None:
        codecs["lyra"] = load_codec("lyra_v2", options.lyra)
    for model in options.models:
        for domain in options.domains:
            run(options, clips, model, domain, codecs)


def choose_clips(options) -> tasks.Clips:
    """Clips of the held-out part that somebody speaks in, drawn once for all."""
    clips = tasks.load(options.data, TASK)
    say_each(TASK, clips.outcome.lines())
    clips = clips.part(SPLIT, "test")
    silent = [tasks.TASKS[TASK].labels.index(label) for label in tasks.TASKS[TASK].background]
    spoken = np.flatnonzero(~np.isin(clips.target, silent))
    drawn = np.random.default_rng(options.seed).permutation(spoken)[: options.clips]
    return clips[np.sort(drawn)]


def run(options, clips: tasks.Clips, model: str, name: str, codecs) -> None:
    """What both judges say of one model's explanations in one domain, unless that is done."""
    classifier, listener = load_classifier(model), load_listener(LISTENER)
    rate = classifier.reads.sample_rate
    domain = views.make_domain(name, rate, codecs)
    audio = jnp.asarray(clips.audio[0], jnp.float32) / 32768
    features = jax.jit(lambda audio: domain.analyse(audio))(audio)
    plain = make_study(classifier, listener, domain, {}, fractions=FRACTIONS, draws=options.draws)
    base = domain.base(features)
    methods, refusal = views.make_methods(seen_from(plain, audio), features, base, options.steps)
    study = dataclasses.replace(plain, methods=methods)
    settings = {
        "model": (classifier.manifest or {})["sha256"],
        "listener": (listener.manifest or {})["sha256"],
        "domain": name,
        "codec": views.fingerprint(name, codecs),
        "steps": options.steps,
        "draws": options.draws,
        "seed": options.seed,
        "clips": clips.file.tolist(),
    }
    folder = options.out / Path(model).name / name
    parts, key, began = Parts(folder, settings), jax.random.key(options.seed), time.monotonic()
    starts = range(0, len(clips), CLIPS_PER_PART)
    for start in tqdm(starts, printable(f"{model}, {name}"), mininterval=2):
        part = clips.audio[start : start + CLIPS_PER_PART]
        parts.get(
            start,
            lambda part=part, start=start: map_examples(
                one_clip, study, part, key=key, chunk=options.chunk, first_index=start
            ),
        )
    if not (folder / "about.json").is_file():
        about = describe(study, features, refusal)
        about |= {"model": Path(model).name, "domain": name, "steps": options.steps}
        seconds = round(time.monotonic() - began)
        write_rows(
            folder / "about.json",
            about | {"seconds": seconds, **describe_run("python -m experiments.domains.run")},
        )


def one_clip(study: Study, clip, key):
    return measure(study, clip.astype(jnp.float32) / 32768, key)


def describe(study: Study, features, refusal: str) -> dict:
    """Facts of a model and a domain that belong in the table."""
    unit, labels = units_of(study.domain, features.shape)
    return {
        "unit": unit,
        "units": int(labels.max()) + 1,
        "features": list(features.shape),
        "exact": bool(study.domain.exact),
        "lrp": refusal or "covered",
        "fractions": study.fractions,
        "draws": study.draws,
    }


def collect(options, clips: tasks.Clips) -> None:
    """The tables and the figure, of all models and domains that are done."""
    rows, compared, abouts = [], [], []
    key = jax.random.key(options.seed + 1)
    for model in options.models:
        done, results = [], []
        for name in options.domains:
            found = table.read(options.out / Path(model).name / name, len(clips))
            if found is None:
                say(f"not done: {Path(model).name}, {name}")
                continue
            rows += table.make_rows(*found, clips, key)
            done.append(found[0])
            results.append(found[1])
        compared += table.compare(done, results, clips, key)
        abouts += done
    facts = {"clips": len(clips), "speakers": len(set(clips.speaker))}
    facts |= {"labels": tasks.TASKS[TASK].labels, "runs": abouts}
    facts |= {"order": compared, "rows": rows}
    write_rows(options.out / "table.json", facts)
    write_rows(options.json, facts)
    text = markdown.markdown(rows, compared, abouts)
    replace_file(options.out / "table.md", text.encode())
    say(*text.splitlines())
    figure.draw(rows, options.out / "curves.png")


if __name__ == "__main__":
    sys.exit(run_main(main))

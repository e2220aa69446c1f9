"""Are the methods sane? What an explanation must pass before its pictures are believed.

    python -m experiments.sanity.run --data DIR --out runs/sanity --clips 100
    python -m experiments.sanity.run --data DIR --out runs/sanity --methods lrp saliency occlusion

Every method that explains a classifier's latents without settings of its own is asked, for the
classifier's own prediction on clips of the `test` part:

  over random   how much sooner the prediction's probability falls if the most relevant features
                are set to zero first, rather than random ones: the difference of the areas under
                the deletion curves. It passes if its interval lies above 0;
  random layers how alike relevance stays if the parameters of the top layer, and of all layers,
                are permuted (each part of the clips has a draw of its own): the median over clips
                of the absolute rank correlation. It passes if that, with its interval, is below
                0.2 after all, as two maps then share less than 4 % of the variance of their
                ranks. Beside it stands
                the same of absolute values, which stays high for all methods that multiply by the
                input, whatever the network;
  other class   the median rank correlation with relevance for another class;
  sensitivity   the largest relative change of relevance within a tenth of the latent's rms;
  sparseness    Gini's index of absolute relevance.

Printed is a Markdown table, with 95 % bootstrap intervals over clips; over speakers, where there
are ten or more. `<out>` gets `sanity.json` and the clips that are done: the same command goes on
where it was killed, and more methods can be added to it.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from audioxai_jax import METHODS, map_examples
from audioxai_jax.cli import user_files
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_data_option,
    add_json_option,
    output_folder,
    positive,
    printable,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.cli.methods import named_method
from audioxai_jax.data import tasks
from audioxai_jax.metrics.randomisation import stages
from audioxai_jax.runs.shards import Parts
from audioxai_jax.weights.load import load_classifier, load_codec
from audioxai_jax.weights.pair import default_classifier
from experiments.sanity.checks import (
    ALIKE,
    CHECKS,
    RADIUS,
    SENSITIVITY_SAMPLES,
    check_method,
    refusal,
    summary,
)

TOGETHER = 10
"""Clips of a part, which share a draw of random parameters."""


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, required=True, help="folder of this run")
    add_codec_options(parser)
    parser.add_argument("--classifier", help="name or path; the one that comes with the codec")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), help="or FILE.py:FUNCTION")
    parser.add_argument("--clips", type=positive, default=100)
    parser.add_argument("--draws", type=positive, default=5, help="of random rankings, per clip")
    parser.add_argument("--chunk", type=positive, help="evaluations at once; as many as fit")
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    if options.clips < 2:
        parser.error("--clips 1 says nothing of the spread over clips: give 2 or more")
    return options


def main() -> None:
    options = read_options()
    codec = load_codec(options.codec, options.codec_weights)
    options.classifier = options.classifier or default_classifier(codec)
    classifier = load_classifier(options.classifier, codec)
    codec_manifest, manifest = codec.manifest or {}, classifier.manifest or {}
    task, split = manifest.get("task"), manifest.get("split")
    if task not in tasks.TASKS or split is None:
        raise ValueError(
            f"{options.classifier}: its manifest must name its task and the split it was trained on"
        )
    clips = tasks.load(options.data, task, rate=codec.sample_rate).part(split, "test")
    say_each(task, clips.outcome.lines())
    if options.clips < len(clips):
        clips = clips[np.linspace(0, len(clips) - 1, options.clips).round().astype(int)]
    key = jax.random.key(options.seed)
    latents = map_examples(encode, codec, clips.audio, key=key)
    settings = {name: getattr(options, name) for name in ("draws", "seed")}
    settings |= {
        "weights": [codec_manifest["sha256"], manifest["sha256"]],
        "clips": clips.file.tolist(),
        "sounds": tasks.digest(clips),
        "sensitivity": [RADIUS, SENSITIVITY_SAMPLES],
        "together": TOGETHER,
    }
    names, changed = stages(classifier.model, latents[0])
    rows, refused = [], {}
    for name in options.methods:
        method, told = named_method(name)
        reason = refusal(method, classifier.model, latents[0])
        if reason:
            refused[name] = reason
            continue
        used = user_files.file_digest(name) if user_files.is_user_file(name) else str(told)
        parts = Parts(options.out / "parts" / name.replace("/", "_"), settings | {"method": used})
        results = check_clips(options, name, method, classifier.model, latents, changed, parts)
        rows.append({"method": name, **summary(results, clips.speaker_numbers, key)})
    print_table(rows, refused, len(clips), names)
    about = {"settings": {k: str(v) for k, v in vars(options).items()}, "layers": names}
    table = about | {"rows": rows, "refused": refused}
    write_rows(options.out / "sanity.json", table)
    write_rows(options.json, rows)


def check_clips(options, name: str, method, model, latents, changed, parts: Parts) -> dict:
    """Results of all checks for one method, `[N]` each, some clips at a time."""
    key = jax.random.key(options.seed)

    def compute(start: int):
        some, mine = latents[start : start + TOGETHER], jax.random.fold_in(key, start)
        chunk = options.chunk or "auto"
        return check_method(method, model, some, changed, mine, draws=options.draws, chunk=chunk)

    starts = tqdm(range(0, len(latents), TOGETHER), printable(name), mininterval=2)
    results = [parts.get(start, lambda start=start: compute(start)) for start in starts]
    return {check: np.concatenate([part[check] for part in results]) for check in CHECKS}


def encode(codec, clip, key):
    del key
    return codec.encode(clip.astype(jnp.float32) / 32768)


def print_table(rows: list[dict], refused: dict, clips: int, layers: tuple[str, ...]) -> None:
    """As Markdown, ready for a README."""
    say("", f"{clips} clips; layers drawn anew: {layers[0]} alone, and all {len(layers)}", "")
    print_row(
        "",
        "over random, points",
        "beats it",
        "top layer random",
        "all random",
        f"below {ALIKE}",
        "all random, absolute values",
        "other class",
        "max-sensitivity",
        "sparseness",
    )
    say("|---" * 10 + "|")
    for row in rows:
        print_row(
            row["method"],
            cell(row, "over_random", "+.1f", 100),
            "yes" if row["beats_random"] else "no",
            cell(row, "top", ".2f"),
            cell(row, "all", ".2f"),
            "yes" if row["depends_on_parameters"] else "no",
            cell(row, "all_absolute", ".2f"),
            cell(row, "other", ".2f"),
            cell(row, "sensitivity", ".2g"),
            cell(row, "sparseness", ".2f"),
        )
    for name, reason in refused.items():
        say("", f"{name} needs settings: {reason}")
    for row in rows:
        missing = {name: number for name, number in row["undefined"].items() if number}
        if missing:
            told = ", ".join(f"{name} on {number}" for name, number in missing.items())
            say("", f"{row['method']} is undefined on clips: {told}")


def cell(row: dict, name: str, form: str, times: int = 1) -> str:
    ends = [
        " to ".join(f"{times * row[f'{name}{who}_{end}']:{form}}" for end in ("low", "high"))
        for who in ("", "_speakers")
        if f"{name}{who}_low" in row
    ]
    return f"{times * row[name]:{form}} ({'; '.join(ends)})"


def print_row(*cells: str) -> None:
    say(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(run_main(main))

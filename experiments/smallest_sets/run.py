"""How few latent features are enough, and how few are needed? Medians per class.

    python -m experiments.smallest_sets.run --data DIR --out runs/smallest --clips 200

On clips that the classifier was not trained on. Features are ranked by each method and, as the
control, at random; the smallest set of the most relevant ones is sought that alone keeps the
classifier's prediction ("keep"), and whose deletion flips it ("delete"): in the latent, and
in the sound, encoded again. Printed are medians with 95 % bootstrap intervals over clips, per
class that is heard, and over speakers for all clips together. `<out>` gets `table.json`,
`latent.png`, `sound.png` and the clips that are done: after an interruption, run the same
command again.
"""

import math
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from audioxai_jax import METHODS, map_examples
from audioxai_jax.cli import user_files
from audioxai_jax.cli.bases import NAMES, named_base
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_data_option,
    add_json_option,
    output_folder,
    positive,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.core.files import make_folder
from audioxai_jax.data import tasks
from audioxai_jax.perturbation.rank import SIGNS
from audioxai_jax.report.curve_figures import words
from audioxai_jax.runs.shards import Parts
from audioxai_jax.weights.load import load_classifier, load_codec
from audioxai_jax.weights.pair import default_classifier
from experiments.smallest_sets.figures import plot_smallest
from experiments.smallest_sets.search import ALL, PLACES, UNITS, Searches, make_rows, search_clip

RANDOM = "random_control"
TOGETHER = 12
"""Clips between two looks at the disk."""
COLUMNS = ("keep", "delete")


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    add_data_option(parser)
    parser.add_argument("--out", type=output_folder, default=Path("runs/smallest_sets"))
    add_codec_options(parser)
    parser.add_argument("--classifier", help="name or path; the codec's own one")
    parser.add_argument("--methods", nargs="+", default=["integrated_gradients"])
    parser.add_argument("--base", default="zero", choices=NAMES)
    parser.add_argument("--unit", default="feature", choices=UNITS)
    parser.add_argument("--rank", default="signed", choices=SIGNS)
    parser.add_argument("--points", type=positive, default=32, help="counts in the first pass")
    parser.add_argument("--clips", type=positive, default=200)
    parser.add_argument("--part", default="test", choices=("train", "val", "test"))
    parser.add_argument("--seed", type=int, default=0)
    add_json_option(parser)
    options = parser.parse_args()
    return options


def main() -> None:
    options = read_options()
    codec = load_codec(options.codec, options.codec_weights)
    name = options.classifier or default_classifier(codec)
    classifier = load_classifier(name, codec)
    codec_manifest, manifest = codec.manifest or {}, classifier.manifest or {}
    task, split = manifest.get("task"), manifest.get("split")
    if task not in tasks.TASKS or split is None:
        raise ValueError(f"{name}: its manifest must name its task and the split it was trained on")
    tasks.check_rate(f"the codec {codec.name!r}", codec.sample_rate)
    clips = tasks.load(options.data, task).part(split, options.part)
    say_each(task, clips.outcome.lines())
    if options.clips < len(clips):
        clips = clips[np.linspace(0, len(clips) - 1, options.clips).round().astype(int)]

    settings = settings_of(options, [codec_manifest, manifest], clips)
    what = Searches(
        codec=codec,
        classifier=classifier.model,
        methods={name: make_method(name) for name in [*options.methods, RANDOM]},
        base=named_base(options.base, classifier, codec.sample_rate),
        unit=options.unit,
        rank=options.rank,
        points=options.points,
    )
    make_folder(options.out)
    parts, key = Parts(options.out / "parts", settings), jax.random.key(options.seed)
    results = [
        parts.get(
            start,
            lambda start=start: map_examples(
                one_clip, what, clips.audio[start : start + TOGETHER], key=key, first_index=start
            ),
        )
        for start in tqdm(range(0, len(clips), TOGETHER), "clips", mininterval=2)
    ]
    found = jax.tree.map(lambda *leaves: np.concatenate(leaves), *results)
    if not found["finite"].all():
        raise ValueError(f"the models gave NaN or infinity on {np.sum(~found['finite'])} clips")
    rows = make_rows(
        found, classifier.labels, jax.random.fold_in(key, 1), speakers=clips.speaker_numbers
    )
    print_tables(rows, options)
    # JSON has no infinity: null says that half of the clips or more have no such set, or, as an
    # interval's end, that there is one clip only
    write_rows(options.out / "table.json", {"settings": settings, "rows": rows})
    write_rows(options.json, rows)
    for place in PLACES:
        plot_smallest(rows, options.out / f"{place}.png", place=place)


def settings_of(options, manifests: list[dict], clips) -> dict:
    """What decides the results."""
    wanted = ("methods", "base", "unit", "rank", "points", "part", "seed")
    return {key: getattr(options, key) for key in wanted} | {
        "plugins": [
            user_files.file_digest(m) for m in options.methods if user_files.is_user_file(m)
        ],
        "weights": [manifest["sha256"] for manifest in manifests],
        "clips": clips.file.tolist(),
    }


def one_clip(what: Searches, clip, key):
    return search_clip(what, clip.astype(jnp.float32) / 32768, key)


def make_method(name: str):
    if user_files.is_user_file(name):
        return user_files.load_method(name, [])[0]
    if name not in METHODS:
        raise ValueError(f"unknown method {name!r}: known are {', '.join(METHODS)}")
    return METHODS[name]()


def print_tables(rows: list[dict], options) -> None:
    """As Markdown: the median smallest set in % of the units, and its interval over clips."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    labels = list(dict.fromkeys(row["label"] for row in rows))
    at = {tuple(r[k] for k in ("place", "label", "edit", "method")): r for r in rows}
    for place in PLACES:
        say(
            "",
            f"In the {place}: smallest set, median % of {options.unit}s "
            "(95 % interval over clips; over speakers)\n",
        )
        head = [f"{edit}: {words(method)}" for edit in COLUMNS for method in methods]
        print_row("heard as", "clips", *head)
        say("|---" * (2 + len(head)) + "|")
        for label in labels:
            found = [at[place, label, edit, method] for edit in COLUMNS for method in methods]
            print_row(label, str(found[0]["clips"]), *map(cell, found))
        say("", "Over all clips: from where the property lasts, and the clips without any set", "")
        for edit in COLUMNS:
            for method in methods:
                row = at[place, ALL, edit, method]
                alone = ""
                if edit == "delete" and place == "sound":
                    alone = f"; left out, as the codec alone flips them: {row['at_once']:.0%}"
                say(
                    f"- {edit}, {words(method)}: lasts from {percent(row['lasting'])} %, "
                    f"never for {row['never']:.0%}{alone}"
                )


def print_row(*cells: str) -> None:
    say(f"| {' | '.join(cells)} |")


def cell(row: dict) -> str:
    ends = [
        f"{percent(row[f'{who}low'])}-{percent(row[f'{who}high'])}"
        for who in ("", "speakers_")
        if f"{who}low" in row
    ]
    return f"{percent(row['median'])} ({'; '.join(ends)})"


def percent(share: float) -> str:
    if math.isnan(share):
        return "?"
    return f"{100 * share:.2g}" if share < 0.995 else "never" if math.isinf(share) else "100"


if __name__ == "__main__":
    sys.exit(run_main(main))

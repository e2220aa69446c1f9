"""Are the explanations true? Keep and delete curves of any model, in any domains.

    python scripts/evaluate.py --data DIR --model my_model.py:build --domains samples frequencies
    python scripts/evaluate.py --data DIR --domains latent time_frequency --methods saliency lrp

DIR holds sound files, also in folders of it. Units of each domain are ranked for what the model
hears in a clip, by each method and by two controls: largest first, and at random. Printed is how
often the answer stays when only the first units are kept, and flips when they are deleted, with
95 % intervals over clips, as the model itself and, with --listener, an independent one hear it.
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax import map_examples
from audioxai_jax.cli.console import (
    Parser,
    add_json_option,
    positive,
    print_aligned,
    print_error,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.loading import load_model, load_subject
from audioxai_jax.cli.methods import named_method
from audioxai_jax.cli.options import SubjectOptions
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.data.audio import read_clip
from audioxai_jax.data.folders import files_below
from audioxai_jax.data.names import is_rubbish
from audioxai_jax.data.sound_files import AudioError
from audioxai_jax.perturbation.rank import RANKS
from audioxai_jax.runs.curve_rows import curve_rows
from audioxai_jax.runs.curves import Study, make_study, measure
from audioxai_jax.runs.explain_clips import padded_length
from audioxai_jax.types import Classifier

OWN = "own"
"""The domain that the model reads."""


def main() -> int:
    options = parse_options()
    files = [f for f, bad in files_below(options.data) if not bad and not is_rubbish(f.name)]
    if not files:
        raise ValueError(f"{options.data}: holds no files")
    chosen = np.linspace(0, len(files) - 1, min(options.clips, len(files))).round().astype(int)
    methods = {name: named_method(name)[0] for name in options.methods}
    listener = None if options.listener is None else load_model(options.listener, "listener")
    rows, refused = [], {}
    for name in options.domains:
        domain = None if name == OWN else name
        subject = load_subject(
            SubjectOptions(
                options.model,
                options.codec,
                options.codec_weights,
                domain,
                model_set=tuple(options.model_set),
            )
        )
        study = make_study(
            subject.classifier,
            subject.explained,
            methods,
            fractions=tuple(options.fractions),
            draws=options.draws,
            listener=listener,
            rank=options.rank,
        )
        paths = [files[index] for index in chosen]
        audio, errors = read_clips(paths, study, subject.classifier, options.seconds)
        refused |= errors
        results = map_examples(
            measure, study, audio, key=jax.random.key(options.seed), chunk=options.chunk
        )
        results = jax.tree.map(np.asarray, results)
        where = {"model": subject.name, "domain": subject.explained.name, "clips": len(audio)}
        table = curve_rows(study, results, jax.random.key(options.seed + 1))
        rows += [where | row for row in table]
        print_table(where, table, options.fractions)
    write_rows(options.json, {**describe_run("python scripts/evaluate.py"), "rows": rows})
    for error in refused.values():
        print_error(error, who="evaluate.py")
    return 1 if refused else 0


def parse_options() -> argparse.Namespace:
    parser = Parser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder of sound files")
    add("--model", metavar="MODEL", help="see `audioxai explain --help`")
    add("--model-set", action="append", default=[], metavar="OPTION=VALUE", help="see there")
    text = f"names (see `audioxai domains`), or {OWN}: what the model reads; default: {OWN}"
    add("--domains", nargs="+", default=[OWN], metavar="NAME", help=text)
    add("--codec", metavar="CODEC", help="codec of a latent domain")
    add("--codec-weights", metavar="DIR_OR_REPOSITORY", help="weights of a published codec")
    add("--listener", metavar="MODEL", help="independent model of waveforms; default: none")
    text = "attribution methods; default: %(default)s"
    add("--methods", nargs="+", default=["integrated_gradients"], metavar="NAME", help=text)
    text = "fractions of the units to keep and to delete; default: %(default)s"
    add("--fractions", nargs="+", type=float, default=[0.05, 0.1, 0.2, 0.5], help=text)
    text = "rank of the units by relevance: %(choices)s; default: %(default)s"
    add("--rank", default="signed", choices=RANKS, help=text)
    add("--clips", type=positive, default=50, help="at most; default: %(default)s")
    text = "seconds of each clip: longer ones are cut, shorter ones padded; default: %(default)s"
    add("--seconds", type=float, default=1.0, help=text)
    add("--draws", type=positive, default=5, help="random rankings per clip; default: %(default)s")
    add("--chunk", type=positive, default=1, help="clips at once; it decides memory alone")
    add("--seed", type=int, default=0, help="random seed; default: %(default)s")
    add_json_option(parser)
    options = parser.parse_args()
    if not all(0 < fraction <= 1 for fraction in options.fractions):
        parser.error("--fractions: must be above 0, and at most 1")
    if not 0 < options.seconds <= 60:
        parser.error("--seconds: must be above 0, and at most 60")
    return options


def read_clips(
    paths: list[Path], study: Study, classifier: Classifier, seconds: float
) -> tuple[jnp.ndarray, dict[Path, AudioError]]:
    """Clips of one length `[N, T]` at the domain's rate, and errors of files without sound."""
    domain = study.domain
    cut = max(1, round(seconds * domain.sample_rate))
    length = padded_length(classifier, domain, cut)
    clips, errors = [], {}
    for path in paths:
        try:
            samples = read_clip(path, domain.sample_rate).samples[:cut]
        except AudioError as error:
            errors[path] = error
        else:
            clips.append(np.pad(samples, (0, length - len(samples))))
    if not clips:
        raise ValueError(str(next(iter(errors.values()))))
    return jnp.asarray(np.stack(clips)), errors


def print_table(where: dict, rows: list[dict], fractions: list[float]) -> None:
    """One domain: a line per judge, ranking and edit, a column per fraction."""
    say("", f"{where['model']} in {where['domain']}, {where['clips']} clips, % (95 % interval)")
    lines = [["judge", "ranking", "edit", *(f"{fraction:.3g}" for fraction in fractions)]]
    for row in rows:
        if "edit" not in row:
            cells = [_cell(row["mean"], row["low"], row["high"])]
            lines.append([row["judge"], "nothing edited", "", *cells, *[""] * (len(fractions) - 1)])
            continue
        ends = zip(row["mean"], row["low"], row["high"], strict=True)
        lines.append([row["judge"], row["ranking"], row["edit"], *(_cell(*end) for end in ends)])
    print_aligned(lines)


def _cell(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.0f} ({100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    sys.exit(run_main(main))

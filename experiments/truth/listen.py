"""What listeners hear of explanations of mixtures: does the kept part hold the word alone?

    python -m experiments.truth.listen --data DIR --out runs/truth_listen

A word with speech, noise or music over it at 0 dB; a keyword classifier that hears the word all
the same is explained, and the most relevant part is played to pocketsphinx, which nobody here
trained, and to DNSMOS, an estimate of what people would say. Nobody was asked to listen. Beside
them stand SI-SDR and the log-mel distance to the word without the mixture, and as controls the
largest units, and units at random.
"""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from tqdm import tqdm

from audioxai_jax import load_classifier, load_listener, map_examples
from audioxai_jax.cli.console import (
    Parser,
    add_data_option,
    output_folder,
    positive,
    printable,
    run_main,
    say,
    write_rows,
)
from audioxai_jax.cli.provenance import describe_run
from audioxai_jax.core.files import replace_file
from audioxai_jax.data.tasks import Clips
from audioxai_jax.metrics.audio_quality import log_mel_distance, si_sdr
from audioxai_jax.statistics.intervals import mean_with_intervals
from audioxai_jax.synthesis.bases import BASES
from experiments.strangers import clips as chosen
from experiments.strangers import quality
from experiments.strangers.asked import FLOOR, make_ears, make_method, optional
from experiments.strangers.listeners import NOTHING, RATE
from experiments.strangers.protocol import (
    Study,
    arms,
    level_factor,
    make_study,
    one_clip,
    with_floor,
)
from experiments.strangers.ranking import RANKS
from experiments.truth.heard import markdown
from experiments.truth.mixtures import KINDS, mixed

CLASSIFIER, TASK, UNIT = "gainshape32_keywords", "keywords", "cell"
METHODS = ("lrp", "ig", "input_x_gradient", "saliency")
AT_ONCE = 6
Row = dict[str, Any]


def read_options():
    parser = Parser(description=(__doc__ or "").split("\n")[0])
    add_data_option(parser)
    add = parser.add_argument
    add("--out", type=output_folder, required=True, metavar="DIR", help="folder of the results")
    add("--methods", nargs="+", default=list(METHODS), metavar="NAME")
    add("--clips", type=positive, default=60, help="words, of each kind; default: %(default)s")
    add("--rated", type=positive, default=20, help="of them for DNSMOS; default: %(default)s")
    add("--keep", type=float, default=0.2, help="part of the units; default: %(default)s")
    add("--rank", default="hearable", choices=RANKS)
    add("--part", default="test", choices=("val", "test"))
    add("--seed", type=int, default=0)
    add("--no-quality", action="store_true", help="no DNSMOS")
    options = parser.parse_args()
    if not 0 < options.keep < 1:
        parser.error(f"--keep {options.keep}: must lie between 0 and 1")
    return options


def main() -> None:
    options = read_options()
    classifier = load_classifier(CLASSIFIER)
    split = chosen.split_of(TASK, classifier.manifest)
    clips = chosen.choose(options.data, TASK, split, options.part, options.clips, options.seed)
    study = make_study(
        classifier,
        load_listener(f"{TASK}_listener"),
        None,
        classifier.reads,
        {name: make_method(name, classifier) for name in options.methods},
        BASES["own"](),
        unit=UNIT,
        rank=options.rank,
        fractions=(options.keep,),
        draws=1,
    )
    opinion = None if options.no_quality else optional(quality.opinion)
    rows: list[Row] = []
    with make_ears(TASK, 1) as ears:
        for kind in tqdm(KINDS, printable("mixtures"), mininterval=2):
            rows += of_kind(kind, study, clips, ears, opinion, options)
    settings = {"classifier": CLASSIFIER, "split": f"{split}, {options.part}", "floor_db": FLOOR}
    settings |= {name: getattr(options, name) for name in ("clips", "keep", "rank", "seed")}
    write_rows(options.out / "listen.json", {"settings": settings, "rows": rows})
    write_rows(options.out / "provenance.json", describe_run("python -m experiments.truth.listen"))
    text = markdown(rows, settings)
    replace_file(options.out / "listen.md", text.encode())
    say(*text.splitlines())


def of_kind(kind: str, study: Study, clips: Clips, ears: Any, opinion: Any, options) -> list[Row]:
    """A row of each sound: the words, the mixtures, what is kept of them."""
    mixtures, words = mixed(kind, clips, seed=options.seed)
    examples = {"audio": mixtures, "number": chosen.numbers(clips)}
    key = jax.random.key(options.seed)
    made = jax.tree.map(
        np.asarray, map_examples(one_clip, (study, key), examples, key=key, chunk=1)
    )
    right = np.flatnonzero(made["prediction"] == clips.target)
    if not len(right):
        raise ValueError(f"the classifier hears no word in the {len(clips)} mixtures with {kind}")
    clean, noise = words[right].astype(np.float32) / 2**15, made["noise"][right]
    sounds = {"word alone": clean} | kept_sounds(study, made["sounds"][right])
    truth, rows = chosen.true_words(TASK, clips)[right], []
    speakers = np.unique(clips.speaker[right], return_inverse=True)[1]
    for name, heard in sounds.items():
        floored = with_floor(heard, noise, level_factor(FLOOR), 0)
        answer = ears.hear(floored)
        values = {"heard": answer == truth, "nothing": answer == NOTHING}
        values |= of_sounds(heard, clean, key) if name != "word alone" else {}
        if opinion is not None:
            said = map_examples(_scored, opinion, floored[: options.rated], key=key, chunk=AT_ONCE)
            values |= {"SIG": said[:, 0], "OVR": said[:, 2]}
        row: Row = {"kind": kind, "sound": name, "clips": len(right), "words": len(clips)}
        rows.append(row | {k: summary(v, key, speakers) for k, v in values.items()})
    return rows


def kept_sounds(study: Study, sounds: np.ndarray) -> dict[str, np.ndarray]:
    """Whole mixtures, and what each ranking keeps, `[N, T]` each, of all arms `[N, A, T]`."""
    names = {"original": "mixture", "trip": "mixture, codec only"}
    return {
        names.get(arm["ranking"], arm["ranking"]): sounds[:, place]
        for place, arm in enumerate(arms(study))
        if arm.get("edit", "keep") == "keep"
    }


def of_sounds(heard: np.ndarray, clean: np.ndarray, key: Array) -> dict[str, np.ndarray]:
    """SI-SDR, dB, and log-mel distance, nepers, to the word alone, `[N]` each."""
    pairs = (jnp.asarray(heard), jnp.asarray(clean))
    return {
        name: np.asarray(v) for name, v in map_examples(_distances, None, pairs, key=key).items()
    }


def _distances(_: None, pair: tuple[Array, Array], key: Array) -> dict[str, Array]:
    del key
    distance = log_mel_distance(*pair, sample_rate=RATE)
    return {"si_sdr": si_sdr(*pair), "mel": distance}


def _scored(opinion: Any, sound: Array, _: Array) -> Array:
    return opinion(sound)


def summary(values: Any, key: Array, speakers: np.ndarray) -> dict[str, float]:
    """Mean and 95 % interval, over speakers where there are ten or more."""
    values = np.asarray(values, np.float32)
    ends = mean_with_intervals(values, key, speakers=speakers[: len(values)])
    chosen_ends = {name: ends.get(f"speakers_{name}", ends[name]) for name in ("low", "high")}
    return {k: round(float(v), 4) for k, v in ({"mean": ends["mean"]} | chosen_ends).items()}


if __name__ == "__main__":
    sys.exit(run_main(main))

"""Why a waveform network heard what it heard, as sounds side by side on one page.

    python -m experiments.heat_maps.run --data DIR --clips 10 --out heat_maps.html \
        --network RUNS/fsdd_digit/audionet_modern/without_theo/audionet
    python -m experiments.heat_maps.run --network PATH --out heat_maps.html 3_01_7.wav 5_12_0.wav

The network is one of `experiments/audiomnist/reproduce.py`. With `--data`, clips are those of its
test part; the latent classifier may know their speaker, and the page says without whom each
learned. For each clip: the original, heat maps by LRP and by Integrated Gradients, the most
relevant frequencies by DFT-LRP, a latent explanation by a codec and its classifier, and the
formula ReLU(x) R as it was published (Becker et al., arXiv 1807.03418v3). Prints what the page
says of each sound: medians over clips, the highest peak and the worst click.
"""

import re
import sys
from pathlib import Path

import numpy as np

from audioxai_jax import integrated_gradients
from audioxai_jax.cli.console import (
    Parser,
    add_codec_options,
    add_json_option,
    output_file,
    positive,
    run_main,
    say,
    say_each,
    write_rows,
)
from audioxai_jax.core.files import make_folder, replace_file
from audioxai_jax.data.audio import read_clip
from audioxai_jax.dft_lrp.frequency import frequency_relevance
from audioxai_jax.nets.classifiers import audionet
from audioxai_jax.propagation import lrp
from audioxai_jax.weights.load import load_classifier, load_codec, read_checkpoint
from experiments.audiomnist import clips as audiomnist
from experiments.heat_maps.make import HeatMapClip, make_heat_maps
from experiments.heat_maps.page import heat_map_page

RATE, SAMPLES = audiomnist.SAMPLE_RATE, audiomnist.SAMPLES
NAMED = re.compile(r"(?P<Spoken>\d)_(?P<Speaker>[A-Za-z0-9]+)_\d+")


def read_options():
    """The command line, checked."""
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="CLIP", help="of a second at most")
    parser.add_argument("--network", required=True, metavar="PATH", help="of a waveform network")
    parser.add_argument("--data", help="data sets: clips of the network's test part")
    parser.add_argument("--dataset", default="fsdd", choices=("audiomnist", "fsdd"))
    parser.add_argument("--clips", type=positive, default=10, help="of these")
    add_codec_options(parser)
    parser.add_argument("--classifier", default="digits", help="of its latents, name or path")
    parser.add_argument("--keep", type=float, default=0.1, help="fraction; default: %(default)s")
    parser.add_argument("--steps", type=positive, default=64, help="of Integrated Gradients")
    parser.add_argument("--title", default="What a digit network listens to")
    parser.add_argument(
        "--out",
        type=output_file,
        default=Path("heat_maps.html"),
        metavar="FILE",
        help="the page; default: %(default)s",
    )
    add_json_option(parser)
    options = parser.parse_args()
    if bool(options.files) == bool(options.data):
        parser.error("name clips, or --data DIR to take them from: one of both")
    return options


def main() -> None:
    options = read_options()
    make_folder(options.out.parent)

    network = read_checkpoint(options.network, "network")
    model, manifest = network.network.build(network.config, network.params), network.manifest
    if manifest["network"] != "audionet":
        raise ValueError(f"{options.network}: reads spectrograms, a network of waveforms is needed")
    codec = load_codec(options.codec, options.codec_weights)
    classifier = load_classifier(options.classifier, codec)
    theirs = classifier.manifest or {}
    path = integrated_gradients(steps=options.steps)
    waveforms = (
        held_out(options, manifest)
        if options.data
        else {file.name: one_second(file) for file in options.files}
    )
    trained = {
        "The network learned": manifest["split"].replace("_", " "),
        "The latent classifier learned": str(theirs.get("split", "?")).replace("_", " "),
    }
    made = []
    for name, waveform in waveforms.items():
        named = NAMED.fullmatch(Path(name).stem)
        made.append(
            make_heat_maps(
                model,
                waveform,
                np.asarray(audionet.features(network.config, waveform)),
                {"LRP": lrp("epsilon_plus"), "Integrated Gradients": path},
                name=name,
                labels=tuple(manifest["labels"]),
                facts=(named.groupdict() if named else {}) | trained,
                sample_rate=RATE,
                keep=options.keep,
                frequency_relevance=frequency_relevance,
                classifier=classifier,
                latent_method=path,
            )
        )
    replace_file(options.out, heat_map_page(made, title=options.title))
    print_table([clip for clip in made if clip.sounds[clip.original].samples.any()])
    table = [(clip, name) for clip in made for name in clip.sounds]
    rows = [{"clip": clip.name, "sound": name, **clip.measures(name)} for clip, name in table]
    write_rows(options.json, rows)
    say("", f"Listen: open {options.out}")


def held_out(options, manifest) -> dict[str, np.ndarray]:
    """Waveforms of the network's test part by name, evenly from all of it."""
    clips = audiomnist.load(options.data, options.dataset, manifest["task"])
    say_each(options.dataset, clips.outcome.lines())
    clips = clips.part(manifest["split"], "test")
    wanted = np.linspace(0, len(clips) - 1, options.clips).round().astype(int)
    clips = clips[np.unique(wanted)]
    sounds = clips.audio.astype(np.float32) / 32768
    return {Path(file).name: sound for file, sound in zip(clips.file, sounds, strict=True)}


def one_second(file: Path) -> np.ndarray:
    """A clip in the middle of a second of zeros, float32 `[8000]`; full scale is 1."""
    samples = read_clip(file, RATE).samples
    if len(samples) > SAMPLES:
        raise ValueError(f"{file}: lasts {len(samples) / RATE:.2f} s, the network hears 1 s")
    before = (SAMPLES - len(samples)) // 2
    return np.pad(samples, (before, SAMPLES - len(samples) - before))


def print_table(clips: list[HeatMapClip]) -> None:
    """Of clips that are not silent: beside silence there are no levels."""
    if not clips:
        return
    say("| sound | level, dB | highest peak | clicks, dB | worst |", "|---" * 5 + "|")
    for name in clips[0].sounds:
        rows = [clip.measures(name) for clip in clips]
        level, clicks = (float(np.median([r[k] for r in rows])) for k in ("level_db", "clicks_db"))
        peak, worst = (max(row[key] for row in rows) for key in ("peak", "clicks_db"))
        say(f"| {name} | {level:.1f} | {peak:.2f} | {clicks:.1f} | {worst:.1f} |")


if __name__ == "__main__":
    sys.exit(run_main(main))

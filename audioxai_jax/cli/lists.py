"""`audioxai methods`, `models` and `codecs`: what can be named to `audioxai explain`."""

import argparse
import inspect

from audioxai_jax.terminal import first_line, print_aligned

OUR_LICENCE = "Apache-2.0"


def add_commands(commands) -> None:
    """Adds the three to the commands of a parser."""
    methods = commands.add_parser("methods", help="list attribution methods and their options")
    methods.set_defaults(run=_methods)
    models = commands.add_parser("models", help="list the codecs and classifiers that come along")
    models.set_defaults(run=_models)
    codecs = commands.add_parser("codecs", help="list codecs: shipped ones and published ones")
    codecs.set_defaults(run=_codecs)


def _methods(options: argparse.Namespace) -> int:
    from audioxai_jax.attribution import METHODS

    width = max(map(len, METHODS))
    for name, factory in METHODS.items():
        settings = [
            str(parameter).split(":")[0] + f"={parameter.default}"
            for parameter in inspect.signature(factory).parameters.values()
        ]
        print(f"{name:{width}} {first_line(inspect.getdoc(factory) or '')}")
        if settings:
            print(f"{'':{width}} --set {' --set '.join(settings)}")
    return 0


def _models(options: argparse.Namespace) -> int:
    from audioxai_jax import pretrained, weights_file

    for kind, names in pretrained.available().items():
        for name in names:
            manifest = weights_file.read_manifest(pretrained.shipped_folder() / name)
            note = manifest.get("note") or manifest["network"]
            metrics = ", ".join(f"{k} {v:.3g}" for k, v in manifest.get("metrics", {}).items())
            print(f"{kind:11} {name:22} {note}" + (f" ({metrics})" if metrics else ""))
    return 0


def _codecs(options: argparse.Namespace) -> int:
    import jax
    import jax.numpy as jnp

    from audioxai_jax import pretrained
    from audioxai_jax.published.table import CODECS

    lines = [("codec", "sound", "latent per second", "weights", "their licence")]
    shipped = pretrained.available()["codec"]
    for name in shipped:
        codec, manifest = pretrained.load_codec(name)
        second = jax.ShapeDtypeStruct((codec.sample_rate,), jnp.float32)
        frames, channels = jax.eval_shape(codec.encode, second).shape
        lines.append((name, f"{codec.sample_rate} Hz", f"{frames} frames x {channels}",
                      "shipped", manifest.get("licence", OUR_LICENCE)))  # fmt: skip
    for name, entry in CODECS.items():
        lines.append((name, f"{entry.sample_rate} Hz", f"{entry.frames} frames x {entry.channels}",
                      entry.source + " (as a pickle only)" * entry.as_pickle,
                      entry.licence))  # fmt: skip
    print_aligned(lines)
    known = next(name for name, entry in CODECS.items() if entry.on_hub)
    print(
        "\nThose that are not shipped need --codec-weights: a folder that holds the files, or a "
        f"repository's name,\nwhich is downloaded: audioxai explain CLIP --codec {known} "
        f"--codec-weights {CODECS[known].source}"
    )
    return 0

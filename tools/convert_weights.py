"""Writes a published codec as a checkpoint of this library: a .safetensors file and a manifest.

    python -m tools.convert_weights --codec NAME --weights DIR_OR_REPOSITORY --out FOLDER

The manifest names the source, its licence as stated there, and the sha256 of each file. The
checkpoint is loaded by its path, `--codec FOLDER/NAME`, without the files that it was made of;
classifiers fit both. `audioxai codecs` lists the names.
"""

import sys
from pathlib import Path

from audioxai_jax.cli.console import Parser, output_folder, run_main, say
from audioxai_jax.weights import file_format, load
from audioxai_jax.weights.file_format import WeightsError
from audioxai_jax.weights.published.codecs import read_published
from audioxai_jax.weights.published.table import PUBLISHED


def main() -> None:
    parser = Parser(description=__doc__.split("\n")[0])
    parser.add_argument("--codec", required=True, choices=PUBLISHED)
    parser.add_argument("--weights", required=True, metavar="DIR_OR_REPOSITORY")
    parser.add_argument("--out", type=output_folder, required=True, metavar="FOLDER")
    parser.add_argument("--overwrite", action="store_true", help="replace a checkpoint there")
    options = parser.parse_args()

    written = options.out / options.codec
    for file in (Path(f"{written}.safetensors"), Path(f"{written}.json")):
        if file.exists() and not options.overwrite:
            raise WeightsError(f"{file}: exists already; add --overwrite to replace it")
    codec, params = read_published(options.codec, options.weights)
    manifest = codec.manifest or {}
    file_format.write(options.out, codec.name, dict(manifest), params)
    load.load_codec(written)  # what cannot be loaded again is said now
    say(
        f"{written}.safetensors and .json; source {manifest['source']}, licence "
        f"{manifest['licence']}, sha256 {codec.fingerprint[:12]}.."
    )


if __name__ == "__main__":
    sys.exit(run_main(main))

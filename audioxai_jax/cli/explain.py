"""`audioxai explain`: a folder per clip, and a table of what the model hears in each part."""

import argparse
import logging
import os
from pathlib import Path

from audioxai_jax.cli.console import BUNDLED, add_codec_options, message, print_error
from audioxai_jax.cli.options import SMALLEST, CliError, load, parse_keep
from audioxai_jax.cli.rows import Rows, json_place
from audioxai_jax.core.files import OutputError, check_folder


def add_command(commands) -> None:
    """Adds it to the commands of a parser."""
    explain = commands.add_parser(
        "explain",
        help="explain what a model hears in sound files",
        description="Writes a folder per clip: sounds to listen to, and report.html to read. "
        "FILE.py:FUNCTION stands for a codec, classifier or method of your own.",
    )
    add = explain.add_argument
    add("clips", nargs="*", type=Path, metavar="CLIP", help="sound files; a bundled one if none")
    add("--out", type=Path, default=Path("explanation"), metavar="DIR", help="default: %(default)s")
    add_codec_options(explain)
    add("--classifier", metavar="NAME", help="default: the one that comes with the codec")
    add("--method", default="integrated_gradients", metavar="NAME", help="default: %(default)s")
    add("--set", action="append", default=[], metavar="OPTION=VALUE", help="of the method")
    add(
        "--keep",
        type=parse_keep,
        default=0.1,
        metavar="FRACTION",
        help="kept, or 'smallest': the fewest whose "
        "sound is still heard as the class explained; default: %(default)s",
    )
    add("--rank", default="signed", help="signed (default) or absolute")
    add(
        "--unit",
        default="feature",
        help="kept or replaced: feature (default), frame or channel",
    )
    add(
        "--base",
        default="zero",
        help="stands in for what is removed: zero (default), mean, "
        "noise, silence, level_matched (noise as loud as the clip)",
    )
    add("--target", metavar="LABEL", help="explain this class; default: the one that is heard")
    add(
        "--channel",
        default="mix",
        metavar="CHANNEL",
        help="of the clips: mix (default), the mean of all, left, right or a number from 1",
    )
    add("--seed", type=int, default=0, help="of everything random; default: %(default)s")
    add("--json", type=json_place, metavar="FILE", help="write the table's rows here, - is stdout")
    add("--level-match", action="store_true", help="write all sounds as loud as the original")
    add("--overwrite", action="store_true", help="replace earlier explanations in DIR")
    explain.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    clips = options.clips or [BUNDLED]
    if not options.clips and not BUNDLED.is_file():
        raise CliError("no clip comes with this installation: name a sound file")
    try:
        check_folder(options.out)
    except OutputError as error:
        raise CliError(f"--out {error}") from None
    if options.json is not None and options.json.exists():
        for clip in filter(Path.exists, clips):
            if clip.samefile(options.json):
                raise CliError(f"--json {options.json}: is a clip to explain, not replaced")
    from audioxai_jax.cli.progress import Progress
    from audioxai_jax.data.channels import channel_name

    try:
        channel_name(options.channel)
    except ValueError as error:
        raise CliError(f"--{error}") from None

    rows = Rows(options.json)
    with Progress(2 * len(clips) + 1) as progress:
        try:
            refused = _explain_all(options, clips, rows, progress)
        finally:  # what is done is said and kept, also if the command is stopped
            rows.close(options.out)
    for error in refused:
        print_error(error)
    return 1 if refused else 0


def _explain_all(
    options: argparse.Namespace, clips: list[Path], rows: Rows, progress
) -> list[Exception | str]:
    """Gives rows of the table, and returns the errors of the clips that were not explained."""
    _use_compilation_cache()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its caches are its own affair
    from audioxai_jax.cli import user_files
    from audioxai_jax.data.audio import read_clip
    from audioxai_jax.data.sound_files import AudioError
    from audioxai_jax.report import folder as folders
    from audioxai_jax.runs.explain_clips import explain_clip

    codec, classifier, settings, names = load(options)
    own = filter(user_files.is_plugin, (options.codec, options.classifier, options.method))
    own = list(dict.fromkeys(own))
    expected = Exception if own else (ValueError, TypeError, RuntimeError, OSError, MemoryError)
    refused: list[Exception | str] = []
    progress.step("models loaded")
    names_of_folders = folders.folder_names(clips)
    rows.begin(names_of_folders, classifier.labels, progress, smallest=options.keep == SMALLEST)
    for path, name in zip(clips, names_of_folders, strict=True):
        folder = options.out / name
        try:
            folders.check_free(folder, overwrite=options.overwrite)
            clip = read_clip(path, codec.sample_rate, channel=options.channel)
            found = explain_clip(codec, classifier, clip, settings)
            progress.step(f"{name} explained")
            facts = folders.describe(found, settings, **names, level_match=options.level_match)
            folders.write_folder(folder, found, facts, overwrite=options.overwrite)
            progress.step(f"{name} written")
        except expected as error:
            place = "".join(user_files.place(error, spec) for spec in own)
            known = isinstance(error, (AudioError, folders.FolderError))
            if isinstance(error, OSError) and not place:
                error = f"{folder} cannot be written: {error.strerror or error}"
            if isinstance(error, MemoryError):
                error = "needs more memory than there is"
            refused.append(error if known else f"{place}{path}: {message(error)}")
            progress.step(f"{name} refused", 2)
        else:
            rows.add(folder, facts)
    return refused


def _use_compilation_cache() -> None:
    """Compiled programs are kept in the user's cache folder, if there is one to write to."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        try:
            home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
            folder = Path(home) / "audioxai_jax"
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):
            return
        if not os.access(folder, os.W_OK):
            return
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)

"""`audioxai explain`: a folder per clip, and a table of what the model hears in each part."""

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioxai_jax.cli.console import error_text, print_error
from audioxai_jax.cli.options import (
    EXAMPLES,
    SMALLEST,
    CliError,
    ExplainOptions,
    add_explain_options,
    read_options,
)
from audioxai_jax.cli.rows import Rows, rows_columns
from audioxai_jax.core.files import OutputError, check_folder


def add_command(commands) -> None:
    """Adds it to the commands of a parser."""
    parser = commands.add_parser(
        "explain",
        help="explain what a model hears in sound files",
        description="Explains what a model hears in sound files. Writes a folder per clip: sounds "
        "to listen to, and report.html to read.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_explain_options(parser)
    parser.set_defaults(run=lambda chosen: _run(read_options(chosen)))


def _run(options: ExplainOptions) -> int:
    from audioxai_jax.cli.progress import Progress

    _check_places(options)
    rows = Rows(options.json)
    with Progress(2 * len(options.clips) + 1) as progress:
        try:
            refused = _explain_all(options, rows, progress)
        finally:  # finished rows are printed and kept, also if the command is stopped
            rows.close(options.out)
    for error in refused:
        print_error(error)
    return 1 if refused else 0


def _check_places(options: ExplainOptions) -> None:
    """Refuses places that cannot be written, and a channel that cannot exist, before the work."""
    from audioxai_jax.data.channels import channel_name

    try:
        check_folder(options.out)
    except OutputError as error:
        raise CliError(f"--out {error}") from None
    if options.json is not None and options.json.exists():
        for clip in filter(Path.exists, options.clips):
            if clip.samefile(options.json):
                raise CliError(f"--json {options.json}: is a clip to explain, not replaced")
    try:
        channel_name(options.channel)
    except ValueError as error:
        raise CliError(f"--{error}") from None


def _explain_all(options: ExplainOptions, rows: Rows, progress: Any) -> list[Exception | str]:
    """Gives rows of the table, and returns the errors of the clips that were not explained."""
    _use_compilation_cache()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns about its caches
    from audioxai_jax.cli.assessing import assess_model
    from audioxai_jax.cli.loading import load
    from audioxai_jax.data.audio import read_clip
    from audioxai_jax.report import folder as folders
    from audioxai_jax.runs.describe import describe
    from audioxai_jax.runs.explain_clips import explain_clip, label_names
    from audioxai_jax.runs.predictions import outputs_of

    loaded = load(options)
    classifier, settings = loaded.classifier, loaded.settings
    domain = settings.domain or classifier.reads
    own_files = _user_files(options)
    expected = (ValueError, TypeError, RuntimeError, OSError, MemoryError)
    refused: list[Exception | str] = []
    progress.step("models loaded")
    names = folders.folder_names(options.clips)
    columns = rows_columns(
        exact=domain.exact or options.residual == "keep",
        codec=loaded.names.codec is not None,
        listener=settings.listener is not None,
        smallest=options.keep == SMALLEST,
        value=classifier.outputs == "value",
    )
    labels = label_names(classifier)
    rows.begin(names, labels, columns, progress, outputs_of(classifier, len(labels)))
    assess_model(loaded, options, lambda *lines: progress.say(*lines, file=rows.stream))
    for path, name in zip(options.clips, names, strict=True):
        folder = options.out / name
        try:
            folders.check_free(folder, overwrite=options.overwrite)
            clip = read_clip(path, domain.sample_rate, channel=options.channel)
            explained = explain_clip(classifier, clip, settings)
            progress.step(f"{name} explained")
            result = describe(
                explained,
                settings,
                loaded.names,
                level_match=options.level_match,
                floor_db=options.floor,
            )
            folders.write_folder(folder, result, overwrite=options.overwrite)
            progress.step(f"{name} written")
        except Exception if own_files else expected as error:
            refused.append(_refusal(error, path, folder, own_files))
            progress.step(f"{name} refused", 2)
        else:
            rows.add(folder, result)
    return refused


def _user_files(options: ExplainOptions) -> list[str]:
    """The FILE.py:FUNCTION of a command, each once."""
    from audioxai_jax.cli.foreign_models import users_file

    named = (options.codec, options.model, options.listener, options.method)
    files = (users_file(name) for name in named if name)
    return list(dict.fromkeys(file for file in files if file))


def _refusal(
    error: Exception, path: Path, folder: Path, own_files: Sequence[str]
) -> Exception | str:
    """One line about a clip that was not explained."""
    from audioxai_jax.cli import user_files
    from audioxai_jax.data.sound_files import AudioError
    from audioxai_jax.report.folder import FolderError

    if isinstance(error, (AudioError, FolderError)):
        return error
    place = "".join(user_files.place(error, spec) for spec in own_files)
    said: object = error
    if isinstance(error, OSError) and not place:
        said = f"{folder} cannot be written: {error.strerror or error}"
    if isinstance(error, MemoryError):
        said = "needs more memory than there is"
    return f"{place}{path}: {error_text(said)}"


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

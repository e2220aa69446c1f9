"""A resumable training loop: killed at any moment, it continues from its last state."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from audioxai_jax.core.extras import needed_by
from audioxai_jax.core.files import check_settings, make_folder, replace_file
from audioxai_jax.core.text import printable

with needed_by("audioxai_jax.training"):
    import orbax.checkpoint as ocp

FORMAT = 1
"""Of a saved state: the items "state" and "about", see `_about`."""

Advance = Callable[[Any, int], tuple[Any, dict[str, Any]]]


def train(
    advance: Advance,
    state: Any,
    *,
    steps: int,
    folder: str | Path,
    title: str,
    settings: Mapping[str, Any],
    log_every: int = 50,
    save_every: int = 500,
    evaluate: Callable[[Any], dict[str, float]] | None = None,
) -> Any:
    """Runs `state, metrics = advance(state, step)` for step 0 to `steps - 1`.

    Whatever is random in `advance` must follow from the step number alone; a resumed run
    then ends with the same weights as an uninterrupted one. The state is saved every
    `save_every` steps in `<folder>/state`; each call first looks there.
    `<folder>/log.jsonl` gets a line per `log_every` steps: step, seconds that the training has
    taken up to it, mean metrics, and what `evaluate(state)` returns whenever the state is
    saved. Lines of steps that a killed run did not save are dropped when it goes on.

    Args:
      state: pytree of arrays, as at step 0.
      title: shown by the progress bar.
      settings: JSON values, beside `steps`, that decide what is learned: of what, how. They
        are kept with the state, and only a training with the same ones goes on from it.

    Returns:
      The state after `steps` steps.

    Raises:
      ValueError: if the folder holds the state of another training, or one that is damaged,
        or was written by a newer version.
    """
    folder, settings = Path(folder).absolute(), {**settings, "steps": steps}
    make_folder(folder)
    options = ocp.CheckpointManagerOptions(max_to_keep=2)
    with ocp.CheckpointManager(folder / "state", options=options) as manager:
        first = manager.latest_step() or 0
        if first:
            state = _restore(manager, first, state, settings, folder / "state" / str(first))
        began, recent = time.monotonic() - _cut_log(folder / "log.jsonl", first), []
        bar = tqdm(range(first, steps), printable(title), initial=first, total=steps, mininterval=2)
        for step in bar:
            state, metrics = advance(state, step)
            recent.append(metrics)
            done = step + 1
            save = done % save_every == 0 or done == steps
            if done % log_every == 0 or save:
                line = {name: float(np.mean([m[name] for m in recent])) for name in metrics}
                bar.set_postfix(loss=f"{line['loss']:.3f}")
                if save and evaluate is not None:
                    line |= evaluate(state)
                _append(folder / "log.jsonl", done, time.monotonic() - began, line)
                recent = []
            if save:
                save_state, save_about = ocp.args.StandardSave, ocp.args.JsonSave
                about = {**_about(state), "settings": settings}
                items = {"state": save_state(state), "about": save_about(about)}
                manager.save(done, args=ocp.args.Composite(**items))
    return state


def _restore(
    manager: ocp.CheckpointManager, step: int, fresh: Any, settings: Mapping[str, Any], place: Path
) -> Any:
    """The state of a step, if it is what was saved and fits the fresh one."""
    instead = f"remove {place} to go on from an earlier step, or choose another folder"
    try:
        about = manager.restore(step, args=ocp.args.Composite(about=ocp.args.JsonRestore()))
        about = about["about"]
        if about["format"] > FORMAT:
            raise ValueError(
                f"{place} was saved by a newer version (format {about['format']}, this one reads "
                f"{FORMAT}): update audioxai_jax, or choose another folder"
            )
        if about["leaves"] != _about(fresh)["leaves"]:
            raise ValueError(
                f"{place} holds the state of a training of something else (another network or "
                "optimiser): choose another folder, or remove that one"
            )
        check_settings(place, about.get("settings", {}), settings)
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, fresh)
        restore = ocp.args.Composite(state=ocp.args.StandardRestore(abstract))
        state = manager.restore(step, args=restore)["state"]
        intact = _about(state)["sha256"] == about["sha256"]
    except ValueError as error:
        if str(error).startswith(str(place)):
            raise
        raise ValueError(f"{place} cannot be read, it is damaged or foreign: {instead}") from error
    except Exception as error:  # whatever orbax raises for missing, cut or garbled files
        raise ValueError(f"{place} cannot be read, it is damaged or foreign: {instead}") from error
    if not intact:  # orbax restores flipped bytes without a word
        raise ValueError(f"{place} is damaged, its sha256 is another one: {instead}")
    return state


def _about(state: Any) -> dict[str, Any]:
    """What is saved beside a state: format, names with shapes and types, hash of the values."""
    leaves, digest = {}, hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        array = np.asarray(leaf)
        leaves[jax.tree_util.keystr(path)] = f"{array.dtype} {list(array.shape)}"
        digest.update(np.ascontiguousarray(array).tobytes())
    return {"format": FORMAT, "leaves": leaves, "sha256": digest.hexdigest()}


def _cut_log(path: Path, step: int) -> float:
    """Drops what was logged after a step, and returns the seconds that it took to get there."""
    lines = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            lines.append(json.loads(line))
        except ValueError:  # cut short by a crash, in the midst of steps that count no longer
            break
    kept = [line for line in lines if line["step"] <= step]
    if path.is_file():
        replace_file(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
    return kept[-1]["seconds"] if kept else 0.0


def _append(path: Path, step: int, seconds: float, line: dict[str, float]) -> None:
    rounded = {name: float(f"{value:.5g}") for name, value in line.items()}
    with path.open("a") as stream:
        stream.write(json.dumps({"step": step, "seconds": round(seconds, 1), **rounded}) + "\n")

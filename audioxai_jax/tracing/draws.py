"""Finds dropout and batch statistics in what a model computes, whatever library wrote it.

Random numbers alone are no fault: random features have fixed ones. Dropout is a random yes or no
that selects, or multiplies, what depends on the input; or random numbers drawn within a layer of
that name. Batch statistics are sums over what depends on the input, within a layer so named.
"""

import re
from collections.abc import Callable
from typing import Any

DRAWS = frozenset("random_bits threefry2x32 rng_bit_generator rng_uniform".split())
SUMS = frozenset("reduce_sum psum psum_invariant".split())
COMPARISONS = frozenset("lt le gt ge eq ne".split())
KEEPING = frozenset(
    "convert_element_type mul div broadcast_in_dim reshape squeeze transpose copy stop_gradient "
    "and or not".split()
)
"""Of a yes or no, these leave one, perhaps as 0 or some other number."""

LAYERS = re.compile(r"[\\/](flax|equinox|haiku|keras)[\\/]")
DROPPING = re.compile(r"(Dropout|GaussianNoise|DropPath|DropConnect)\w*\.(__call__|call)$")
BATCH = re.compile(r"BatchNorm\w*\.(__call__|call)$")

INPUT, RANDOM, CHOICE = 1, 2, 4
"""What a value comes from; a choice is a random yes or no."""


def training_layers(closed: Any, frames: Callable[[Any], list]) -> list[tuple[str, Any]]:
    """("dropout" or "batch statistics", the equation), once for each place.

    Args:
      closed: closed jaxpr of a model; its last input is the example.
      frames: call stack of an equation, what called what, innermost first.
    """
    search = _Search(frames)
    jaxpr = closed.jaxpr
    search.walk(jaxpr, [0] * (len(jaxpr.invars) - 1) + [INPUT], None)
    return list({id(eqn): (what, eqn) for what, eqn in search.found}.values())


class _Search:
    def __init__(self, frames: Callable[[Any], list]) -> None:
        self.frames = frames
        self.found: list[tuple[str, Any]] = []

    def walk(self, jaxpr: Any, entering: list[int], caller: Any) -> list[int]:
        """What the outputs come from; `caller` is the equation that a shared trace belongs to."""
        origins: dict[Any, int] = dict(zip(jaxpr.invars, entering, strict=True))
        read = lambda atom: 0 if hasattr(atom, "val") else origins.get(atom, 0)
        for eqn in jaxpr.eqns:
            flags = [read(atom) for atom in eqn.invars]
            place = eqn if caller is None else caller
            inner = _inner(eqn)
            if inner:
                leaving = self.inside(eqn, inner, flags, place)
            else:
                leaving = [self.one(eqn, flags, place)] * len(eqn.outvars)
            origins.update(zip(eqn.outvars, leaving, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def inside(self, eqn: Any, inner: list, flags: list[int], place: Any) -> list[int]:
        anything, leaving = _union(flags), [0] * len(eqn.outvars)
        for jaxpr in inner:
            skipped = len(flags) - len(jaxpr.invars)
            fits = skipped >= 0 and len(jaxpr.outvars) == len(leaving)
            given = flags[skipped:] if fits else [anything & ~CHOICE] * len(jaxpr.invars)
            for _ in range(2):  # a loop's carry comes back in
                found = self.walk(jaxpr, given, place if _is_jax(jaxpr) else None)
                if eqn.primitive.name == "scan":
                    first, carried = eqn.params["num_consts"], eqn.params["num_carry"]
                    for number in range(carried):
                        given[first + number] |= found[number]
            found = found if fits else [_union(found) | anything & ~CHOICE] * len(leaving)
            leaving = [a | b for a, b in zip(leaving, found, strict=True)]
        return leaving

    def one(self, eqn: Any, flags: list[int], place: Any) -> int:
        name, anything = eqn.primitive.name, _union(flags)
        if name in DRAWS:
            self.look("dropout", DROPPING, place)
            return anything & INPUT | RANDOM
        if name in SUMS and anything & INPUT:
            self.look("batch statistics", BATCH, place)
        drawn = [flag for flag in flags if flag & RANDOM]
        choices = [flag & CHOICE and not flag & INPUT for flag in flags]
        if name == "select_n" and choices[0] and _union(flags[1:]) & INPUT:
            self.found.append(("dropout", place))
        if name == "mul" and any(choices) and anything & INPUT:
            self.found.append(("dropout", place))
        keeps = name in KEEPING and all(flag & CHOICE for flag in drawn)
        if drawn and not anything & INPUT and (name in COMPARISONS or keeps):
            return anything | CHOICE
        return anything & ~CHOICE

    def look(self, what: str, name: re.Pattern, place: Any) -> None:
        """Whether the equation was made within a layer of a library that is named so."""
        for frame in self.frames(place):
            if name.search(frame.function_name) and LAYERS.search(frame.file_name):
                self.found.append((what, place))


def _inner(eqn: Any) -> list:
    """The jaxprs of an equation that calls, repeats or chooses between them."""
    keys = ("jaxpr", "call_jaxpr", "body_jaxpr", "cond_jaxpr", "fun_jaxpr")
    found = [eqn.params[key] for key in keys if key in eqn.params]
    return [getattr(j, "jaxpr", j) for j in (*found, *eqn.params.get("branches", ()))]


def _is_jax(jaxpr: Any) -> bool:
    """JAX's own functions are traced once for all who call them: who did is not known inside."""
    return bool(re.search(r"[\\/]jax[\\/]", str(jaxpr.debug_info.func_filename)))


def _union(flags: list[int]) -> int:
    found = 0
    for flag in flags:
        found |= flag
    return found

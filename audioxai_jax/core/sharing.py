"""Arrays that are in a pytree several times, and travel once."""

from typing import Any

import jax
import numpy as np

from audioxai_jax.core.records import record


@record(static=("structure", "places"))
class Distinct:
    """A pytree whose leaves that are one object are arguments of a program once; see `distinct`."""

    leaves: tuple[Any, ...]
    structure: Any
    places: tuple[int, ...]

    @property
    def tree(self) -> Any:
        """The pytree itself."""
        return jax.tree.unflatten(self.structure, [self.leaves[place] for place in self.places])


def distinct(tree: Any) -> Distinct:
    """A pytree as an argument of `jit`, such as a codec that is both read and explained.

    Numbers are left alone: two that are equal today may differ tomorrow, in the same program.
    """
    leaves, structure = jax.tree.flatten(tree)
    names = [
        id(leaf) if isinstance(leaf, jax.Array | np.ndarray) else (place,)
        for place, leaf in enumerate(leaves)
    ]
    once = dict(zip(names, leaves, strict=True))
    order = {name: place for place, name in enumerate(once)}
    return Distinct(tuple(once.values()), structure, tuple(order[name] for name in names))

"""The ledger: what became of relevance in each operation."""

from jax import Array

from audioxai_jax.core.records import record


@record(static=("names",))
class Ledger:
    """Sums over each operation, `[operations]` each, in the order of computation.

    Attributes:
      received: relevance of its outputs.
      passed_on: relevance that its inputs got.
      bias: share of the bias (and whatever else a rule counts as constant).
      stabiliser: relevance lost by keeping denominators away from zero.
      names: kind and place of each operation. The operations inside a loop are summed over its
        steps; of the branches of a cond, those that were not taken have zeros.
    """

    received: Array
    passed_on: Array
    bias: Array
    stabiliser: Array
    names: tuple[str, ...]

    @property
    def missing(self) -> Array:
        """What no column explains: rounding, and what a rule does not account for."""
        return self.received - self.passed_on - self.bias - self.stabiliser

    def __str__(self) -> str:
        """A table, of one example."""
        columns = "received passed_on bias stabiliser missing".split()
        width = max(map(len, ("operation", *self.names)))
        lines = ["  ".join(["operation".ljust(width), *(name.rjust(12) for name in columns)])]
        arrays = [getattr(self, name).tolist() for name in columns]
        for name, *row in zip(self.names, *arrays, strict=True):
            lines.append("  ".join([name.ljust(width), *(f"{value:12.5g}" for value in row)]))
        return "\n".join(lines)

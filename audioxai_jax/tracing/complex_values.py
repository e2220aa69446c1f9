"""Equations of complex values, written by real ones where they are not linear.

A graph keeps complex values where they are only weighted by constants, moved, transformed and
added: such a part is one linear map between real values, computed by FFT. A magnitude, a product
of two spectra, a loop's complex state and the like are replaced by equations of real and
imaginary parts.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from audioxai_jax.tracing.affine import MOVES, PRODUCTS, SUMS
from audioxai_jax.tracing.complex_parts import FUNCTIONS, Parts, is_linear, multiply, product
from audioxai_jax.tracing.graph import Equation


class ComplexValues:
    """Writes a builder's complex equations by parts.

    Args:
      builder: `build._Builder`, to which the equations are added.
      run: function that computes a closed jaxpr.
      within: context manager in which new equations take over the place of a given one.
    """

    def __init__(self, builder: Any, run: Callable[..., Any], within: Callable[..., Any]) -> None:
        self.builder, self.run, self.within = builder, run, within
        self.place: tuple[str, str] = "", ""
        self.parts: dict[int, Parts] = {}

    def rewritten(
        self, eqn: Any, inputs: tuple[int, ...], scope: str, source: str
    ) -> tuple[int, ...] | None:
        """The outputs of an equation by parts; None if it stays as it is."""
        if not any(map(_is_complex, (*eqn.invars, *eqn.outvars))):
            return None
        builder, name = self.builder, eqn.primitive.name
        moving = [n in builder.depends for n in inputs]
        complex_ = [self.is_complex(n) for n in inputs]
        counts = [a and b for a, b in zip(moving, complex_, strict=True)]
        if not any(moving) or not (any(counts) or any(map(_is_complex, eqn.outvars))):
            return None
        if name in ("real", "imag"):
            part = self.parts.get(inputs[0], Parts(None, None))[name == "imag"]
            return None if part is None else (part,)
        function = self.function(eqn, inputs, moving)
        if function is None:
            return None
        self.context, self.place = self.within(eqn), (scope, source)
        given = [self.of(n) if flag else n for n, flag in zip(inputs, complex_, strict=True)]
        return self.add(function, *given)

    def function(
        self, eqn: Any, inputs: tuple[int, ...], moving: list[bool]
    ) -> Callable[..., Any] | None:
        """What an equation is, as a function of parts; None if it is linear or unknown."""
        name, params, builder = eqn.primitive.name, eqn.params, self.builder
        if name == "scan":
            return self.loop(params)
        if name == "cond":
            return self.branches(params)
        decided = builder.reading.compares and any(
            n in builder.touched and n not in builder.depends for n in inputs
        )
        sound = all(builder.inexact(n) for n, flag in zip(inputs, moving, strict=True) if flag)
        if is_linear(name, moving) and sound and not decided:
            return None
        if name in PRODUCTS:
            return self.product(eqn)
        if name in MOVES | SUMS:
            return self.moved(eqn)
        if name == "convert_element_type" and not self.is_complex(inputs[0]):
            dtype = _real(params["new_dtype"])
            return lambda v: [Parts(lax.convert_element_type(v, dtype), None)]
        if name not in FUNCTIONS:
            return None
        options = {"y": params["y"]} if name == "integer_pow" else {}
        return lambda *given: [FUNCTIONS[name](*given, **options)]

    def moved(self, eqn: Any) -> Callable[..., Any]:
        """What moves and adds parts alike, by places that are decided while it computes."""

        def function(*given: Any) -> list[Any]:
            columns = zip(*(_filled(v) if _is(v) else (v, v) for v in given), strict=True)
            params = eqn.primitive.get_bind_params(eqn.params)
            found = [eqn.primitive.bind(*column, **params) for column in columns]
            if not eqn.primitive.multiple_results:
                return [Parts(*found)]
            return [Parts(*pair) for pair in zip(*found, strict=True)]

        return function

    def product(self, eqn: Any) -> Callable[..., Any]:
        params = dict(eqn.params)
        if params.get("preferred_element_type") is not None:
            params["preferred_element_type"] = _real(params["preferred_element_type"])
        bind = lambda a, b: eqn.primitive.bind(a, b, **params)
        return lambda z, w: [product(bind, z, w)]

    def loop(self, params: Any) -> Callable[..., Any]:
        """A scan whose states, inputs and outputs are parts."""
        first, carried, body = params["num_consts"], params["num_carry"], params["jaxpr"]
        walk = {name: params[name] for name in ("length", "reverse", "unroll")}

        def function(*given: Any) -> list[Any]:
            consts, start, xs = given[:first], given[first:][:carried], given[first + carried :]

            def step(carry: Any, row: Any) -> Any:
                found = self.run(body)(*map(_joined, (*consts, *carry, *row)))
                found = list(map(_apart, found))
                return found[:carried], found[carried:]

            end, rows = lax.scan(step, list(map(_filled, start)), xs, **walk)
            return [*end, *rows]

        return function

    def branches(self, params: Any) -> Callable[..., Any]:
        """A cond whose operands and outputs are parts."""

        def branch(body: Any) -> Callable[..., list[Any]]:
            return lambda *given: list(map(_apart, self.run(body)(*map(_joined, given))))

        made = [branch(body) for body in params["branches"]]
        return lambda index, *given: lax.switch(index, made, *given)

    def of(self, number: int) -> Parts:
        """The numbers of a value's parts; missing ones are computed by new equations."""
        if number not in self.parts:
            self.parts[number] = self.constant(number) or self.made(number)
        return self.parts[number]

    def constant(self, number: int) -> Parts | None:
        """The parts of a number that is written in the code."""
        value, add = self.builder.constants.get(number), self.builder.constant
        if not isinstance(value, np.ndarray):
            return None
        re, im = np.array(value.real), np.array(value.imag)
        if not im.any():
            return Parts(add(re), None)
        return Parts(add(re) if re.any() else None, add(im))

    def made(self, number: int) -> Parts:
        """The parts of a value that is computed, known from how it is made or read off."""
        maker: Equation | None = self.builder.makers.get(number)
        shape = self.builder.shapes[number]
        known = None if maker is None else self.known(maker, shape)
        if known is None:
            re, im = self.add(lambda z: [z.real, z.imag], number)
            known = Parts(re, im)
        return known

    def known(self, maker: Equation, shape: Any) -> Parts | None:
        name, inputs = maker.name, maker.inputs
        if name == "complex":
            return Parts(inputs[0], inputs[1])
        if name == "convert_element_type" and not self.is_complex(inputs[0]):
            cast = lambda v: [lax.convert_element_type(v, _real(shape.dtype))]
            return Parts(self.add(cast, inputs[0])[0], None)
        if name == "conj":
            z = self.of(inputs[0])
            return z if z.im is None else Parts(z.re, self.add(lambda im: [-im], z.im)[0])
        if name == "mul" and not all(n in self.builder.depends for n in inputs):
            z, w = (self.of(n) for n in inputs)
            if None in z and None in w:  # as i times a phase
                spread = lambda v: None if v is None else jnp.broadcast_to(v, shape.shape)
                times = lambda z, w: [Parts(*map(spread, multiply(z, w)))]
                return self.parts[self.add(times, z, w)[0]]
        return None

    def add(self, function: Callable[..., Any], *given: Any) -> tuple[int, ...]:
        """Adds the equations of a function of numbers and parts.

        Returns:
          The numbers of its outputs; parts are put together to a complex value, and remembered.
        """
        builder = self.builder
        leaves, structure = jax.tree.flatten(given)
        outputs: list[Any] = []

        def flat(*operands: Any) -> list[Any]:
            outputs[:] = function(*jax.tree.unflatten(structure, operands))
            whole = [_joined(_filled(out)) for out in outputs]
            return [whole, [[p for p in out if p is not None] for out in outputs if _is(out)]]

        with self.context():
            closed = jax.make_jaxpr(flat)(*(builder.shapes[n] for n in leaves))
        found = builder.walk(closed.jaxpr, closed.consts, leaves, *self.place)
        rest = iter(found[len(outputs) :])
        for number, out in zip(found, outputs, strict=False):
            if _is(out):
                re, im = (None if part is None else next(rest) for part in out)
                self.parts[number] = Parts(re, im)
        return tuple(found[: len(outputs)])

    def is_complex(self, number: int) -> bool:
        return _is_complex(self.builder.shapes[number])


def _is(value: Any) -> bool:
    return isinstance(value, Parts)


def _is_complex(value: Any) -> bool:
    return jnp.issubdtype(getattr(value, "aval", value).dtype, jnp.complexfloating)


def _real(dtype: Any) -> Any:
    return jnp.finfo(dtype).dtype if jnp.issubdtype(dtype, jnp.complexfloating) else dtype


def _filled(value: Any) -> Any:
    """Parts with zeros in place of None."""
    if not _is(value):
        return value
    known = value.im if value.re is None else value.re
    return Parts(*(jnp.zeros_like(known) if part is None else part for part in value))


def _joined(value: Any) -> Any:
    return lax.complex(*_filled(value)) if _is(value) else value


def _apart(value: Any) -> Any:
    return Parts(value.real, value.imag) if _is_complex(value) else value

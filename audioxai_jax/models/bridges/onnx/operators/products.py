"""Products of matrices, and attention."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audioxai_jax.models.bridges.onnx.operators.base import Call, Operator, alike, is_static, module


def _matmul(call: Call, a: Any, b: Any) -> Any:
    if is_static(a, b):
        return np.matmul(a, b)
    return jnp.matmul(*alike(a, b))


def _gemm(call: Call, a: Any, b: Any, c: Any = None) -> Any:
    """alpha A' B' + beta C."""
    a, b, c = alike(a, b, c)
    axes = ((0 if call.get("transA", 0) else 1,), (1 if call.get("transB", 0) else 0,))
    y = jax.lax.dot_general(a, b, (axes, ((), ())))
    if (alpha := call.get("alpha", 1.0)) != 1:
        y = y * jnp.asarray(alpha, y.dtype)
    if c is None or not (beta := call.get("beta", 1.0)):
        return y
    return y + (c if beta == 1 else c * jnp.asarray(beta, c.dtype))


def _einsum(call: Call, *values: Any) -> Any:
    if is_static(*values):
        return np.einsum(call.require("equation"), *values)
    return jnp.einsum(call.require("equation"), *alike(*values))


def _det(call: Call, x: Any) -> Any:
    return module(x).linalg.det(x)


def _heads(x: Any, count: int) -> Any:
    """`[N, L, heads * D]` to `[N, heads, L, D]`."""
    return x.reshape(*x.shape[:2], count, -1).swapaxes(1, 2)


def _joined(call: Call, past: Any, x: Any) -> Any:
    return x if past is None else jnp.concatenate([past, x], axis=2)


def _score_mask(call: Call, mask: Any, queries: int, keys: int, past: int, valid: Any) -> Any:
    """What is added to the scores: 0, or minus infinity where a query must not look."""
    added = None
    if mask is not None:
        added = jnp.where(mask, 0.0, -jnp.inf) if mask.dtype == bool else mask
        if added.shape[-1] < keys:
            pads = [(0, 0)] * (added.ndim - 1) + [(0, keys - added.shape[-1])]
            added = jnp.pad(added, pads, constant_values=-jnp.inf)
    if call.get("is_causal", 0):
        later = np.arange(keys) > np.arange(queries)[:, None] + past
        causal = np.where(later, -np.inf, 0.0)
        added = causal if added is None else added + causal
    if valid is not None:
        inside = jnp.arange(keys) < valid.reshape(-1, 1, 1, 1)
        limit = jnp.where(inside, 0.0, -jnp.inf)
        added = limit if added is None else added + limit
    return added


def _attention(
    call: Call,
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    past_key: Any = None,
    past_value: Any = None,
    valid: Any = None,
) -> Any:
    """softmax(Q K' scale + mask) V of opset 23; queries may share heads of keys and values."""
    flat = q.ndim == 3
    if flat:
        q, heads = _heads(q, call.require("q_num_heads")), call.require("kv_num_heads")
        k, v = _heads(k, heads), _heads(v, heads)
    q, k, v = alike(q, k, v)
    past = 0 if past_key is None else past_key.shape[2]
    k, v = _joined(call, past_key, k), _joined(call, past_value, v)
    present = k, v
    if (shared := q.shape[1] // k.shape[1]) > 1:
        k, v = jnp.repeat(k, shared, axis=1), jnp.repeat(v, shared, axis=1)
    scale = call.get("scale") or 1 / np.sqrt(q.shape[-1])
    raw = jnp.matmul(q * jnp.asarray(scale, q.dtype), k.swapaxes(-1, -2))
    added = _score_mask(call, mask, q.shape[2], k.shape[2], past, valid)
    cap = call.get("softcap", 0.0)
    capped = cap * jnp.tanh(raw / cap) if cap else raw
    masked = capped if added is None else capped + jnp.asarray(added, capped.dtype)
    weights = jax.nn.softmax(masked, axis=-1)
    y = jnp.matmul(weights, v)
    if flat:
        y = y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1)
    mode = call.get("qk_matmul_output_mode", 0)
    shown = {0: raw, 1: masked, 2: capped, 3: weights}[mode]
    return (y, *present, shown)[: max(call.outputs, 1)]


def _rotary(call: Call, x: Any, cos: Any, sin: Any, places: Any = None) -> Any:
    """Pairs of values turned by angles that grow with the position (opset 23)."""
    flat = x.ndim == 3
    x = _heads(x, call.require("num_heads")) if flat else x
    if places is not None:
        cos, sin = cos[places], sin[places]
    width = call.get("rotary_embedding_dim", 0) or x.shape[-1]
    turned, rest = x[..., :width], x[..., width:]
    cos, sin = (part[:, None, :, : width // 2] for part in (cos, sin))
    if call.get("interleaved", 0):
        a, b = turned[..., 0::2], turned[..., 1::2]
    else:
        a, b = turned[..., : width // 2], turned[..., width // 2 :]
    real, imaginary = a * cos - b * sin, a * sin + b * cos
    if call.get("interleaved", 0):
        y = jnp.stack([real, imaginary], axis=-1).reshape(turned.shape)
    else:
        y = jnp.concatenate([real, imaginary], axis=-1)
    y = jnp.concatenate([y, rest], axis=-1)
    return y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1) if flat else y


TABLE = {
    "MatMul": Operator(_matmul),
    "Gemm": Operator(_gemm),
    "Einsum": Operator(_einsum),
    "Det": Operator(_det),
    "Attention": Operator(_attention),
    "RotaryEmbedding": Operator(_rotary),
}

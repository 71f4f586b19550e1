"""Inputs for part 3: what values of true data types the kernel and the program are run on."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.numeric import cast_array, numpy_dtype
from isamapper.ir.types import DType, integer_range

Array: TypeAlias = np.ndarray[Any, Any]
Make: TypeAlias = abc.Callable[[np.random.Generator, DType, tuple[int, ...]], Array]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to fill the inputs; ``whole`` patterns give floats whole numbers, so that sums may be exact."""

    name: str
    make: Make
    whole: bool = False


def inputs(kernel: Kernel, pattern: Pattern, seed: int) -> dict[str, Array]:
    """An array for every tensor that is given."""
    random = np.random.default_rng([seed, *pattern.name.encode()])
    given = (tensor for tensor in kernel.tensors if tensor.direction in (Direction.IN, Direction.INOUT))
    return {tensor.name: _fill(tensor, pattern, random) for tensor in given}


def _fill(tensor: Tensor, pattern: Pattern, random: np.random.Generator) -> Array:
    return cast_array(pattern.make(random, tensor.dtype, tensor.shape), tensor.dtype)


def _uniform(random: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Integers over their whole range; floats normal, about 1."""
    if dtype.is_float:
        return random.normal(size=shape)
    low, high = integer_range(dtype)
    return random.integers(low, high, shape, endpoint=True, dtype=np.int64)


def _extreme(random: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Integers at the ends of their range; floats over many magnitudes."""
    if dtype.is_float:
        return np.asarray(random.normal(size=shape) * np.exp2(random.uniform(-4, 4, shape)))
    return random.choice(np.array(integer_range(dtype), np.int64), shape)


def _least(random: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Every integer the least, so that products and sums overflow as far as they can."""
    return np.full(shape, -1.0) if dtype.is_float else np.full(shape, integer_range(dtype)[0], np.int64)


def _small(most: int) -> Make:
    def make(random: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
        low = 0 if dtype.is_integer and integer_range(dtype)[0] == 0 else -most
        return random.integers(low, most, shape, endpoint=True, dtype=np.int64)

    return make


def _magnitudes(random: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Integers of every length in bits alike, so that not every sum saturates."""
    low, high = integer_range(dtype)
    size = np.exp2(random.uniform(0, dtype.bits - 1, shape)).astype(np.int64)
    return np.asarray(np.clip(size * random.choice((-1, 1), shape), low, high))


def _sparse(random: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    """Mostly zero, few ones: sums stay exact even in formats of three bits."""
    return (random.random(shape) < 0.08).astype(np.int64)


INTEGER_PATTERNS = (
    Pattern("uniform", _uniform),
    Pattern("extreme", _extreme),
    Pattern("many magnitudes", _magnitudes),
    Pattern("up to 8", _small(8)),
    Pattern("least", _least),
)
WHOLE_PATTERNS = (
    Pattern("whole numbers up to 8", _small(8), whole=True),
    Pattern("whole numbers up to 1", _small(1), whole=True),
    Pattern("few ones", _sparse, whole=True),
)
FLOAT_PATTERNS = (Pattern("normal", _uniform), Pattern("many magnitudes", _extreme))


def machine_epsilon(dtype: DType) -> float:
    """The distance from 1 to the next number; 0 for integers."""
    if dtype.is_integer:
        return 0.0
    if dtype.name == "tf32":
        return 2.0**-10
    eps: Any = ml_dtypes.finfo(numpy_dtype(dtype)).eps  # type: ignore[no-untyped-call]
    return float(eps)

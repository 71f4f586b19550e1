"""A prime field in which what stands for minus infinity is absorbed by sums and its exponential is zero.

Programs that pad with minus infinity rest on ``-inf + x = -inf`` and ``exp(-inf) = 0``: a softmax over rows that are
shorter than the instruction's. What does not belong here: when this field is taken (``fields.py``).
"""

from __future__ import annotations

from isamapper.ir.nodes import BinaryOp, UnaryOp
from isamapper.sim.functional.domain import Word
from isamapper.sim.functional.lanes import Lanes, Raw
from isamapper.verify.large_field import LargeField

_LEAST = ("neutral", BinaryOp.MAX.value)
"""The random element that minus infinity stands for: what ``max`` starts from."""


class LimitField(LargeField):
    """Residues modulo 2**61 - 1 with the two laws; a random residue is taken for minus infinity once in 2**61."""

    name = "residues modulo 2**61 - 1 with exp(-inf) = 0"

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        found = super().unary(lanes, op, operand)
        if op is not UnaryOp.EXP:
            return found
        zero = self.fixed(lanes, 0, operand.dtype)
        return Word(lanes.builder.select(self._is_least(lanes, operand), zero.raw, found.raw), found.dtype)

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        found = super().binary(lanes, op, left, right)
        if op not in (BinaryOp.ADD, BinaryOp.SUB) or not left.dtype.is_float:
            return found
        least = self._is_least(lanes, left)
        if op is BinaryOp.ADD:
            least = lanes.builder.or_(least, self._is_least(lanes, right))
        value = self.random_element(lanes, _LEAST, left.dtype)
        return Word(lanes.builder.select(least, value.raw, found.raw), found.dtype)

    def _is_least(self, lanes: Lanes, word: Word) -> Raw:
        return lanes.builder.icmp_signed("==", word.raw, self.random_element(lanes, _LEAST, word.dtype).raw)

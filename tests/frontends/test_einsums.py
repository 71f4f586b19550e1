"""Einsums as names of kernels: with sizes, with shapes, and what is wrong with them."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.frontends.library import load_kernel


def shapes(name: str, sizes: dict[str, int] | None = None) -> list[tuple[int, ...]]:
    return [tensor.shape for tensor in load_kernel(name, sizes).tensors]


def test_sizes_are_given_by_the_index_or_by_its_capital() -> None:
    assert shapes("mk,kn->mn", {"m": 3, "K": 4, "n": 5}) == [(3, 4), (4, 5), (3, 5)]
    assert shapes("aA->Aa", {"a": 3, "A": 4}) == [(3, 4), (4, 3)]


def test_shapes_stand_behind_the_subscripts() -> None:
    assert shapes("bmk[2,3,4],kn[4,5]->bmn") == [(2, 3, 4), (4, 5), (2, 3, 5)]
    assert shapes("einsum:...ij[7,2,3],jk [3, 4]") == [(7, 2, 3), (3, 4), (7, 2, 4)]
    assert shapes("i[3],[]->i") == [(3,), (), (3,)]
    assert shapes("einsum:ii[4,4]") == [(4, 4), ()]


def test_an_axis_of_one_element_is_read_for_every_index() -> None:
    assert shapes("ij[1,3],ij[2,3]->ij") == [(1, 3), (2, 3), (2, 3)]


@pytest.mark.parametrize(
    ("name", "code", "message", "column"),
    [
        ("mk[3,x],kn[3,4]->mn", "IR073", "'[3,x]' is no shape", 3),
        ("mk[3,-4],kn[3,4]->mn", "IR073", "'[3,-4]' is no shape", 3),
        ("mk[3,4],kn->mn", "IR073", "1 of 2 operands have a shape", 1),
        ("[3,4]mk,kn[4,5]->mn", "IR073", "a shape stands after the subscripts of its operand", 6),
        ("mk[3,4],kn[5,6]->mn", "IR072", "'k' is 4 in one operand and 5 in another", 4),
        ("...i,i->...", "IR072", "'...' needs shapes", 1),
        ("ij,jk->ik,kl", "IR072", "an einsum has one result", 10),
        ("mk[3,4->mn", "IR072", "'[' is no subscript", 3),
    ],
)
def test_what_is_wrong_is_placed(name: str, code: str, message: str, column: int) -> None:
    with pytest.raises(SourceError) as caught:
        load_kernel(name)
    found = caught.value.diagnostics[0]
    assert found.span is not None
    assert (found.code, found.message, found.span.column) == (code, message, column)


def test_a_size_that_no_index_has_is_an_error() -> None:
    with pytest.raises(SourceError):
        load_kernel("mk,kn->mn", {"q": 3})


def test_subscripts_without_an_arrow_are_told_their_prefix() -> None:
    with pytest.raises(SourceError) as caught:
        load_kernel("ij[2,3],jk[3,4]")
    assert caught.value.diagnostics[0].help == "for an einsum write 'einsum:ij[2,3],jk[3,4]'"
    assert shapes("einsum:ij[2,3],jk[3,4]") == [(2, 3), (3, 4), (2, 4)]

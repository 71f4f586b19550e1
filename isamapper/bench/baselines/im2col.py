"""Baseline ``im2col``: a convolution as one copy of all windows and one matrix product per image."""

from __future__ import annotations

from dataclasses import replace

from isamapper.bench.baselines.library import tiler
from isamapper.bench.baselines.protocol import Baseline, Case, Part, Parts
from isamapper.bench.baselines.search import searched
from isamapper.diagnostics.source import Rejection, Source
from isamapper.frontends.library import load_kernel
from isamapper.ir.nodes import Kernel, Role
from isamapper.ir.template import bind, parse_template
from isamapper.result import NoMapping

FORWARD = "conv2d_forward"
POINTWISE = "conv1x1_forward"
STRIDED = "conv1x1_forward_strided"

COPY = """\
kernel im2col(x: TA[C, HI, WI]) -> (y: TA[C, R, S, H, W])
  sizes C=1, HI=1, WI=1, R=1, S=1, H=1, W=1, stride=1, pad=0
  types TA=f32
{
  for c < C, r < R, s < S, h < H, j < W {
    y[c, r, s, h, j] = x[c, stride*h + r - pad, stride*j + s - pad] else 0
  }
}
"""
"""All windows of one image, side by side."""


def im2col(case: Case) -> Parts:
    """The copy, then the product of filters and windows by the library's tiler, once for each image."""
    kernel = case.kernel
    if kernel.name not in (FORWARD, POINTWISE, STRIDED):
        return Rejection("SCH040", kernel.name, f"it is no '{FORWARD}'")
    sizes, types = {"R": 1, "S": 1, **dict(kernel.sizes)}, dict(kernel.types)
    if kernel.name == POINTWISE:
        return _product(case, sizes["P"], sizes["C"])  # a 1x1 filter reads the image as it lies
    height = (sizes["HI"] + 2 * sizes["pad"] - sizes["R"]) // sizes["stride"] + 1
    width = (sizes["WI"] + 2 * sizes["pad"] - sizes["S"]) // sizes["stride"] + 1
    multiplied = _product(case, height * width, sizes["C"] * sizes["R"] * sizes["S"])
    if isinstance(multiplied, Rejection) or (sizes["R"] == sizes["S"] == sizes["stride"] == 1 and not sizes["pad"]):
        return multiplied
    names = ("C", "HI", "WI", "R", "S", "stride", "pad")
    windows = {**{name: sizes[name] for name in names}, "H": height, "W": width}
    copy = bind(parse_template(Source("im2col.isam", COPY)), windows, {"TA": types["TA"]})
    try:
        return (searched(copy, case.machine, sizes["N"], "windows"), *multiplied)
    except NoMapping as refusal:
        return Rejection("SCH040", kernel.name, str(refusal))


def _product(case: Case, points: int, depth: int) -> Parts:
    """Filters times windows, once for each image."""
    sizes, types = dict(case.kernel.sizes), dict(case.kernel.types)
    product = load_kernel(
        "gemm",
        {"M": sizes["K"], "N": points, "K": depth},
        {"TA": types["TB"], "TB": types["TA"], "TC": types["TC"]},
    )
    known = next(tensor.role for tensor in case.kernel.tensors if tensor.name == "w")
    found = tiler(Case(_with_filters(product, known), case.machine, seed=case.seed))
    if isinstance(found, Rejection):
        return found
    return tuple(_repeated(part, sizes["N"]) for part in found)


def _with_filters(product: Kernel, role: Role) -> Kernel:
    """Filters stand on the left here, windows on the right; inference knows its filters before run time."""
    roles = {"a": role, "b": Role.PLAIN}
    tensors = tuple(replace(tensor, role=roles.get(tensor.name, tensor.role)) for tensor in product.tensors)
    return replace(product, tensors=tensors)


def _repeated(part: Part, calls: int) -> Part:
    return replace(part, calls=calls, label="product")


IM2COL = Baseline(
    "all windows copied out, then a matrix product (Chellapilla, Puri and Simard, 2006; Caffe: Jia et al., 2014), "
    "tiled by the rule of library-tiler",
    im2col,
)

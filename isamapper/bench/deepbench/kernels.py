"""Problems as kernels: which library kernel, at which sizes, with which operands known before run time.

Matrices. The lists give m, n, k and which operands are transposed; C = op(A) op(B) + C, beta is 1: C is read and
written. Matrices are read as row-major here: A is m x k, or k x m where it is transposed. (A library for column-major
matrices does the same products with A and B, and rows and columns, exchanged.)

Inference knows its weights (A, filters) before run time; training knows nothing.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.bench.deepbench.problems import Problem
from isamapper.frontends.library import kernel_template
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel, Role
from isamapper.ir.types import DType
from isamapper.pipeline import Types, resolve

GEMMS = {(0, 0): "gemm_acc", (1, 0): "gemm_acc_ta", (0, 1): "gemm_acc_tb", (1, 1): "gemm_acc_tatb"}
"""The library's kernel for each pair (a_t, b_t) of the list."""

CONVOLUTIONS = {
    "forward": "conv2d_forward",
    "backward_data": "conv2d_backward_data",
    "backward_weights": "conv2d_backward_weights",
}

POINTWISE = {
    "forward": "conv1x1_forward",
    "backward_data": "conv1x1_backward_data",
    "backward_weights": "conv1x1_backward_weights",
}
"""The same for windows of one point that lie side by side: rows and columns of the image are one axis."""

STRIDED = {"forward": "conv1x1_forward_strided", "backward_weights": "conv1x1_backward_weights_strided"}
"""The same for windows of one point that do not: the points that they meet are copied side by side first."""

SPELLINGS = {
    "conv1x1_backward_data_s2": ("conv1x1_backward_data_s2_rows",),
    "conv2d_forward": ("conv2d_forward_flat", "conv2d_forward_windows"),
    "conv2d_backward_data_s1": ("conv2d_backward_data_flat", "conv2d_backward_data_windows"),
    "conv2d_backward_weights": ("conv2d_backward_weights_windows", "conv2d_backward_weights_flat"),
}
"""Kernels that compute the same by other products: the faster one counts. Bounds are those of the first.

Those that are flat, with rows and columns on one axis, are for stride 1.
"""

UNKNOWN = frozenset({"conv2d_forward_windows", "conv2d_backward_data_windows"})
"""Spellings for weights that are not known before run time: those that are can be laid out for any other."""

FIRST = frozenset({"conv2d_backward_weights_windows"})
"""Spellings that are searched before the kernel itself: a plain product, where that has seven loops."""

WEIGHTS = {
    **dict.fromkeys(GEMMS.values(), ("a",)),
    "conv2d_forward": ("w",),
    "conv2d_forward_flat": ("w",),
    "conv1x1_forward": ("w",),
    "conv1x1_forward_strided": ("w",),
    **dict.fromkeys(("rnn_skip", "lstm_skip", "gru_skip", "rnn_skip_q", "lstm_skip_q", "gru_skip_q"), ("u", "bias")),
}
"""Operands of each kernel that inference knows before run time."""


@dataclass(frozen=True, slots=True)
class Work:
    """A problem on a machine: the bound kernel, its library name, and operations as DeepBench counts them.

    ``flops`` counts a multiplication and an addition each; ``flops_with_input`` adds the input product that the
    accelerator papers count and the official benchmark leaves out (None but for RNNs). ``spellings`` are other kernels
    that compute the same, by name.
    """

    problem: Problem
    name: str
    kernel: Kernel
    flops: int
    flops_with_input: int | None = None
    spellings: tuple[tuple[str, Kernel], ...] = ()

    @property
    def candidates(self) -> tuple[tuple[str, Kernel], ...]:
        """The kernel and its other spellings in the order in which they are searched."""
        own = ((self.name, self.kernel), *self.spellings)
        return tuple(sorted(own, key=lambda each: each[0] not in FIRST))

    @property
    def packed(self) -> tuple[str, ...]:
        """Operands that are known before run time and may be re-laid out offline."""
        return tuple(tensor.name for tensor in self.kernel.tensors if tensor.role is Role.CONST)


def work_of(problem: Problem, machine: Machine, types: Types | None = None) -> Work:
    """The kernel of ``problem`` on ``machine``, at the machine's own types unless ``types`` says otherwise."""
    name, sizes = kernel_of(problem, machine)
    known = own_types(name, types)
    kernel = with_roles(resolve(name, machine, sizes, known)[0], () if problem.training else WEIGHTS.get(name, ()))
    return Work(problem, name, kernel, *_flops(problem), spellings=tuple(_others(problem, machine, name, sizes, known)))


def _others(
    problem: Problem, machine: Machine, name: str, sizes: abc.Mapping[str, int], types: Types | None
) -> abc.Iterator[tuple[str, Kernel]]:
    """The other spellings of a kernel that its sizes allow."""
    for other in SPELLINGS.get(name, ()):
        known = {size for size, _ in kernel_template(other).sizes}
        if ("stride" in known or sizes.get("stride", 1) == 1) and (problem.training or other not in UNKNOWN):
            kernel = resolve(other, machine, {size: sizes[size] for size in known & set(sizes)}, types)[0]
            yield other, with_roles(kernel, () if problem.training else WEIGHTS.get(other, ()))


def kernel_of(problem: Problem, machine: Machine) -> tuple[str, dict[str, int]]:
    """The library kernel and its sizes."""
    match problem.family:
        case "gemm":
            rows = "m_corrected" if problem.suite.startswith("sparse") else "m"
            sizes = {"M": problem[rows], "N": problem["n"], "K": problem["k"]}
            return GEMMS[problem["a_t"], problem["b_t"]], sizes
        case "conv":
            return _convolution(problem)
        case _:
            cell = {"vanilla": "rnn_skip", "lstm": "lstm_skip", "gru": "gru_skip"}[problem.text("cell")]
            sizes = {"T": problem["timesteps"], "B": problem["batch"], "H": problem["hidden"]}
            return cell + ("_q" if quantised(machine) else ""), sizes


def _convolution(problem: Problem) -> tuple[str, dict[str, int]]:
    sizes = {"N": problem["n"], "C": problem["c"], "K": problem["k"]}
    if problem["r_filter_h"] == problem["s_filter_w"] == problem["stride_w"] == 1 and not problem["pad_w"]:
        return POINTWISE[problem.pass_name], {**sizes, "P": problem["h"] * problem["w"]}
    names = {"HI": "h", "WI": "w", "R": "r_filter_h", "S": "s_filter_w", "pad": "pad_w"}
    sizes.update({size: problem[word] for size, word in names.items()})
    if sizes["R"] == sizes["S"] == 1 and problem["stride_w"] > 1 and problem.pass_name in STRIDED:
        own = {size: sizes[size] for size in ("N", "C", "K", "HI", "WI", "pad")}
        return STRIDED[problem.pass_name], {**own, "stride": problem["stride_w"]}
    if problem.pass_name == "backward_data" and problem["stride_w"] <= 2:
        if sizes["R"] == sizes["S"] == 1:
            own = {size: sizes[size] for size in ("N", "C", "K", "HI", "WI", "pad")}
            return "conv1x1_backward_data_s2", own
        return f"conv2d_backward_data_s{problem['stride_w']}", sizes
    return CONVOLUTIONS[problem.pass_name], {**sizes, "stride": problem["stride_w"]}


def quantised(machine: Machine) -> bool:
    """Whether the machine multiplies integers by choice: its recurrences then keep states and weights in them."""
    chosen: DType | None = dict(machine.default_types).get("TA")
    return chosen is not None and chosen.is_integer


def own_types(name: str, types: Types | None) -> Types | None:
    """Of the types given, those that the kernel has: one command line serves kernels with different parameters."""
    if not types:
        return None
    known = {parameter for parameter, _ in kernel_template(name).types}
    return {key: dtype for key, dtype in types.items() if key in known}


def with_roles(kernel: Kernel, known: abc.Collection[str]) -> Kernel:
    """``kernel`` with exactly the tensors ``known`` as const."""
    tensors = tuple(
        replace(tensor, role=Role.CONST if tensor.name in known else Role.PLAIN)
        if tensor.role in (Role.CONST, Role.PLAIN)
        else tensor
        for tensor in kernel.tensors
    )
    return kernel if tensors == kernel.tensors else replace(kernel, tensors=tensors)


def _flops(problem: Problem) -> tuple[int, int | None]:
    match problem.family:
        case "gemm" if problem.suite.startswith("sparse"):
            return 2 * problem["m_corrected"] * problem["n"] * problem["k"], None
        case "gemm":
            return problem["flops"], None
        case "conv":
            return problem["fwd_flops"], None
        case _:
            return problem["fwd_flops_recurrent_only"], problem["fwd_flops_with_input_gemm"]

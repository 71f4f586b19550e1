"""``isamapper fit -o FILE``: a learned cost model from schedules that are simulated here."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_seed, positive, whole
from isamapper.cli.output import print_document, print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine

KERNELS = "gemm,gemm_tb,gemm_q,batched_gemm,gemv,conv1d,pointwise,conv2d_q,conv2d,depthwise"
MACHINES = "toy4,gemmini16,gemmini16_f32,ws16,ws32,avx512,vta"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernels", default=KERNELS, metavar="KERNEL[,KERNEL]", help="names or paths (%(default)s)")
    parser.add_argument(
        "--machines", default=MACHINES, metavar="MACHINE[,MACHINE]", help="names or paths (%(default)s)"
    )
    parser.add_argument(
        "--hold-out",
        default="conv2d,depthwise",
        metavar="KERNEL[,KERNEL]",
        help="judged on these kernels (%(default)s)",
    )
    parser.add_argument(
        "--hold-out-machine", default="vta", metavar="MACHINE", help="and on this machine (%(default)s)"
    )
    parser.add_argument("--problems", type=whole, default=120, metavar="INT", help="to learn from (%(default)s)")
    parser.add_argument("--samples", type=whole, default=24, metavar="INT", help="schedules per problem (%(default)s)")
    add_seed(parser)
    parser.add_argument("--jobs", type=positive, default=1, metavar="INT", help="how many processes (default: 1)")
    parser.add_argument("--executor", default="local", metavar="NAME", help="'local', or 'dask://HOST:PORT'")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the model here; without it, only the report")
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.sweep import executor_of
    from isamapper.registry import MissingExtra
    from isamapper.report.fit import fit_document

    try:
        from isamapper.bench.fit import fit, problems
    except ModuleNotFoundError as error:
        message = f"learning needs the module '{error.name}'"
        raise MissingExtra(message, name=error.name, install="pip install 'isamapper[learned]'") from error

    asked = problems(
        arguments.kernels.split(","),
        arguments.machines.split(","),
        arguments.hold_out.split(","),
        arguments.hold_out_machine,
        count=arguments.problems,
        samples=max(2, arguments.samples),
        seed=arguments.seed,
    )
    where = executor_of(arguments.executor, max(1, arguments.jobs))
    with Progress() as progress:
        answer, text = fit(asked, seed=arguments.seed, executor=where, report=progress)
    if arguments.output is not None:
        write_text(text, arguments.output)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(fit_document(answer, arguments.output))
    return ExitCode.DONE

"""Codes CLI, RUN, PLG: the command line and plugins.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "CLI001": (
        "a command or a value does not exist",
        """A word of the command line must be one of a fixed set, such as a command or 'text' and 'json', and is not.
        'isamapper --help' and 'isamapper COMMAND --help' list what there is.""",
    ),
    "CLI002": (
        "an argument is not expected",
        """The command does not know this option or takes no further argument. Options are never abbreviated.""",
    ),
    "CLI003": (
        "an argument is missing",
        """The command needs an argument that was not given. 'isamapper COMMAND --help' says what it is.""",
    ),
    "CLI004": (
        "a value cannot be read",
        """The value of an option is not of the kind it must be, for example letters where a number is expected.""",
    ),
    "CLI005": (
        "an option is used wrongly",
        """An option stands without its value, with one where it takes none, or together with another that it
        excludes.""",
    ),
    "CLI006": (
        "a size or a type is not written as it must be",
        """Sizes are given as '-s NAME=INT' and types as '-t NAME=DTYPE'; several may be separated by commas. Sizes
        are whole numbers from 0; types are those of the language, such as i8, i32, bf16 or f32.""",
    ),
    "CLI007": (
        "a size or a type is given twice",
        """Each name may be set once on a command line, so that none of the values is silently lost.""",
    ),
    "CLI008": (
        "a code does not exist",
        """'isamapper explain CODE' explains the codes in brackets of messages, such as IR013.""",
    ),
    "CLI009": (
        "a budget is no number of seconds",
        """'--budget' takes seconds, whole or with a fraction, from 0.""",
    ),
    "CLI010": (
        "a file cannot be written",
        """The file of '-o' or '--trace' cannot be opened for writing; the message gives the system's reason.""",
    ),
    "CLI011": (
        "a file cannot be read",
        """A schedule or a program could not be opened or is not text in UTF-8; the message gives the reason.""",
    ),
    "RUN001": (
        "the kernel has no such statement",
        """'--statement' counts the assignments of the kernel in the order of its text, from 0. A kernel that a
        rewrite produced may have more.""",
    ),
    "RUN002": (
        "the machine has no such instruction",
        """'--instruction' takes the name of an instruction of the machine; 'isamapper hw show MACHINE' lists them.""",
    ),
    "PLG001": (
        "nothing is registered under this name",
        """Strategies and cost models are found by their entry points. 'isamapper plugins' lists those of every
        installed package.""",
    ),
    "PLG002": (
        "two packages registered the same name",
        """Which of the two is meant cannot be told. Uninstall one of them or ask its author for another name.""",
    ),
    "PLG003": (
        "a plugin does not load",
        """Importing the plugin's entry point raised the error that the message quotes. The package named there
        must be mended or installed again.""",
    ),
    "PLG004": (
        "a plugin is not what it is registered as",
        """A strategy must be callable and a cost model must have a method 'cycles', as isamapper.plan.protocols says.
        The package that registered it must be mended.""",
    ),
    "CLI012": (
        "options that do not go together",
        """The option shown needs another one, or says what the campaign's file says already; the message tells
    which.""",
    ),
    "SWP001": ("a campaign that cannot be read", """The file of 'isamapper sweep' does not exist or is not UTF-8."""),
    "SWP002": ("a campaign without end", """The lists of one run multiply to more tasks than a campaign may have."""),
    "SWP004": ("a type that does not exist", """A run of a sweep names a data type that no kernel can have."""),
    "SWP003": (
        "an export that cannot be written",
        """'--export' writes .csv, .jsonl or .parquet; the suffix of the file says which, and its folder must exist.""",
    ),
    "BEN001": (
        "a suite that does not exist",
        """'isamapper bench deepbench --suite' takes the name of an official list, such as gemm-train, or of several of
        them, such as gemm; the message names what is near.""",
    ),
    "BEN002": (
        "no problem is left to measure",
        """What '--filter' gives matches no problem of the suites. Problems are called SUITE/NUMBER; '--list' prints
        those that are meant.""",
    ),
    "BEN003": (
        "a result file that cannot be used",
        """Results are JSON lines that 'isamapper bench deepbench' wrote. The file does not exist, cannot be read or
        written, or holds something else.""",
    ),
    "BEN004": (
        "two result files with nothing in common",
        """'isamapper bench compare' holds problems against each other that both files have for the same machine; where
        there is none, there is no answer, not even that nothing got slower.""",
    ),
}

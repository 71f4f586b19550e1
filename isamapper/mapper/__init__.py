"""The mapper: which instructions can do a statement, in which ways, and why not.

    find_mappings(kernel, machine)   every mapping, lazily
    labels(mapping, machine)         what one is like
    cover(kernel, machine)           every statement with its mappings
    explain(kernel, machine)         why not, and at what cost

Equal kernels to map instead are in :mod:`isamapper.mapper.covers.alternatives`.
"""

from __future__ import annotations

from isamapper.mapper.covering import Cover as Cover
from isamapper.mapper.covering import cover as cover
from isamapper.mapper.matching.find import find_mappings as find_mappings
from isamapper.mapper.measures.labelling import Labeller as Labeller
from isamapper.mapper.measures.labelling import Labels as Labels
from isamapper.mapper.measures.labelling import labels as labels
from isamapper.mapper.reasons.why_not import explain as explain

__all__ = ["Cover", "Labeller", "Labels", "cover", "explain", "find_mappings", "labels"]

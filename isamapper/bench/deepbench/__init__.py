"""The DeepBench harness: official problems as kernels, measured on any machine beside baselines and published times.

Rules of this package:
- problems, kernels, precisions, measuring, storing and comparing are a file each, in that order of dependence;
- a measured problem is a row of plain JSON values; whatever is printed or drawn is made from rows alone.
"""

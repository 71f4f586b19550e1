"""Violations met while a program runs: reads of nothing, elements outside, divisions by zero."""

from __future__ import annotations


class ExecutionError(Exception):
    """A program does what no machine may do; the message names the instruction and the loop indices around it."""

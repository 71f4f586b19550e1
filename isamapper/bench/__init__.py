"""Harnesses that measure what the project claims: each gives one object with ``rows`` and ``summary``.

A harness is a function of plain arguments that returns plain JSON values; the command line prints them.
"""

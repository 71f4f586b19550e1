"""Baselines: what somebody without this project's search would run, as schedules on the same simulator.

Rules of this package:
- a baseline gives schedules and nothing else; the harness lowers, simulates and verifies them like any other;
- each names its source: whose habit it repeats, and where that is described;
- the built-in ones are entry points of the group ``isamapper.baselines``, registered like anybody's.
"""

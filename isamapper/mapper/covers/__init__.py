"""Choosing instructions for all statements of a kernel."""

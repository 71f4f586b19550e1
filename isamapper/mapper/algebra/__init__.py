"""Scalar expressions in normal form."""

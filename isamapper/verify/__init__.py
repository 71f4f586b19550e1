"""Certificates: is a program exactly what its kernel says? ``verify(program) -> Certificate``, in ``verifier.py``."""

"""Rules of the verifier, one family per file; ``ir/verifier.py`` says which hold at which level."""

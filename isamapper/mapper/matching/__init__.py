"""One statement against one needle: operands, relations, padding, soundness."""

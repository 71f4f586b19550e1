"""Published applications of the first TPU as simulated programs."""

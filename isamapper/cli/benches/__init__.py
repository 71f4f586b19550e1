"""One module per bench: its options, and how its answer is printed."""

"""The compiled timing engine: LLVM code made for one program on one machine. Imported only when a simulation runs."""

"""Rewrites: named, printable steps from a kernel to an equal kernel, one file each."""

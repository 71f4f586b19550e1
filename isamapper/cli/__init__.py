"""The command line: one file per command, each a thin layer over a public function of the package.

Nothing here imports the rooms that do the work; commands reach them through :mod:`isamapper`'s lazy names, so that
``isamapper --help`` stays quick.
"""

"""``bench instructions``: simulated timings of single instructions beside known ones.

``rows.py`` reads what is known, ``loops.py`` writes programs that show a timing, ``measure.py`` compares.
"""

"""Simulation: what a program computes (``functional``) and how many cycles it takes (``timing``)."""

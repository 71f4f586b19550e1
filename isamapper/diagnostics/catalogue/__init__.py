"""Titles and explanations of every message code, one file per room."""

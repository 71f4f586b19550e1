"""The mapper: which instructions can do a statement, in which ways, and why not."""

from __future__ import annotations

from isamapper.mapper.find import find_mappings as find_mappings

__all__ = ["find_mappings"]

"""Typed access to a YAML map that has been judged by its record (:mod:`isamapper.hwdesc.shapes`).

What does not belong here: complaining. A value of the wrong type at this point is our mistake.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Span
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar
from isamapper.hwdesc.shapes import byte_count


class Fields:
    """The values of one map by key; what is absent gives the default."""

    def __init__(self, node: YamlNode) -> None:
        if not isinstance(node, YamlMap):
            raise TypeError("fields of something that is not a map")
        self.node = node
        self._values = {key.text: value for key, value in node.entries}

    def has(self, key: str) -> bool:
        return key in self._values

    def node_of(self, key: str) -> YamlNode | None:
        return self._values.get(key)

    def span(self, key: str) -> Span:
        """Place of the value of ``key``; of the first key of the map where it is absent."""
        value = self._values.get(key)
        if value is not None:
            return value.content if isinstance(value, YamlScalar) else value.span
        return self.start

    @property
    def start(self) -> Span:
        return self.node.entries[0][0].span if self.node.entries else self.node.span

    def _scalar(self, key: str) -> YamlScalar | None:
        """None where it is absent or of another shape, which the schema has complained of."""
        value = self._values.get(key)
        return value if isinstance(value, YamlScalar) else None

    def text(self, key: str, default: str | None = None) -> str | None:
        scalar = self._scalar(key)
        return default if scalar is None else scalar.text

    def required_text(self, key: str) -> str:
        scalar = self._scalar(key)
        if scalar is None:
            raise KeyError(key)
        return scalar.text

    def word(self, key: str, default: str) -> str:
        scalar = self._scalar(key)
        return default if scalar is None else scalar.text

    def whole(self, key: str, default: int) -> int:
        scalar = self._scalar(key)
        return scalar.value if scalar is not None and isinstance(scalar.value, int) else default

    def optional_whole(self, key: str) -> int | None:
        return self.whole(key, 0) if self.has(key) else None

    def bytes(self, key: str) -> int | None:
        scalar = self._scalar(key)
        return None if scalar is None else byte_count(scalar.value)

    def number(self, key: str) -> int | float | None:
        scalar = self._scalar(key)
        if scalar is None or isinstance(scalar.value, str):
            return None
        return scalar.value

    def flag(self, key: str) -> bool:
        scalar = self._scalar(key)
        return scalar is not None and scalar.value is True

    def items(self, key: str) -> tuple[YamlNode, ...]:
        """Items of the list ``key``; empty where it is absent."""
        value = self._values.get(key)
        return value.items if isinstance(value, YamlList) else ()

    def words(self, key: str) -> tuple[YamlScalar, ...]:
        """Scalars of the list ``key``."""
        return tuple(item for item in self.items(key) if isinstance(item, YamlScalar))

    def entries(self, key: str) -> tuple[tuple[YamlScalar, YamlNode], ...]:
        """Keys and values of the map ``key``; empty where it is absent."""
        value = self._values.get(key)
        return value.entries if isinstance(value, YamlMap) else ()

    def fields(self, key: str) -> Fields | None:
        value = self._values.get(key)
        return None if value is None else Fields(value)

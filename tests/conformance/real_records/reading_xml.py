"""Reading an XML record piece by piece, so that what no field took is still there at the end and becomes an attribute."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from collections import Counter
from collections.abc import Iterator
from typing import Any


def plain(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2]


def squeezed(text: str | None) -> str:
    """A text with runs of white space as one blank, as XML's own layout puts them in."""
    return " ".join((text or "").split())


class Reading:
    """An element that is read piece by piece; its parts share what was taken."""

    def __init__(self, element: Xml.Element, taken: set[tuple[int, str]] | None = None) -> None:
        self.element = element
        self._taken = set() if taken is None else taken

    @property
    def name(self) -> str:
        """The element's name."""
        return plain(self.element.tag)

    def text(self, path: str = ".") -> str | None:
        """The text of the first element at a path, if there is one that is not blank."""
        found = self.element if path == "." else self.element.find(path)
        if found is None or not (told := squeezed(found.text)):
            return None
        self._taken.add((id(found), ""))
        return told

    def value(self, name: str, path: str = ".") -> str | None:
        """The value of an attribute, if it is there and not blank."""
        found = self.element if path == "." else self.element.find(path)
        if found is None or not (told := squeezed(found.get(name))):
            return None
        self._taken.add((id(found), name))
        return told

    def parts(self, path: str) -> list[Reading]:
        """The elements at a path."""
        return [Reading(found, self._taken) for found in self.element.findall(path)]

    def rest(self) -> list[dict[str, Any]]:
        """Everything that was not taken, as attributes: named by its own word, grouped by where it stood."""
        return [
            {"name": name, "value": value, "group": group} for group, name, value in self._left(self.element, self.name)
        ]

    def _left(self, element: Xml.Element, group: str) -> Iterator[tuple[str, str, str]]:
        for name, value in element.attrib.items():
            if squeezed(value) and (id(element), name) not in self._taken:
                yield group, plain(name), squeezed(value)
        counted = Counter(child.tag for child in element)
        seen: Counter[str] = Counter()
        for child in element:
            name = plain(child.tag)
            seen[child.tag] += 1
            many = f"[{seen[child.tag]}]" if counted[child.tag] > 1 else ""
            if squeezed(child.text) and (id(child), "") not in self._taken:
                yield group, name, squeezed(child.text)
            yield from self._left(child, f"{group}/{name}{many}")


def values_of(
    element: Xml.Element,
    *,
    choices: frozenset[str] = frozenset(),
    apart: frozenset[tuple[str, str]] = frozenset(),
) -> set[str]:
    """Every text and attribute value in an element; and the name of what was chosen where the choice is the value.

    `apart` are the attributes, by element and name, whose value says nothing but how the others are to be read.
    """
    found: set[str] = set()
    for part in element.iter():
        name = plain(part.tag)
        found |= {squeezed(text) for text in (part.text, part.tail)}
        found |= {squeezed(value) for key, value in part.attrib.items() if (name, plain(key)) not in apart}
        if name in choices:
            found |= {plain(child.tag) for child in part}
    return found - {""}

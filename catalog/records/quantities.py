"""Units as people type them, what they are in SI, and whether they fit; no guessing by anybody else's grammar."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import islice, product
from typing import Final

from catalog.records.units import ADVICE, BROADER, CHOICES, COMPOUNDS, KINDS, PREFIXES, UNITS, UNNAMED

_BASES: Final = "LMTIKNJ"
Dimensions = tuple[int, int, int, int, int, int, int]
NONE: Final[Dimensions] = (0, 0, 0, 0, 0, 0, 0)
# A unit made of others, as (symbol with prefix, power) sorted by symbol; numbers are symbols of their own.
Composition = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that was understood."""

    typed: str
    factor: float
    offset: float  # added before multiplying; 0 in every compound
    dimensions: Dimensions
    kinds: tuple[str, ...]  # what it measures, the usual one first; none: only the dimensions are known
    qudt: str | None  # the local name in http://qudt.org/vocab/unit/
    ucum: str | None
    inexact: bool = False  # months and years: how long one is depends on which

    @property
    def kind(self) -> str | None:
        """What it usually measures."""
        return self.kinds[0] if self.kinds else None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A unit that was not understood, with spellings near to it, or with advice where it says two things."""

    typed: str
    near: tuple[str, ...] = ()
    advice: str | None = None
    advice_ja: str | None = None


@dataclass(frozen=True, slots=True)
class _Atom:
    symbol: str
    factor: float
    offset: float
    dimensions: Dimensions
    kinds: tuple[str, ...]
    qudt: str | None
    ucum: str | None


class _NotUnderstood(Exception):
    """Inside this module only: the grammar met something that it does not know."""

    def __init__(self, advice: str | None = None, advice_ja: str | None = None) -> None:
        super().__init__(advice)
        self.advice = advice
        self.advice_ja = advice_ja


def _dimensions(text: str) -> Dimensions:
    powers = dict.fromkeys(_BASES, 0)
    for base, power in re.findall(r"([LMTIKNJ])(-?\d*)", text):
        powers[base] = int(power or 1)
    length, mass, time, current, temperature, amount, light = powers.values()
    return length, mass, time, current, temperature, amount, light


def _number(text: str) -> float:
    value = 1.0
    for operator, part in re.findall(r"([*/]?)([^*/]+)", text):
        value = value / float(part) if operator == "/" else value * float(part)
    return value


def _cells(table: str) -> Iterable[list[str]]:
    for line in table.strip().splitlines():
        yield [cell.strip() for cell in line.split("|")]


# Superscripts must become powers before NFKC makes them digits of the number that they stand on.
_SUPERSCRIPT: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_PLAIN: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_SIGNS: Final = str.maketrans(
    {
        "º": "°",
        "˚": "°",
        "−": "-",
        "–": "-",
        "‐": "-",
        "⁄": "/",
        "∕": "/",
        "⋅": "·",
        "∙": "·",
        "•": "·",
        "×": "·",
        "・": "·",
        "µ": "μ",
    }
)


def _normalised(text: str) -> str:
    text = _SUPERSCRIPT.sub(lambda found: "^" + found.group().translate(_PLAIN), text.translate(_SIGNS))
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS)
    return " ".join(text.split()).replace("e^-", "e-")


_TOKEN: Final = re.compile(
    r"""(?P<number>10\s*(?:\*\*|\*|\^)\s*[+-]?\d+ | 10[+-]\d+ | \d+(?:\.\d+)?(?:[eE][+-]?\d+)? )
      | (?P<atom>e-(?!\d) | (?:[^\W\d_]|[°%‰'"′″\#])+(?:\[[^\]\s]+\])? | \[[^\]\s]+\] )
      | (?P<power>(?:\^|\*\*)\s*(?:[+-]?\d++(?!\.\d)|\([+-]?\d++\)) | [+-]?\d++(?!\.\d) )
      | (?P<note>\{[^{}]*\})
      | (?P<open>\() | (?P<close>\))
      | \s*(?P<over>/)\s* | \s*(?P<times>[.·*])\s* | (?P<space>\s)""",
    re.VERBOSE,
)


class Units:
    """The shipped table, and what a QUDT file adds to it."""

    def __init__(self, more: Mapping[Composition, str] | None = None) -> None:
        self._atoms: dict[str, _Atom] = {}
        self._spellings: dict[str, _Atom] = {}
        self._prefixed: dict[str, _Atom] = {}
        with_prefixes: list[tuple[_Atom, list[str], list[str]]] = []
        for symbol, factor, dimensions, kinds, prefixes, qudt, ucum, others in _cells(UNITS):
            scale, _, offset = factor.partition("+")
            ucum_code = symbol if ucum == "=" else None if ucum == "-" else ucum
            name = None if qudt == "-" else qudt
            measured = _dimensions(dimensions)
            atom = _Atom(symbol, _number(scale), float(offset or 0), measured, tuple(kinds.split()), name, ucum_code)
            self._atoms[symbol] = atom
            spellings = [symbol, *(other.replace("_", " ") for other in others.split() if other != "-")]
            spellings += [other for other in others.split() if "_" in other]
            for spelling in spellings:
                self._spellings.setdefault(_normalised(spelling), atom)
            with_prefixes.append((atom, spellings, CHOICES.get(prefixes) or prefixes.split()))
        for symbol, atom in self._atoms.items():
            self._spellings[_normalised(symbol)] = atom
        for atom, spellings, allowed in with_prefixes:
            self._add_prefixed(atom, spellings, allowed)
        for atom in [*self._atoms.values(), *self._prefixed.values()]:
            # UCUM's own code last: in UCUM `pH` is a picohenry, and nobody means that.
            if atom.ucum and "{" not in atom.ucum:
                self._spellings.setdefault(_normalised(atom.ucum), atom)
        self._of_dimensions = {_dimensions(cells[0]): tuple(cells[1].split()) for cells in _cells(KINDS)}
        self._named: dict[Composition, str] = dict(more or {})
        self._named.update((composition_of_code(code), name) for code, name in _cells(COMPOUNDS))

    def _add_prefixed(self, atom: _Atom, spellings: list[str], prefixes: Iterable[str]) -> None:
        # Only symbols and their short spellings take a prefix's letter; its name goes before words ("kilometer").
        words = [
            spelling for spelling in spellings[1:] if len(spelling) > 3 and spelling.isascii() and spelling.isalpha()
        ]
        short = [
            atom.symbol,
            *(spelling for spelling in spellings[1:] if spelling in ("l", "u", "Ohm", "byte", "By", "Ang")),
        ]
        for prefix in prefixes:
            if prefix == "none":
                continue
            factor, name = PREFIXES[prefix]
            symbol = prefix + atom.symbol
            qudt = None if atom.qudt is None or symbol in UNNAMED else name + atom.qudt
            ucum = None
            if atom.ucum is not None:
                # 10*3.{bp} rather than k{bp}: braces take no prefix in UCUM.
                ucum = f"10*{_exponent(factor)}.{atom.ucum}" if atom.ucum[0] == "{" else prefix + atom.ucum
            made = _Atom(symbol, _scaled(factor, atom.factor), 0.0, atom.dimensions, atom.kinds, qudt, ucum)
            self._prefixed.setdefault(symbol, made)
            letters = ("u", "μ") if prefix == "u" else (prefix,)
            for spelling in [letter + each for letter in letters for each in short] + [
                name.lower() + word for word in words
            ]:
                self._spellings.setdefault(_normalised(spelling), made)

    def _atom(self, spelling: str) -> _Atom:
        atom = self._spellings.get(spelling)
        if atom is None:
            raise _NotUnderstood
        return atom

    def _parse(self, text: str) -> list[tuple[_Atom | float, int]]:
        """The parts of a unit with their powers. Left to right, as UCUM reads; where people read otherwise, refused."""
        parts: list[tuple[_Atom | float, int]] = []
        position, end = 0, len(text)
        # What is open: the sign in force outside each bracket, and where its parts begin.
        outside: list[tuple[int, int]] = []
        sign, whole = 1, 1
        divided = False
        expects = True
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None:
                raise _NotUnderstood
            position = found.end()
            group, token = found.lastgroup, found.group().strip()
            if group == "number" and expects:
                parts.append((_power_of_ten(token), whole * sign))
                expects = False
            elif group == "atom" and expects:
                parts.append((self._atom(token), whole * sign))
                expects = False
            elif group == "note":
                if expects:
                    parts.append((self._atom("1"), whole * sign))
                    expects = False
            elif group in ("power", "number") and not expects and parts and text[found.start() - 1] != ")":
                atom, power = parts[-1]
                raised = power * int(token.strip("^*() ")) if group == "power" or token.isdigit() else 0
                if isinstance(atom, float) or raised == 0 or abs(raised) > 12:
                    raise _NotUnderstood
                parts[-1] = (atom, raised)
            elif group == "open" and expects:
                outside.append((whole, sign))
                whole, sign = whole * sign, 1
            elif group == "close" and not expects and outside:
                whole, sign = outside.pop()
            elif group == "over" and (not expects or found.start() == 0):
                sign, expects, divided = -1, True, True
            elif group in ("times", "space") and not expects:
                if divided and sign < 0 and token != ".":
                    raise _NotUnderstood(
                        "it can be read in two ways; put what stands under the stroke in brackets, as in J/(kg.K)",
                        "2通りに読めます。J/(kg.K) のように、分母を括弧で囲んでください",
                    )
                sign, expects = 1, True
            else:
                raise _NotUnderstood
        if expects or outside:
            raise _NotUnderstood
        return parts

    def _whole(self, typed: str) -> Unit:
        text = _normalised(typed)
        if not text:
            raise _NotUnderstood(
                "it is empty; a number without a unit has the unit 1", "空です。単位のない数値には 1 を使います"
            )
        if atom := self._spellings.get(text):
            qudt = atom.qudt or (self._named.get(composition_of_code(atom.ucum)) if atom.ucum else None)
            inexact = atom.symbol in ("mo", "yr")
            return Unit(typed, atom.factor, atom.offset, atom.dimensions, atom.kinds, qudt, atom.ucum, inexact)
        parts = self._parse(text)
        noted = parts[0][0]
        if len(parts) == 1 and isinstance(noted, _Atom) and parts[0][1] == 1:  # with a note in braces: `m{wet}`
            return Unit(typed, noted.factor, noted.offset, noted.dimensions, noted.kinds, noted.qudt, noted.ucum)
        factor = Fraction(1)
        powers = [0] * 7
        for part, power in parts:
            factor *= _fraction(part if isinstance(part, float) else part.factor) ** power
            if isinstance(part, _Atom):
                powers = [total + power * each for total, each in zip(powers, part.dimensions, strict=True)]
        length, mass, time, current, temperature, amount, light = powers
        dimensions = (length, mass, time, current, temperature, amount, light)
        kinds = self._of_dimensions.get(dimensions, ())
        if not any(dimensions):
            kinds = _kinds_of_ratio([part for part, _ in parts if isinstance(part, _Atom)])
        try:
            value = float(factor)
        except OverflowError:
            raise _NotUnderstood from None
        if value == 0:
            raise _NotUnderstood
        composition = _composition(parts)
        name = None if composition is None else self._named.get(composition)
        return Unit(typed, value, 0.0, dimensions, kinds, name, None if composition is None else _written(composition))

    @lru_cache(maxsize=16384)  # noqa: B019 - there is one such table in a process, and it lives as long
    def understand(self, unit: str) -> Unit | Unknown:
        """What the unit is, or that it is not known, with what was perhaps meant."""
        if len(unit) > 128:
            return Unknown(unit)
        try:
            return self._whole(unit)
        except _NotUnderstood as cause:
            return Unknown(unit, () if cause.advice else self.near(unit), cause.advice, cause.advice_ja)

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every spelling of a single unit that is known."""
        return tuple(self._spellings)

    @cached_property
    def _by_small(self) -> dict[str, list[str]]:
        small: dict[str, list[str]] = {}
        for spelling, atom in self._spellings.items():
            known = small.setdefault(spelling.casefold(), [])
            if atom.symbol not in known:
                known.append(atom.symbol)
        # Units without prefix first, then the usual prefixes: `mmol` is meant oftener than `Mmol`.
        return {spelling: sorted(known, key=self._rarity) for spelling, known in small.items()}

    def _rarity(self, symbol: str) -> int:
        return 0 if symbol in self._atoms else 1 + "mkunMcGp".find(symbol[0]) % 9

    def near(self, unit: str) -> tuple[str, ...]:
        """Known spellings near to this one: those that differ in case first. For refusals only: it takes a millisecond."""
        text = _normalised(unit)
        found = list(self._by_small.get(text.casefold(), ()))
        lost = re.sub(r"(?<![\d.])10(\d)(?!\d)", r"10*\1", text)
        if lost != text and self.known(lost):
            found.append(lost)
        if not found and "/" in text and "(" not in text:
            parts = [part.strip() for part in text.split("/")]
            fixed = [[part] if self.known(part) else list(self._near_one(part)) for part in parts]
            found = ["/".join(each) for each in islice(product(*fixed), 3)]
        return tuple((found or list(self._near_one(text)))[:3])

    def _near_one(self, text: str) -> Iterable[str]:
        same = self._by_small.get(text.casefold())
        if same:
            return same
        # Long words are names of nothing here, and comparing them with a thousand spellings is slow; short ones are
        # meant as symbols.
        if len(text) > 32:
            return ()
        pool: Iterable[str] = self._spellings if len(text) > 4 else [*self._atoms, *self._prefixed]
        return get_close_matches(text, list(pool), n=3, cutoff=0.6)

    def known(self, unit: str) -> Unit | None:
        """What the unit is, or nothing; without looking for what was perhaps meant, which is what takes long."""
        try:
            return self._whole(unit)
        except _NotUnderstood:
            return None

    def kinds_measured(
        self, quantity_kind: str | None, units: Iterable[str]
    ) -> tuple[frozenset[str], Dimensions | None]:
        """The quantity kinds that a field allows, and their dimensions where they have any."""
        kinds: set[str] = set()
        dimensions: Dimensions | None = None
        if quantity_kind and self.knows_kind(quantity_kind):
            kinds.add(BROADER.get(quantity_kind, quantity_kind))
        for unit in units:
            known = self.understand(unit)
            if isinstance(known, Unit):
                dimensions = known.dimensions
                if kinds.isdisjoint(known.kinds):
                    kinds.update(known.kinds)
        if dimensions is None:
            for measured, names in self._of_dimensions.items():
                if not kinds.isdisjoint(names):
                    dimensions = measured
        return frozenset(kinds), dimensions

    def measuring(self, typed: str, kinds: frozenset[str]) -> tuple[str, ...]:
        """What could stand in place of a unit that does not fit: what is often meant by it, else usual units of these kinds."""
        meant = tuple(unit for unit in ADVICE.get(typed, ()) if not kinds.isdisjoint(self._atom(unit).kinds))
        return meant or tuple(atom.symbol for atom in self._atoms.values() if not kinds.isdisjoint(atom.kinds))[:3]

    def si_unit(self, quantity_kind: str) -> Unit | None:
        """The unit in which values of this kind stand in SI: the one with a name of its own, else base units put together."""
        kind = BROADER.get(quantity_kind, quantity_kind)
        # What is counted has many units without dimension, and `1` is all of theirs.
        for atom in (self._atoms["1"], *self._atoms.values(), self._prefixed["kg"]):
            if kind in atom.kinds and (atom.factor, atom.offset) == (1.0, 0.0):
                return self.known(atom.symbol)
        for powers, kinds in self._of_dimensions.items():
            if kind in kinds:
                parts = zip(("m", "kg", "s", "A", "K", "mol", "cd"), powers, strict=True)
                told = sorted((part for part in parts if part[1]), key=lambda part: part[1] < 0)
                return self.known(".".join(base if power == 1 else f"{base}{power}" for base, power in told))
        return None

    def knows_kind(self, quantity_kind: str) -> bool:
        """Whether any unit here measures it (or what it is a narrower kind of)."""
        kind = BROADER.get(quantity_kind, quantity_kind)
        return any(kind in atom.kinds for atom in self._atoms.values()) or any(
            kind in kinds for kinds in self._of_dimensions.values()
        )


_TENS: Final = {float(f"1e{power}"): power for power in range(-60, 61)}


def _exponent(power_of_ten: float) -> int:
    return _TENS[power_of_ten]


def _scaled(factor: float, by: float) -> float:
    return float(_fraction(factor) * _fraction(by))


def _fraction(value: float) -> Fraction:
    # As it is written, not as it is stored: 1e-9 is a thousand-millionth.
    return Fraction(repr(value))


def _power_of_ten(token: str) -> float:
    found = re.fullmatch(r"10\s*(?:\*\*|\*|\^)?\s*([+-]?\d+)", token)
    if found and (token[2:3] in ("*", "^", "+", "-", " ")):
        power = int(found.group(1))
        if abs(power) > 60:
            raise _NotUnderstood
        return float(f"1e{power}")
    value = float(token)
    # Other numbers are mostly powers that lost their place: 103 for 10³.
    if value not in _TENS:
        raise _NotUnderstood
    return value


_CODE: Final = re.compile(
    r"(?P<code>\[[^\]]*\]|\{[^}]*\}|10\*[+-]?\d+|[^\W\d]+(?:\[[^\]]*\])?|%(?:\{[^}]*\})?|'+|\d+|[^\s./()]+?)(?P<power>[+-]?\d+)?(?=[./)]|$)"
)


def composition_of_code(code: str) -> Composition:
    """A UCUM code as atoms (with their prefixes) and powers, by its text alone: `mol.m-3` is mol once and m minus three times."""
    total: dict[str, int] = {}
    sign, outside, position = 1, [1], 0
    while position < len(code):
        letter = code[position]
        if letter == "(":
            outside.append(outside[-1] * sign)
            sign = 1
        elif letter == ")":
            if len(outside) == 1:
                return ()
            outside.pop()
            sign = 1
        elif letter in "./":
            sign = 1 if letter == "." else -1
        else:
            found = _CODE.match(code, position)
            if found is None:
                return ()
            name, power = found.group("code"), int(found.group("power") or 1) * sign * outside[-1]
            if ten := re.fullmatch(r"10\*([+-]?\d+)", name):
                name, power = "10", power * int(ten.group(1))
            elif name.isdigit() and float(name) in _TENS:
                name, power = "10", power * _TENS[float(name)]
            if name != "1":
                total[name] = total.get(name, 0) + power
            position = found.end() - 1
        position += 1
    return tuple(sorted((name, power) for name, power in total.items() if power))


def _composition(parts: list[tuple[_Atom | float, int]]) -> Composition | None:
    """The parts by their UCUM codes, or none where one has no code."""
    total: dict[str, int] = {}
    for part, power in parts:
        if isinstance(part, float):
            inner: Composition = (("10", _exponent(part)),)
        elif part.ucum is None:
            return None
        else:
            inner = composition_of_code(part.ucum)
        for name, each in inner:
            total[name] = total.get(name, 0) + each * power
    return tuple(sorted((name, power) for name, power in total.items() if power))


def _written(composition: Composition) -> str:
    """The composition as a UCUM code: what multiplies first, then what divides."""
    front: list[str] = []
    behind: list[str] = []
    for name, power in sorted(composition, key=lambda part: (part[0] != "10", part[1] < 0)):
        if name == "10":
            front.append(f"10*{power}")
        elif name[0] == "{":  # an annotation takes no power
            (front if power > 0 else behind).append(name if power > 0 else "/" + name)
        else:
            front.append(name if power == 1 else f"{name}{power}")
    return (".".join(front) or "1") + "".join(behind)


def _kinds_of_ratio(atoms: list[_Atom]) -> tuple[str, ...]:
    if not atoms:
        return ("Dimensionless", "DimensionlessRatio", "Count")
    dimensions = {atom.dimensions for atom in atoms}
    if dimensions == {_dimensions("M")}:
        return ("MassFraction", "DimensionlessRatio")
    if dimensions == {_dimensions("N")}:
        return ("MoleFraction", "DimensionlessRatio")
    if dimensions <= {_dimensions("L3"), _dimensions("L")}:
        return ("VolumeFraction", "DimensionlessRatio")
    kinds = {kind for atom in atoms for kind in atom.kinds}
    return (
        ("Count", "Dimensionless", "DimensionlessRatio")
        if "Count" in kinds
        else ("DimensionlessRatio", "Dimensionless")
    )


SHIPPED: Final = Units()


def understand(unit: str) -> Unit | Unknown:
    """What the unit is by the shipped table, or that it is not known, with what was perhaps meant."""
    return SHIPPED.understand(unit)


def si(value: float, unit: Unit) -> float:
    """The value in SI; rounded, since engines write the last digits of a computed number differently."""
    return float("%.12g" % ((value + unit.offset) * unit.factor))


def fits(unit: Unit, kinds: frozenset[str], dimensions: Dimensions | None) -> bool:
    """Whether the unit measures one of these quantity kinds.

    Units without dimension all have the same dimension, so they are compared by kind alone; a compound whose kind
    nobody named is compared by its dimensions.
    """
    if not kinds or not kinds.isdisjoint(unit.kinds):
        return True
    return dimensions is not None and dimensions != NONE and unit.dimensions == dimensions and not unit.kinds


def index_qudt(rows: Iterable[Mapping[str, str]]) -> dict[Composition, str]:
    """QUDT's names by what their UCUM codes are made of; from rows with `iri`, `ucum`, `multiplier` and `deprecated`.

    Never by dimension and factor, which would call M an equivalent per litre; and not where QUDT's factor is another
    than ours: its `{#}/min` are revolutions in radians.
    """
    named: dict[Composition, str] = {}
    for row in rows:
        if row.get("deprecated") == "true":
            continue
        for code in row["ucum"].split("|"):
            composition = composition_of_code(code)
            known, published = SHIPPED.known(code), float(row["multiplier"] or 0)
            differs = known is not None and published and abs(known.factor / published - 1) > 1e-5
            if composition and not differs:
                name = row["iri"].rpartition("/")[2]
                # Of several names for one code the plainest: PER-CentiM, not CentiM2-PER-CentiM3.
                named[composition] = min(named.get(composition, name), name, key=lambda each: (len(each), each))
    return named

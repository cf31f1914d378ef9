"""Units as people type them: what they are, what they are in SI, and what was meant by those that are none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.records.kinds import Field, load_kinds
from catalog.records.quantities import (
    SHIPPED,
    Unit,
    Units,
    Unknown,
    composition_of_code,
    fits,
    index_qudt,
    si,
    understand,
)
from catalog.records.units import COMPOUNDS

QUDT = "http://qudt.org/vocab/unit/"


def known(unit: str) -> Unit:
    found = understand(unit)
    assert isinstance(found, Unit), found
    return found


@pytest.mark.parametrize(
    ("typed", "factor", "name", "kind"),
    [
        ("keV", 1.602176634e-16, "KiloEV", "Energy"),
        ("ｋｅＶ", 1.602176634e-16, "KiloEV", "Energy"),
        ("Å", 1e-10, "ANGSTROM", "Length"),
        ("\u212b", 1e-10, "ANGSTROM", "Length"),
        ("angstrom", 1e-10, "ANGSTROM", "Length"),
        ("mmol/L", 1, "MilliMOL-PER-L", "AmountOfSubstanceConcentration"),
        ("mM", 1, "MilliMOL-PER-L", "AmountOfSubstanceConcentration"),
        ("mmol L-1", 1, "MilliMOL-PER-L", "AmountOfSubstanceConcentration"),
        ("mmol·L⁻¹", 1, "MilliMOL-PER-L", "AmountOfSubstanceConcentration"),
        ("μM", 1e-3, "MicroMOL-PER-L", "AmountOfSubstanceConcentration"),
        ("µM", 1e-3, "MicroMOL-PER-L", "AmountOfSubstanceConcentration"),
        ("10*3/uL", 1e12, None, "NumberDensity"),
        ("10³/µL", 1e12, None, "NumberDensity"),
        ("10^3/uL", 1e12, None, "NumberDensity"),
        ("[pH]", 1, "PH", "Acidity"),
        ("pH", 1, "PH", "Acidity"),
        ("m2/g", 1000, "M2-PER-GM", "SpecificSurfaceArea"),
        ("m²/g", 1000, "M2-PER-GM", "SpecificSurfaceArea"),
        ("m^2/g", 1000, "M2-PER-GM", "SpecificSurfaceArea"),
        ("cm-1", 100, "PER-CentiM", "Wavenumber"),
        ("cm^-1", 100, "PER-CentiM", "Wavenumber"),
        ("cm⁻¹", 100, "PER-CentiM", "Wavenumber"),
        ("1/cm", 100, "PER-CentiM", "Wavenumber"),
        ("/cm", 100, "PER-CentiM", "Wavenumber"),
        ("J/(kg.K)", 1, "J-PER-KiloGM-K", "SpecificHeatCapacity"),
        ("J/(kg K)", 1, "J-PER-KiloGM-K", "SpecificHeatCapacity"),
        ("J kg^-1 K^(-1)", 1, "J-PER-KiloGM-K", "SpecificHeatCapacity"),
        ("W/m/K", 1, "W-PER-M-K", "ThermalConductivity"),
        ("%", 0.01, "PERCENT", "DimensionlessRatio"),
        ("％", 0.01, "PERCENT", "DimensionlessRatio"),
        ("wt%", 0.01, "PERCENT", "MassFraction"),
        ("at.%", 0.01, "PERCENT", "MoleFraction"),
        ("mol%", 0.01, "PERCENT", "MoleFraction"),
        ("ppm", 1e-6, "PPM", "DimensionlessRatio"),
        ("ppb", 1e-9, "PPB", "DimensionlessRatio"),
        ("bp", 1, "BasePair", "Count"),
        ("kbp", 1000, None, "Count"),
        ("count", 1, "NUM", "Count"),
        ("counts", 1, "NUM", "Count"),
        ("a.u.", 1, None, "Arbitrary"),
        ("rpm", 0.10471975511965977, "REV-PER-MIN", "AngularVelocity"),
        ("psi", 6894.757293168361, "PSI", "Pressure"),
        ("Torr", 133.32236842105263, "TORR", "Pressure"),
        ("mmHg", 133.322387415, "MilliM_HG", "Pressure"),
        ("mbar", 100, "MilliBAR", "Pressure"),
        ("h", 3600, "HR", "Time"),
        ("min", 60, "MIN", "Time"),
        ("d", 86400, "DAY", "Time"),
        ("yr", 31557600, "YR", "Time"),
        ("years", 31557600, "YR", "Time"),
        ("L", 1e-3, "L", "Volume"),
        ("l", 1e-3, "L", "Volume"),
        ("µL", 1e-9, "MicroL", "Volume"),
        ("ul", 1e-9, "MicroL", "Volume"),
        ("cfu/mL", 1e6, None, "NumberDensity"),
        ("U", 1e-6 / 60, None, "CatalyticActivity"),
        ("kDa", 1.6605390666e-24, None, "Mass"),
        ("e-/Å2", 1e20, None, "NumberDensityPerArea"),
        ("e⁻/Å²", 1e20, None, "NumberDensityPerArea"),
        ("photons/s", 1, None, "Frequency"),
        ("ng/ul", 1e-3, None, "MassDensity"),
        ("GB", 8e9, "GigaBYTE", "Information"),
        ("{reads}", 1, "UNITLESS", "Dimensionless"),
        ("10*6{cells}/mL", 1e12, None, "NumberDensity"),
        ("10^-3 mol", 1e-3, None, "AmountOfSubstance"),
        ("m{wet}", 1, "M", "Length"),
        ("kilometers", 1000, "KiloM", "Length"),
        ("ug/g", 1e-6, "MicroGM-PER-GM", "MassFraction"),
        ("kg*m/s2", 1, None, "Force"),
        ("個", 1, "NUM", "Count"),
        ("1", 1, "UNITLESS", "Dimensionless"),
    ],
)  # fmt: skip
def test_a_unit_is_what_people_mean_by_it(typed: str, factor: float, name: str | None, kind: str) -> None:
    unit = known(typed)

    assert unit.factor == pytest.approx(factor, rel=1e-12)
    assert unit.kind == kind
    assert name is None or unit.qudt == name
    assert unit.qudt or unit.ucum


@pytest.mark.parametrize(
    ("typed", "value", "in_si"),
    [
        ("℃", 25, 298.15), ("°C", 25, 298.15), ("ºC", 25, 298.15), ("Cel", 25, 298.15), ("degC", -273.15, 0),
        ("°F", 212, 373.15), ("[degF]", 32, 273.15), ("K", 4.2, 4.2), ("keV", 7.6, 1.21765424184e-15), ("mg", 3, 3e-6),
    ],
)  # fmt: skip
def test_a_value_in_si_counts_from_the_units_own_zero(typed: str, value: float, in_si: float) -> None:
    assert si(value, known(typed)) == in_si


def test_in_a_compound_a_degree_is_a_kelvin() -> None:
    assert si(60, known("°C/min")) == 1
    assert known("W/(m.°C)").offset == 0


@pytest.mark.parametrize("typed", ["J/kg K", "J/kg·K", "J/kg*K", "W/m K"])
def test_what_can_be_read_in_two_ways_is_refused_with_advice(typed: str) -> None:
    found = understand(typed)

    assert isinstance(found, Unknown)
    assert "brackets" in (found.advice or "")
    assert "括弧" in (found.advice_ja or "")


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("KeV", "keV"),
        ("Kev", "keV"),
        ("kev", "keV"),
        ("UMOL/KG", "umol/kg"),
        ("PPM", "ppm"),
        ("mmoll", "mmol"),
        ("103/uL", "10*3/uL"),
    ],
)
def test_a_unit_that_is_none_names_near_spellings_those_in_other_case_first(typed: str, near: str) -> None:
    found = understand(typed)

    assert isinstance(found, Unknown)
    assert near in found.near


@pytest.mark.parametrize(
    "typed",
    [
        "", "  ", "cold", "m^0.5", "m..s", "(m", "m)", "()", "//m", "m/", "m^", "m0", "x^99", "furlong" * 30, "m\ns/",
        "kkg", "mmin", "📏", "K" * 200, "103/uL", "m(s)", "{", "}", "[", "m m m ^",
    ],
)  # fmt: skip
def test_what_is_no_unit_is_not_guessed_at(typed: str) -> None:
    assert isinstance(understand(typed), Unknown)


@given(st.text(max_size=40))
def test_any_text_at_all_is_a_unit_or_it_is_not(typed: str) -> None:
    found = understand(typed)

    assert found.typed == typed
    assert isinstance(found, Unknown) or (
        found.factor > 0 and (found.qudt or found.ucum or found.kinds or found.dimensions)
    )


@pytest.mark.parametrize(
    ("typed", "kind", "units", "fit"),
    [
        ("keV", "Energy", (), True), ("keV", None, ("J",), True), ("K", "Energy", (), False), ("nm", "Energy", ("eV",), False),
        ("%", "MassFraction", (), True), ("wt%", "MassFraction", (), True), ("pH", "MassFraction", (), False),
        ("rad", "DimensionlessRatio", (), False), ("count", "Acidity", (), False), ("bp", "Angle", (), False),
        ("1", "DimensionlessRatio", (), True), ("1", "Angle", (), False), ("℃", "Temperature", (), True), ("°C", None, ("K",), True),
        ("nm", "Wavelength", (), True), ("d", "Age", (), True), ("N.m", "Energy", (), True), ("Bq", "Frequency", (), False),
        ("m3", "SomethingOfTheirOwn", (), True), ("m3", "SomethingOfTheirOwn", ("L",), True), ("m", "SomethingOfTheirOwn", ("L",), False),
    ],
)  # fmt: skip
def test_a_unit_fits_by_quantity_kind_and_not_by_dimension_alone(
    typed: str, kind: str | None, units: tuple[str, ...], fit: bool
) -> None:
    assert fits(known(typed), *SHIPPED.kinds_measured(kind, units)) is fit


def test_every_quantity_kind_and_unit_that_a_schema_names_is_known() -> None:
    def quantities(fields: tuple[Field, ...]) -> Iterator[Field]:
        for field in fields:
            if field.form == "quantity":
                yield field
            yield from quantities(field.fields)

    for kind in load_kinds().values():
        for field in quantities(kind.fields):
            assert field.quantity_kind is None or SHIPPED.knows_kind(field.quantity_kind), (kind.name, field.name)
            for unit in field.units:
                assert fits(known(unit), *SHIPPED.kinds_measured(field.quantity_kind, ())), (
                    kind.name,
                    field.name,
                    unit,
                )


def test_what_has_a_unit_in_si_is_told_in_it() -> None:
    kinds = {
        "Mass": "kg",
        "Energy": "J",
        "Age": "s",
        "Volume": "m3",
        "Velocity": "m.s-1",
        "Count": "1",
        "Density": "kg.m-3",
    }
    for kind, name in kinds.items():
        unit = SHIPPED.si_unit(kind)
        assert unit is not None, kind
        assert (unit.typed, unit.factor, unit.offset) == (name, 1, 0)
        assert fits(unit, *SHIPPED.kinds_measured(kind, ()))
    assert SHIPPED.si_unit("RelativeHumidity") is None
    assert SHIPPED.si_unit("Happiness") is None


def test_a_code_is_taken_apart_by_its_text() -> None:
    assert composition_of_code("mol/m3") == composition_of_code("mol.m-3") == (("m", -3), ("mol", 1))
    assert composition_of_code("J/(kg.K)") == composition_of_code("J.kg-1.K-1")
    assert composition_of_code("10*3/uL") == (("10", 3), ("uL", -1))


@pytest.fixture(scope="session")
def qudt(test_data: Path) -> list[dict[str, str]]:
    with (test_data / "ontologies" / "units" / "qudt_units.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# QUDT's older constants, and multipliers that it rounds.
OTHER_CONSTANTS = {
    "DA": "CODATA 2006",
    "E_h": "CODATA 2006",
    "ARCMIN": "rounded to nine digits",
    "KiloDA": "CODATA 2006",
}


def test_factors_are_those_that_qudt_publishes(qudt: list[dict[str, str]]) -> None:
    published = {row["iri"].removeprefix(QUDT): row for row in qudt}
    named = [unit for spelling in SHIPPED.spellings if isinstance(unit := understand(spelling), Unit) and unit.qudt]
    named += [
        known(line.split("|")[0].strip().replace("{#}", "count").replace("Ao", "Å").replace("Ohm", "Ω"))
        for line in COMPOUNDS.strip().splitlines()
    ]

    assert len({unit.qudt for unit in named}) > 300
    for unit in named:
        row = published[str(unit.qudt)]
        assert row["deprecated"] != "true", unit
        if unit.qudt == "YR" or float(row["multiplier"]) == 0:  # 0: QUDT gives none
            continue
        assert unit.factor == pytest.approx(
            float(row["multiplier"]), rel=2e-5 if unit.qudt in OTHER_CONSTANTS else 1e-9
        ), unit
        assert unit.offset == float(row["offset"] or 0), unit


def test_what_qudts_file_adds_names_compounds_that_the_shipped_table_leaves_to_ucum(qudt: list[dict[str, str]]) -> None:
    more = Units(index_qudt(qudt))
    lacking = understand("A.m2/h")
    assert isinstance(lacking, Unit)
    readable = [row for row in qudt if row["ucum"] and more.known(row["ucum"].split("|")[0])]

    assert lacking.qudt is None
    assert len(readable) > 1400
    # What people type stays what it is: in UCUM pH is a picohenry, and a count is no steradian.
    assert [unit.qudt for unit in map(more.understand, ("pH", "count", "M", "kbp", "count/min")) if isinstance(unit, Unit)] == [
        "PH", "NUM", "MOL-PER-L", None, "NUM-PER-MIN",
    ]  # fmt: skip


# UCUM's code is another unit than what people mean by it.
MEANT_OTHERWISE = {"Gb": "gilbert", "ML": "monolayer", "ph": "photon", "pH": "acidity"}
# QUDT's month is synodic, UCUM's and ours is a twelfth of a Julian year; its turns are radians.
FACTORS_DIFFER = {"mo": "month", "{#}.min-1": "turns", "{#}.min-1.s-1": "turns", "{#}.s-2": "turns"}


def test_codes_that_can_be_read_have_the_factor_that_qudt_publishes(qudt: list[dict[str, str]]) -> None:
    wrong = set()
    for row in qudt:
        for code in filter(None, row["ucum"].split("|")):
            unit = SHIPPED.known(code)
            if unit and float(row["multiplier"] or 0):
                close = unit.factor == pytest.approx(float(row["multiplier"]), rel=1e-6)
                if not close and code not in MEANT_OTHERWISE and "mo" not in composition_names(code):
                    wrong.add(code)

    assert wrong <= set(FACTORS_DIFFER)


def composition_names(code: str) -> set[str]:
    return {name for name, _ in composition_of_code(code)}

"""Filters and orders as inputs, made from the kinds; and what is asked with them, as conditions of a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, cast

import strawberry
from strawberry import ID
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from catalog.errors import Invalid
from catalog.questions.asked import identified, measured, outside_of, since_and_until
from catalog.questions.question import (
    OPERATORS,
    And,
    Attributed,
    Compare,
    Condition,
    Dated,
    Direction,
    Exists,
    InScope,
    Linked,
    Measured,
    Missing,
    Not,
    OfRecord,
    Or,
    Order,
    Place,
    RecordAttribute,
    Termed,
)
from catalog.questions.vocabulary import Field as AskedField
from catalog.questions.vocabulary import Sort, Vocabulary, vocabulary_of
from catalog.records.kinds import Field, Kind, Kinds
from catalog.web.graphql.definitions import Long, Words, argument, define, taken
from catalog.web.graphql.naming import common_fields, field_names, inverses, legal, pascal, taken_twice

"""Strawberry and SQLAlchemy written as their documentations advise: a data loader in each request's context for each relation.

Served by granian with two workers; the database's address is in the environment, as PLAIN_DATABASE.
"""

# No postponed annotations: Strawberry reads those of the resolvers.
import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
import strawberry
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

engine = create_async_engine(
    os.environ["PLAIN_DATABASE"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=10, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


# --- the tables


class Table(DeclarativeBase):
    """What is mapped."""


class SampleRow(Table):
    """Columns that no query asks for are not mapped, which is to this peer's advantage."""

    __tablename__ = "sample"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    project_id: Mapped[str]


class DatasetRow(Table):
    __tablename__ = "dataset"
    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    sample_id: Mapped[str] = mapped_column(ForeignKey("sample.id"))


class AgentRow(Table):
    __tablename__ = "agent"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class CreatorRow(Table):
    __tablename__ = "creator"
    dataset_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agent.id"))


class QuantityRow(Table):
    __tablename__ = "quantity"
    dataset_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    value: Mapped[float]
    unit: Mapped[str]


# --- the loaders


async def load_creators(datasets: list[str]) -> list[list[AgentRow]]:
    found: dict[str, list[AgentRow]] = defaultdict(list)
    asked = (
        select(CreatorRow.dataset_id, AgentRow)
        .join(AgentRow, AgentRow.id == CreatorRow.agent_id)
        .where(CreatorRow.dataset_id.in_(datasets))
        .order_by(CreatorRow.dataset_id, CreatorRow.position)
    )
    async with sessions() as session:
        for dataset, agent in await session.execute(asked):
            found[dataset].append(agent)
    return [found[dataset] for dataset in datasets]


async def load_quantities(datasets: list[str]) -> list[list[QuantityRow]]:
    found: dict[str, list[QuantityRow]] = defaultdict(list)
    asked = (
        select(QuantityRow)
        .where(QuantityRow.dataset_id.in_(datasets))
        .order_by(QuantityRow.dataset_id, QuantityRow.position)
    )
    async with sessions() as session:
        for row in await session.scalars(asked):
            found[row.dataset_id].append(row)
    return [found[dataset] for dataset in datasets]


async def load_samples(ids: list[str]) -> list[SampleRow | None]:
    async with sessions() as session:
        rows = await session.scalars(select(SampleRow).where(SampleRow.id.in_(ids)))
        found = {row.id: row for row in rows}
    return [found.get(id) for id in ids]


# --- the schema


@strawberry.type
class Agent:
    id: str
    name: str


@strawberry.type
class Quantity:
    name: str
    value: float
    unit: str


@strawberry.type
class Sample:
    id: str
    title: str


@strawberry.type
class Dataset:
    id: str
    title: str
    sample_id: strawberry.Private[str]

    @strawberry.field
    async def creators(self, info: strawberry.Info) -> list[Agent]:
        rows: Sequence[AgentRow] = await info.context["creators"].load(self.id)
        return [Agent(id=row.id, name=row.name) for row in rows]

    @strawberry.field
    async def quantities(self, info: strawberry.Info) -> list[Quantity]:
        rows: Sequence[QuantityRow] = await info.context["quantities"].load(self.id)
        return [Quantity(name=row.name, value=row.value, unit=row.unit) for row in rows]

    @strawberry.field
    async def sample(self, info: strawberry.Info) -> Sample | None:
        row: SampleRow | None = await info.context["samples"].load(self.sample_id)
        return None if row is None else Sample(id=row.id, title=row.title)


def _dataset(row: DatasetRow) -> Dataset:
    return Dataset(id=row.id, title=row.title, sample_id=row.sample_id)


@strawberry.type
class Query:
    @strawberry.field
    async def datasets(self, first: int, order_by_title: bool = False, project: str | None = None) -> list[Dataset]:
        asked = select(DatasetRow).limit(first)
        if project is not None:
            asked = asked.join(SampleRow, SampleRow.id == DatasetRow.sample_id).where(SampleRow.project_id == project)
        asked = asked.order_by(DatasetRow.title if order_by_title else DatasetRow.id)
        async with sessions() as session:
            return [_dataset(row) for row in await session.scalars(asked)]

    @strawberry.field
    async def dataset(self, id: str) -> Dataset | None:
        async with sessions() as session:
            row = await session.get(DatasetRow, id)
        return None if row is None else _dataset(row)


class View(GraphQL[dict[str, Any], None]):
    """The view, with loaders that live as long as a request."""

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {
            "creators": DataLoader(load_fn=load_creators),
            "quantities": DataLoader(load_fn=load_quantities),
            "samples": DataLoader(load_fn=load_samples),
        }

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


schema = strawberry.Schema(query=Query, extensions=[ParserCache(maxsize=100), ValidationCache(maxsize=100)])
application = View(schema, graphql_ide=None)

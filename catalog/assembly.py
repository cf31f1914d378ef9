"""Settings become a catalogue: the only place that chooses implementations and puts the rooms together."""

from __future__ import annotations

import gc
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from catalog.access.accounts import Accounts
from catalog.access.audit import Audit
from catalog.access.device_flow import DeviceFlow
from catalog.access.grants import Grants
from catalog.access.groups import Groups
from catalog.access.links import Links
from catalog.access.past import Chronicle
from catalog.access.people import People
from catalog.access.readers import Readers
from catalog.access.requests import Requests
from catalog.access.scopes import Scopes
from catalog.access.seal import Seal
from catalog.access.sessions import Sessions
from catalog.access.sight import Sight
from catalog.access.tokens import Tokens
from catalog.curation.profiles import propose_profile, publish_profile
from catalog.curation.submit import Intake
from catalog.discovery.audience import Audiences
from catalog.discovery.search import Searchable
from catalog.discovery.usage import Usage
from catalog.errors import Conflict, Misconfigured
from catalog.ledger.answer import Answers
from catalog.ledger.append import Ledger
from catalog.ledger.book import Book
from catalog.ledger.loads import Loads
from catalog.ledger.profiles import Profiles, ProfileVersion
from catalog.ledger.sources import Sources
from catalog.ledger.standing import Standings
from catalog.ledger.terms import Terms
from catalog.ledger.units import units_of
from catalog.ledger.verifications import Verifications
from catalog.projections.graph.embedded import OxigraphProjection
from catalog.projections.graph.pool import Bounds, SparqlPool
from catalog.projections.projection import Name, Projection
from catalog.projections.search.embedded import TantivyProjection
from catalog.projections.search.reading import TantivyIndex
from catalog.questions.reader import ADMINISTRATOR
from catalog.questions.vocabulary import Vocabulary, vocabulary_of
from catalog.records.kinds import Kinds, load_kinds
from catalog.records.record import Source
from catalog.records.shipped import shipped
from catalog.settings import Settings
from catalog.store.engine import Store, open_store
from catalog.store.tables import mirror, record, setting
from catalog.upkeep.follow import Ledgers
from catalog.upkeep.follower import Follower
from catalog.upkeep.pressure import Pressure
from catalog.upkeep.verify import Verifier
from catalog.validation.gate import Gate
from catalog.validation.profiles import (
    CompiledProfile,
    ShippedProfile,
    compile_profile,
    profile_address,
    shipped_profiles,
)
from catalog.validation.second_opinion import Crosscheck, SecondOpinion

if TYPE_CHECKING:
    # Read when somebody first asks for them: the libraries that ask issuers and read their tokens take a third of a second,
    # for which every command would wait.
    from catalog.access.issuers import Issuers
    from catalog.access.oidc import SignIn
    from catalog.access.signed import Keyring
    from catalog.access.workloads import Workloads

TOKEN_BYTES = 32


@dataclass(frozen=True)
class Catalog:
    """A catalogue that is open: its parts, each known to be whole and up to date."""

    settings: Settings
    base: str
    kinds: Kinds
    vocabulary: Vocabulary
    store: Store
    ledger: Ledger
    answers: Answers
    sources: Sources
    terms: Terms
    profiles: Profiles[CompiledProfile]
    scopes: Scopes
    loads: Loads
    second_opinion: SecondOpinion
    crosscheck: Crosscheck
    token: str = field(repr=False)
    made_token: str | None = field(default=None, repr=False)  # the token, if this start made it

    @cached_property
    def gate(self) -> Gate:
        """What submissions are judged by; compiled when the first one comes, since reading needs none of it."""
        return Gate(
            self.kinds,
            self.profiles,
            self.sources,
            second_opinion=self.second_opinion,
            crosscheck=self.crosscheck,
            units=units_of(self.store),
        )

    @property
    def intake(self) -> Intake:
        """What entering a submission needs."""
        return Intake(self.gate, self.ledger, self.sources, self.scopes)

    @cached_property
    def readers(self) -> Readers:
        """From who somebody is to what they may."""
        return Readers(self.store)

    @cached_property
    def audit(self) -> Audit:
        """What was done about rights."""
        return Audit(self.store)

    @cached_property
    def grants(self) -> Grants:
        """Rights given and taken back."""
        return Grants(self.store, self.scopes, self.audit)

    @cached_property
    def chronicle(self) -> Chronicle:
        """Who had access to a scope, and when."""
        return Chronicle(self.store, self.scopes, self.grants)

    @cached_property
    def groups(self) -> Groups:
        """Groups of people, workloads and other groups."""
        return Groups(self.store, self.audit)

    @cached_property
    def requests(self) -> Requests:
        """What people have asked to be let into."""
        return Requests(self.store, self.scopes, self.grants, self.audit)

    @cached_property
    def sessions(self) -> Sessions:
        """Who has signed in with a browser."""
        return Sessions(self.store, self.readers, self.audit)

    @cached_property
    def people(self) -> People:
        """Who can sign in."""
        return People(self.store, self.sessions, self.audit)

    @cached_property
    def accounts(self) -> Accounts:
        """Names and passwords of our own."""
        return Accounts(self.store, self.people, self.sessions, self.audit)

    @cached_property
    def seal(self) -> Seal:
        """What is kept so that a copy of the database alone tells nobody."""
        return Seal(self.settings.data / "sealing-key")

    @cached_property
    def issuers(self) -> Issuers:
        """Who vouches for people, programs and visas."""
        from catalog.access.issuers import Issuers

        return Issuers(self.store, self.audit, self.seal)

    @cached_property
    def keyring(self) -> Keyring:
        """The keys of issuers."""
        from catalog.access.signed import Keyring

        return Keyring()

    @cached_property
    def sign_in(self) -> SignIn:
        """Signing in at issuers."""
        from catalog.access.oidc import SignIn

        return SignIn(
            self.store,
            self.issuers,
            self.keyring,
            self.people,
            self.sessions,
            self.audit,
            self.seal,
            base=self.base,
        )

    @cached_property
    def workloads(self) -> Workloads:
        """Programs that an issuer vouches for."""
        from catalog.access.workloads import Workloads

        return Workloads(self.store, self.issuers, self.keyring, self.readers, self.audit, base=self.base)

    @cached_property
    def tokens(self) -> Tokens:
        """What programs carry instead of a password."""
        return Tokens(self.store, self.readers, self.scopes, self.audit)

    @cached_property
    def links(self) -> Links:
        """Links that open a scope to whoever carries them."""
        return Links(self.store, self.scopes, self.grants, self.readers, self.audit)

    @cached_property
    def device_flow(self) -> DeviceFlow:
        """Command lines that wait to be let in."""
        return DeviceFlow(self.store, self.tokens, self.audit)

    @cached_property
    def book(self) -> Book:
        """How far the projections have come, and who feeds them."""
        return Book(self.store, self.settings.data / "projections")

    @cached_property
    def standings(self) -> Standings:
        """Records as projections are to show them."""
        return Standings(self.store)

    @cached_property
    def projections(self) -> Mapping[Name, Projection]:
        """What is built from the ledger and can be built again, by name."""
        made: tuple[Projection, ...] = (
            OxigraphProjection(self.kinds, self.base),
            TantivyProjection(self.kinds, lambda source: self.sources.get(source).zone),
        )
        return {each.name: each for each in made}

    @cached_property
    def sparql(self) -> SparqlPool:
        """The processes that run queries over the graph; they start with the first one."""
        chosen = self.settings
        bounds = Bounds(chosen.sparql_memory, chosen.sparql_rows, chosen.sparql_answer)
        return SparqlPool(chosen.sparql_processes, bounds, folder=chosen.spool)

    @cached_property
    def index(self) -> Searchable:
        """The search index as it can be read, with what searching needs beside it."""
        secret = blake2b(self.token.encode(), digest_size=32, person=b"musubi-search").digest()
        return Searchable(TantivyIndex(), self.book, self.terms, self.kinds, Audiences(self.store), secret=secret)

    @cached_property
    def cursor_key(self) -> bytes:
        """What cursors are sealed with that say more than their readers may know."""
        return blake2b(self.token.encode(), digest_size=32, person=b"musubi-cursors").digest()

    @cached_property
    def usage(self) -> Usage:
        """How fields, quantities and attributes are used."""
        return Usage(self.answers, self.kinds)

    def follower(self, *, alone: bool = False) -> Follower:
        """Who feeds the projections, in one process at a time. `alone`: nobody else waits to be fed meanwhile."""

        verifiers = {
            name: Verifier(
                projection,
                self.standings,
                self.book,
                self.verifications,
                self.kinds,
                every_hours=self.settings.verify_hours,
                alone=alone,
            )
            for name, projection in self.projections.items()
        }

        def prepare() -> None:
            self.ledger.upgrade_mirrors()

        return Follower(
            Ledgers(self.store, self.book, self.standings),
            self.projections,
            self.kinds,
            prepare=prepare,
            verifiers=verifiers,
        )

    @cached_property
    def verifications(self) -> Verifications:
        """What verification found last, and who waits for it to look again."""
        return Verifications(self.store)

    @cached_property
    def pressure(self) -> Pressure:
        """Holds up whoever loads in bulk while a projection is too far behind."""
        return Pressure(self.book, self.settings.lag_limit)

    def close(self) -> None:
        """Let go of the database, and of the processes that give second opinions."""
        if "index" in self.__dict__:
            self.index.close()
        if "sparql" in self.__dict__:
            self.sparql.close()
        self.second_opinion.close()
        self.crosscheck.close()
        self.store.close()


def kinds_of(settings: Settings) -> Kinds:
    """The kinds of an installation: those that are shipped, and its own."""
    for folder in settings.kinds:
        if not (folder / "schemas" / "kinds").is_dir():
            raise Misconfigured(
                f"setting kinds: {folder} has no schemas/kinds in it",
                ja=f"設定 kinds: {folder} に schemas/kinds がありません",
            )
    return load_kinds(shipped(), *settings.kinds)


def exists(settings: Settings) -> bool:
    """Whether the data folder holds a catalogue."""
    return settings.token_file.exists()


def open_catalog(settings: Settings) -> Catalog:
    """The catalogue that the settings name, made if it is not there; Misconfigured says what stands in the way."""
    prepare_folder(settings.data)
    kinds = kinds_of(settings)
    store = open_store(settings.database_address)
    try:
        store.migrate()
        refuse_unknown_kinds(store, kinds)
        ledger = Ledger(store, kinds)
        ledger.mirrors.prepare()
        terms = Terms(store)
        terms.open_up()
        base = fix_base(store, settings)
        token, made = administrators_token(settings.token_file)
        sources = Sources(store)
        words = vocabulary_of(kinds, sources.prefixes)
        profiles = compiled_profiles(store, kinds)
        catalog = Catalog(
            settings=settings,
            base=base,
            kinds=kinds,
            vocabulary=words,
            store=store,
            ledger=ledger,
            answers=Answers(store, words, Sight(store.database.name)),
            sources=sources,
            terms=terms,
            profiles=profiles,
            scopes=Scopes(store, follow=terms.follow_scopes),
            loads=Loads(store),
            second_opinion=SecondOpinion(),
            crosscheck=Crosscheck(kinds),
            token=token,
            made_token=token if made else None,
        )
        # At each start, since a newer version of the software may bring new ones.
        install_profiles(catalog)
        calm_collector()
        return catalog
    except BaseException:
        store.close()
        raise


def refuse_unknown_kinds(store: Store, kinds: Kinds) -> None:
    """Say so where there are records of a kind whose files are not: every list that has one of them would fail."""
    with store.read() as connection:
        for name in connection.scalars(select(mirror.c.kind).distinct().order_by(mirror.c.kind)).all():
            held = select(record.c.key).where(record.c.kind == name).limit(1)
            if name not in kinds and connection.scalar(held) is not None:
                raise Misconfigured(
                    f"the catalogue holds records of the kind {name!r}, whose files are not here: name their folder with setting kinds",
                    ja=f"カタログに種別 {name!r} のレコードがありますが、種別のファイルがありません。設定 kinds でフォルダーを指定してください",
                )


def calm_collector() -> None:
    """Let the garbage collector look at a batch's values once, not dozens of times: a third of a load's time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def compiled_profiles(store: Store, kinds: Kinds) -> Profiles[CompiledProfile]:
    """The registered profiles, made ready as they are asked for."""

    def ready(stored: ProfileVersion) -> CompiledProfile:
        others = {
            profile_address(each.name, each.version): each.schema
            for each in profiles.versions()
            if each.published_at is not None and each.reference != stored.reference
        }
        return compile_profile(
            stored.name,
            stored.version,
            stored.kind,
            stored.schema,
            stored.shapes,
            kinds=kinds,
            registered=others,
        )

    profiles: Profiles[CompiledProfile] = Profiles(store, ready)
    return profiles


def all_shipped_profiles() -> tuple[ShippedProfile, ...]:
    """The profiles that came with the software, by name and version."""
    return tuple(shipped_profiles(shipped() / "schemas" / "profiles"))


def install_profiles(catalog: Catalog) -> None:
    """Register and publish the shipped profiles that are not registered yet; one that somebody else named so stays theirs."""
    for each in all_shipped_profiles():
        stored = catalog.profiles.version(f"{each.name}@{each.version}")
        if stored is not None and stored.published_at is not None:
            continue
        told = {"name": each.name, "kind": each.kind, "title": each.title, "schema": each.schema}
        document = {**told, "description": each.description, **({"shapes": each.shapes} if each.shapes else {})}
        try:
            if stored is None and catalog.profiles.next_version(each.name) == each.version:
                stored = propose_profile(
                    document, ADMINISTRATOR, profiles=catalog.profiles, kinds=catalog.kinds, sources=catalog.sources
                )
            # A start that was cut off may have left it proposed only.
            if stored is not None and stored.submitted == orjson.dumps(each.schema).decode():
                publish_profile(stored.reference, ADMINISTRATOR, profiles=catalog.profiles, despite_broken=True)
        except Conflict:
            # Another process makes its start at the same moment, and was quicker.
            continue


class _AnySource:
    """Every source, as one that has said nothing of itself: where no catalogue is, none is registered."""

    def find(self, id: str) -> Source:
        return Source(id, 1, {}, home_scope=id)


class _ShippedProfiles:
    """The profiles that came with the software, made ready when they are asked for."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._made: dict[str, CompiledProfile] = {}
        self._there = {f"{each.name}@{each.version}": each for each in all_shipped_profiles()}

    def find(self, reference: str) -> CompiledProfile | None:
        each = self._there.get(reference)
        if each is not None and reference not in self._made:
            self._made[reference] = compile_profile(
                each.name, each.version, each.kind, each.schema, each.shapes, kinds=self._kinds
            )
        return self._made.get(reference)


def gate_alone(settings: Settings) -> Gate:
    """The gate without a ledger behind it: any source, and the shipped profiles."""
    kinds = kinds_of(settings)
    return Gate(kinds, _ShippedProfiles(kinds), _AnySource())


def prepare_folder(folder: Path) -> None:
    """Make the data folder where it is missing, and see that it can be written to."""
    try:
        # What is embargoed lies in it as plain files: they are nobody else's on this machine.
        folder.mkdir(0o700, parents=True, exist_ok=True)
        (folder / "spool").mkdir(exist_ok=True)
        # Asked by writing: the mode says nothing of a read-only disk, and nothing at all to root.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError as problem:
        raise Misconfigured(
            f"the data folder {folder} is a file: name a folder with --data or CATALOG_DATA",
            ja=f"データフォルダー {folder} はファイルです。--data か CATALOG_DATA でフォルダーを指定してください",
        ) from problem
    except OSError as problem:
        raise Misconfigured(
            f"the data folder {folder} cannot be written to ({problem.strerror}): "
            "name another with --data or CATALOG_DATA, or let this user write there",
            ja=f"データフォルダー {folder} に書き込めません（{problem.strerror}）。"
            "--data か CATALOG_DATA で別のフォルダーを指定するか、書き込みを許可してください",
        ) from problem


def administrators_token(path: Path) -> tuple[str, bool]:
    """The administrator's token, and whether it was made just now."""
    try:
        # Made with its mode, so that there is no moment at which others may read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept_token(path), False
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
        file.flush()
        os.fsync(file.fileno())
    return token, True


def _kept_token(path: Path) -> str:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise Misconfigured(
            f"{path} may be read by others (mode {mode:o}): `chmod 600 {path}`, or delete it and start again for a new one",
            ja=f"{path} を他の利用者が読めます（モード {mode:o}）。`chmod 600 {path}` を実行するか、削除して起動し直してください",
        )
    token = path.read_text("utf-8").strip()
    for _ in range(20):
        if token:
            break
        # Another process made its first start at the same moment, and has the file but has not written it yet.
        time.sleep(0.05)
        token = path.read_text("utf-8").strip()
    if len(token) < TOKEN_BYTES:
        raise Misconfigured(
            f"{path} holds no token that is long enough: delete it and start again for a new one",
            ja=f"{path} のトークンが短すぎます。削除して起動し直すと新しく作られます",
        )
    return token


def fix_base(store: Store, settings: Settings) -> str:
    """The base address: what the first start said, which nothing changes afterwards."""
    wanted = select(setting.c.value).where(setting.c.name == "base")
    with store.read() as connection:
        fixed = connection.execute(wanted).scalar()
    if fixed is None:
        try:
            with store.write() as connection:
                connection.execute(insert(setting).values(name="base", value=settings.base_address))
            return settings.base_address
        except IntegrityError:
            # Another process made its first start at the same moment, and was quicker.
            with store.read() as connection:
                fixed = connection.execute(wanted).scalar_one()
    if settings.base and settings.base != fixed:
        raise Misconfigured(
            f"this catalogue's base address is {fixed} since its first start, and setting base says {settings.base} "
            f"(from {settings.origins.get('base', 'the settings')}): leave base out, or export into a new catalogue",
            ja=f"このカタログのアドレスは最初の起動で {fixed} に固定されています。設定 base の {settings.base} は使えません。"
            "base を外すか、新しいカタログに書き出してください",
        )
    return str(fixed)

"""The tables of the ledger and of what stands beside every kind's mirror, as SQLAlchemy Core sees them.

Ids and IRIs are long and named often, so each stands once in `node` and is an integer everywhere else. A link to a
record that is not here yet points to its node; when the record arrives it takes that node's key, and the link joins
without being touched. Times are UTC text in ISO 8601 with microseconds and Z, which sorts as it reads on every
database; documents are JSON in TEXT, since PostgreSQL's jsonb would reorder keys and refuse NUL.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives a rowid alias only to INTEGER; elsewhere keys are 64 bits wide.
Key = BigInteger().with_variant(Integer(), "sqlite")
# Ids sort by byte on every database: a cursor's last key must mean the same everywhere.
Id = Text().with_variant(Text(collation="C"), "postgresql")

# The changes after which fewer people may see something; they go first wherever changes are followed.
CLOSING = "verb IN ('suppress', 'hide', 'draft', 'withdraw', 'move', 'merge', 'expunge', 'scope')"

setting = Table("setting", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

node = Table("node", metadata, Column("key", Key, primary_key=True), Column("id", Id, nullable=False, unique=True))

scope = Table(
    "scope",
    metadata,
    Column("key", Key, primary_key=True),
    Column("id", Id, nullable=False, unique=True),
    Column("parent", Key, ForeignKey("scope.key")),
    Column("level", Integer, nullable=False),
    Column("title", Text, nullable=False, server_default="{}"),
    # What was set here; null leaves it to the scope above.
    Column("mode", Text),  # everyone | limited
    Column("metadata_until", Text),
    Column("data_until", Text),
    Column("data_mode", Text),  # open | approval: who may read the metadata may have the data, or has to ask for them
    Column("resource", Text),  # what visas call the data that lie here
    # What is in force here: that of the nearest scope that sets it. A root that sets nothing is limited.
    Column("open", Boolean, nullable=False, server_default=text("false")),
    Column("metadata_embargo", Text),
    Column("data_embargo", Text),
    Column("data_approval", Boolean, nullable=False, server_default=text("false")),
    Index(
        "ix_scope_resource",
        "resource",
        sqlite_where=text("resource IS NOT NULL"),
        postgresql_where=text("resource IS NOT NULL"),
    ),
    Index(
        "ix_scope_metadata_embargo",
        "metadata_embargo",
        sqlite_where=text("metadata_embargo IS NOT NULL"),
        postgresql_where=text("metadata_embargo IS NOT NULL"),
    ),
)

scope_closure = Table(
    "scope_closure",
    metadata,
    Column("ancestor", Key, ForeignKey("scope.key"), primary_key=True),
    Column("descendant", Key, ForeignKey("scope.key"), primary_key=True),
    Column("depth", Integer, nullable=False),
    Index("ix_scope_closure_descendant_ancestor", "descendant", "ancestor"),
)

source = Table("source", metadata, Column("id", Id, primary_key=True), Column("version", Integer, nullable=False))

source_version = Table(
    "source_version",
    metadata,
    Column("source", Id, ForeignKey("source.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)

profile_version = Table(
    "profile_version",
    metadata,
    Column("name", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False, server_default="{}"),
    Column("submitted", Text, nullable=False),  # the JSON Schema as it came
    Column("schema", Text, nullable=False),  # as it is used, after safe repairs
    Column("shapes", Text),  # Turtle
    Column("notes", Text, nullable=False, server_default="[]"),  # findings: what was repaired
    Column("trial", Text),  # what the records of older versions would break
    Column("published_at", Text),  # null: proposed only
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("key", Key, ForeignKey("node.key"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("source", Id, nullable=False),
    Column("local_id", Id, nullable=False),
    Column("scope", Key, ForeignKey("scope.key"), nullable=False),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # the newest: the optimistic lock
    Column("shown", Integer, nullable=False),  # the newest that passed the gate: what is read
    Column("hash", Text, nullable=False),
    Column("profile", Text),
    Column("findings", Text),  # of the revision shown, where it keeps its kind but not its profile
    Column("merged_into", Key, ForeignKey("record.key")),
    Column("reason", Text),  # why it was withdrawn
    Column("created_at", Text, nullable=False),
    Column("modified_at", Text, nullable=False),
    Index("ix_record_source_kind", "source", "kind"),
    # With what counting needs, so that the first page of a large catalogue reads no record.
    Index("ix_record_scope_kind_status", "scope", "kind", "status"),
    Index(
        "ix_record_status",
        "status",
        sqlite_where=text("status <> 'public'"),
        postgresql_where=text("status <> 'public'"),
    ),
    Index("ix_record_modified_at", "modified_at"),
    Index(
        "ix_record_merged_into",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

# Apart from `record`, whose rows are scanned by filters and must stay narrow.
linked = Table(
    "linked",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
)

revision = Table(
    "revision",
    metadata,
    Column("record", Key, ForeignKey("record.key"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("as_sent", Text),  # where the text that came was not byte for byte the compact body
    Column("profile", Text),
    Column("hash", Text, nullable=False),
    Column("scope", Key, ForeignKey("scope.key"), nullable=False),
    Column("findings", Text),
    Column("quarantined", Boolean, nullable=False, server_default=text("false")),
    Column("expunged", Text),  # the reason; body is then "null"
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("load", Text),
    Column("agent", Id),  # the record of the device as which it was done, if it was one
    # Whom the closing of a device's record reaches.
    Index(
        "ix_revision_agent",
        "agent",
        "record",
        sqlite_where=text("agent IS NOT NULL"),
        postgresql_where=text("agent IS NOT NULL"),
    ),
    # What somebody submitted themselves; what is loaded in bulk by programs is not looked for like that.
    Index(
        "ix_revision_person",
        "by",
        "record",
        sqlite_where=text("\"by\" >= 'person:' AND \"by\" < 'person;'"),
        postgresql_where=text("\"by\" >= 'person:' AND \"by\" < 'person;'"),
    ),
    # What was expunged must not come back: each submission asks for these few.
    Index(
        "ix_revision_expunged",
        "record",
        sqlite_where=text("expunged IS NOT NULL"),
        postgresql_where=text("expunged IS NOT NULL"),
    ),
)

change = Table(
    "change",
    metadata,
    Column("position", Key, primary_key=True, autoincrement=False),
    Column("record", Key, nullable=False),
    # submit | publish | suppress | hide | draft | withdraw | restore | merge | unmerge | move | files | expunge
    Column("verb", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("detail", Text),
    Index("ix_change_record_position", "record", "position"),
    Index("ix_change_closing", "position", sqlite_where=text(CLOSING), postgresql_where=text(CLOSING)),
)

# The rows that follow from a record (these five, `linked`, and the mirrors) can be made again from it and are written in
# one place, so no foreign key watches them: on PostgreSQL that cost as much again as writing them (a link 20 us, watched
# 60). They lie in the order of their key where the database can do that (SQLite): one tree fewer to write for each.
# `place` is where the row stood among its like, and tells twins apart.
link = Table(
    "link",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("target", Key, nullable=False),
    Column("role", Text),
    Column("port", Text),
    Column("predicate", Text),
    Column("from", Text),
    Column("order", Integer),
    Column("until", Text),
    Column("note", Text),
    Column("by", Text),
    Index("ix_link_target_field", "target", "field"),
    # Who asserted a link is named in it: hidden, it is named no more.
    Index("ix_link_by", "by", sqlite_where=text('"by" IS NOT NULL'), postgresql_where=text('"by" IS NOT NULL')),
    sqlite_with_rowid=False,
)

quantity = Table(
    "quantity",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True),
    Column("field", Text, nullable=False),
    Column("name", Text),
    Column("value", Double),
    Column("min", Double),
    Column("max", Double),
    Column("uncertainty", Double),
    Column("unit", Text, nullable=False),
    Column("quantity_kind", Text),
    Column("si_min", Double),
    Column("si_max", Double),
    Index("ix_quantity_field_name_si_min", "field", "name", "si_min"),
    sqlite_with_rowid=False,
)

attribute = Table(
    "attribute",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", Text),
    # The first 64 characters: enough to choose by, and never too long for an index.
    Column("value_key", Text),
    Column("term", Text),
    Column("origin", Text, nullable=False),
    Index("ix_attribute_name_value_key", "name", "value_key"),
    sqlite_with_rowid=False,
)

identifier = Table(
    "identifier",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("is_primary", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text),
    Index("ix_identifier_value_scheme", "value", "scheme"),
    sqlite_with_rowid=False,
)

# Which terms a record uses in which field; `term` is the node of the IRI, whether a record of ours describes it or not.
term_use = Table(
    "term_use",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("term", Key, primary_key=True, autoincrement=False),
    Index("ix_term_use_term_field", "term", "field"),
    sqlite_with_rowid=False,
)

# Which term is below which, by the nodes of their IRIs, and over how many steps at least; kept by ledger/terms.py.
term_closure = Table(
    "term_closure",
    metadata,
    Column("ancestor", Key, primary_key=True, autoincrement=False),
    Column("descendant", Key, primary_key=True, autoincrement=False),
    Column("depth", Integer, nullable=False),
    Index("ix_term_closure_descendant", "descendant"),
    sqlite_with_rowid=False,
)

# What the terms are called that everyone may read; `folded` is the name as it is compared.
term_name = Table(
    "term_name",
    metadata,
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True),
    Column("term", Key, nullable=False),
    Column("folded", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text),
    Column("preferred", Boolean, nullable=False),
    Index("ix_term_name_folded", "folded"),
    Index("ix_term_name_term", "term"),
    sqlite_with_rowid=False,
)

file = Table(
    "file",
    metadata,
    Column("key", Key, primary_key=True),
    Column("dataset", Key, ForeignKey("record.key"), nullable=False),
    Column("path", Id, nullable=False),
    Column("size", BigInteger),
    Column("media_type", Text),
    Column("format", Text),
    Column("role", Text),
    Column("modified_at", Text),
    Column("checksums", Text, nullable=False, server_default="[]"),
    Column("order", Integer),
    Column("paired", Text),
    Index("uq_file_dataset_path", "dataset", "path", unique=True),
)

file_list = Table(
    "file_list",
    metadata,
    Column("dataset", Key, ForeignKey("record.key"), primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)

location = Table(
    "location",
    metadata,
    Column("key", Key, primary_key=True),
    Column("file", Key, ForeignKey("file.key", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    Column("facility", Text),
    Column("storage_class", Text),
    Column("state", Text, nullable=False, server_default="online"),
    Column("state_until", Text),
    Column("verified_at", Text),
    Column("permission", Text),
    Index("ix_location_file", "file"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("record", Key, ForeignKey("record.key"), primary_key=True),
    Column("profile", Text, primary_key=True),  # name@version that the record does not name itself
    Column("valid", Boolean, nullable=False),
    Column("findings", Text, nullable=False, server_default="[]"),
    Column("at", Text, nullable=False),
)

load = Table(
    "load",
    metadata,
    Column("id", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("atomic", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False),  # running | complete | incomplete
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
)

expunge_request = Table(
    "expunge_request",
    metadata,
    Column("id", Text, primary_key=True),
    Column("record", Key, ForeignKey("record.key"), nullable=False),
    Column("revision", Integer),  # null: all of it
    Column("reason", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("done_at", Text),
)

# Which table answers for a kind now, and which is being filled to take its place.
mirror = Table(
    "mirror",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("table", Text, nullable=False),
    Column("state", Text, nullable=False),  # filling | live | old
    Column("filled_to", Key),  # the last record that was filled in, by key
    Column("followed_to", Key),  # the last change that was followed since the filling began
)

# How far each projection has come. Of its generations one is `live`; one may be `wanted` or `building`, one `old`.
projection = Table(
    "projection",
    metadata,
    Column("name", Text, primary_key=True),  # graph | search
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),  # wanted | building | live | old | damaged
    Column("why", Text, nullable=False),  # it was built: first | asked | changed | damaged | expunged
    Column("fingerprint", Text, nullable=False),
    Column("position", Key, nullable=False, server_default=text("0")),  # every change up to here is in it, to be read
    Column("closed_to", Key, nullable=False, server_default=text("0")),  # every closing up to here, which go first
    Column("filled_to", Key),  # while it is filled: the last record, by key
    Column("visible", Text),  # what readers open of it
    Column("opened_at", Text),  # embargoes that ended up to here are in it
    Column("started_at", Text, nullable=False),
    Column("live_at", Text),
    Column("trouble", Text),  # what keeps it from being fed now (a full disk): it is tried again and again
    Column("trouble_at", Text),
)

# What a change spreads to, in slices: the records that link to it, or lie in it.
spread = Table(
    "spread",
    metadata,
    Column("name", Text, primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, primary_key=True),  # linkers | scope | stirred
    Column("key", Key, primary_key=True, autoincrement=False),  # of the record, or of the scope; or a position
    Column("closing", Boolean, nullable=False),
    Column("position", Key, nullable=False),
    Column("done_to", Key, nullable=False, server_default=text("0")),  # the last record that was reached, by key
)

# Records of which more or less can be said since others changed, though nothing links them: by the first position of the
# transaction that did it. Kept until every generation has come so far.
stirred = Table(
    "stirred",
    metadata,
    Column("position", Key, primary_key=True, autoincrement=False),
    Column("record", Key, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# What could not be projected, until it can or somebody waives it.
failure = Table(
    "failure",
    metadata,
    Column("name", Text, primary_key=True),
    Column("record", Key, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),
    Column("position", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("next_at", Text, nullable=False),
    Column("waived_at", Text),
    Column("waived_by", Text),
    Column("reason", Text),
)

# Who may write to the projections. The number rises with each new holder: an earlier one that wakes up is recognised.
lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("until", Text, nullable=False),
)

# What `verify` found last, of each projection, and whether somebody waits for it to look again.
verification = Table(
    "verification",
    metadata,
    Column("name", Text, primary_key=True),
    Column("generation", Integer),
    Column("at", Text),
    Column("report", Text),
    Column("asked_at", Text),  # null: nobody waits
    Column("repair", Boolean, nullable=False, server_default=text("true")),
    Column("progress", Text),  # of the round that is under way for those who wait
)

# Whoever rights can be given to. Two are there from the start: everyone, and everyone who is signed in.
holder = Table(
    "holder",
    metadata,
    Column("key", Key, primary_key=True),
    Column("id", Id, nullable=False, unique=True),  # person:… group:… workload:… link:… everyone signed-in
    Column("kind", Text, nullable=False),  # person | group | workload | link | everyone | signed-in
    Column("name", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("ended_at", Text),  # a person shut out, a group dissolved, a link taken back: holds nothing from then on
)

person = Table(
    "person",
    metadata,
    Column("key", Key, ForeignKey("holder.key"), primary_key=True, autoincrement=False),
    Column("email", Text),  # told to administrators and to themselves; never what anybody is recognised by
    Column("orcid", Text),
    Column("administrator", Boolean, nullable=False, server_default=text("false")),
    Column("language", Text),
)

# A name and a password of our own. What is kept of the password is what argon2id made of it.
local_account = Table(
    "local_account",
    metadata,
    Column("person", Key, ForeignKey("person.key"), primary_key=True, autoincrement=False),
    Column("login", Text, nullable=False, unique=True),  # in lower case
    Column("password", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
)

# How often somebody guessed wrong lately: by what was guessed at, and by where from.
guess = Table(
    "guess",
    metadata,
    Column("what", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Text, nullable=False),
)

# Who vouches for others: an OIDC issuer for people, workloads or visas.
issuer = Table(
    "issuer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address", Text, nullable=False, unique=True),  # `iss`, compared exactly
    Column("document", Text, nullable=False),
    Column("secret", Text),  # of our client there, sealed with the installation's key
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("ended_at", Text),
)

# Somebody as an issuer knows them. Several may be one person, joined only by who was signed in as both.
identity = Table(
    "identity",
    metadata,
    Column("issuer", Id, ForeignKey("issuer.id"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("person", Key, ForeignKey("person.key"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("groups", Text, nullable=False, server_default="[]"),  # as the issuer said at the last sign-in
    Column(
        "visas", Text, nullable=False, server_default="[]"
    ),  # what they allow: resource, until; checked when they came
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
)

workload = Table(
    "workload",
    metadata,
    Column("key", Key, ForeignKey("holder.key"), primary_key=True, autoincrement=False),
    Column("issuer", Id, ForeignKey("issuer.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("agent", Id),  # the record of type device as which it acts
    Column("source", Id),  # writes records of this source only
    Index("uq_workload_issuer_subject", "issuer", "subject", unique=True),
)

session = Table(
    "session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("id", Id, nullable=False, unique=True),  # by which its person ends it
    Column("person", Key, ForeignKey("person.key"), nullable=False, index=True),
    Column("how", Text, nullable=False),  # local, or the issuer
    Column("csrf", Text, nullable=False),  # what a browser's forms bring along, against forged ones
    Column("started_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
)

# What works once: an invitation, a password's reset, a sign-in that is under way at an issuer, a command line's sign-in.
once = Table(
    "once",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("what", Text, nullable=False),  # invite | reset | sign-in | device
    Column("detail", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("until", Text, nullable=False, index=True),
)

# What programs carry instead of a password. Kept as a digest; shown once.
token = Table(
    "token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("owner", Key, ForeignKey("holder.key")),  # whose rights it has a part of; null: a source's own
    Column("part", Text),  # [{right, scope}]; null: all that the owner holds
    Column("source", Id, ForeignKey("source.id")),  # writes records of this source only
    Column("agent", Id),  # the record of type device as which it acts
    Column("parent", Id),  # the token that made it, with which it ends
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("used_at", Text),
    Column("used_from", Text),
    Column("ended_at", Text),
    Column("ended_by", Text),
    Index("ix_token_owner", "owner"),
    Index("ix_token_source", "source"),
    Index("ix_token_parent", "parent"),
)

# A link that can be passed on without an account. Its rights are its holder's permissions.
link_token = Table(
    "link_token",
    metadata,
    Column("key", Key, ForeignKey("holder.key"), primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("scope", Key, ForeignKey("scope.key"), nullable=False, index=True),
    Column("until", Text, nullable=False),
    Column("used_at", Text),
)

# Who is in a group: somebody, another group, or a workload.
membership = Table(
    "membership",
    metadata,
    Column("group_key", Key, ForeignKey("holder.key"), primary_key=True, autoincrement=False),
    Column("member", Key, ForeignKey("holder.key"), primary_key=True, autoincrement=False, index=True),
    Column("manages", Boolean, nullable=False, server_default=text("false")),
    Column("until", Text),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# Whom an issuer calls a member: everybody with this value among the groups that it tells.
group_claim = Table(
    "group_claim",
    metadata,
    Column("group_key", Key, ForeignKey("holder.key"), primary_key=True, autoincrement=False),
    Column("issuer", Id, ForeignKey("issuer.id"), primary_key=True),
    Column("value", Text, primary_key=True),
)

# A right that a holder has in a scope and below it. Never changed but by ending it.
permission = Table(
    "permission",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope", Key, ForeignKey("scope.key"), nullable=False),
    Column("may", Text, nullable=False),
    Column("holder", Key, ForeignKey("holder.key"), nullable=False),
    Column("since", Text),
    Column("until", Text),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text),
    Column("ended_at", Text),
    Column("ended_by", Text),
    Index("ix_permission_holder_scope_may", "holder", "scope", "may"),
    Index("ix_permission_scope_holder_may", "scope", "holder", "may"),
)

# Somebody asks to be let in.
access_request = Table(
    "access_request",
    metadata,
    Column("id", Id, primary_key=True),
    # By its id, which need not be any scope's: asking for what is hidden and for what is not there is kept alike.
    Column("scope", Id, nullable=False, index=True),
    Column("person", Key, ForeignKey("person.key"), nullable=False, index=True),
    Column("rights", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", Text, nullable=False),  # open | granted | refused | withdrawn
    Column("at", Text, nullable=False),
    Column("decided_at", Text),
    Column("decided_by", Text),
    Column("answer", Text),
    Column("given", Text),  # which of the rights that were asked for
    Column("until", Text),
)

# What was done about rights and by whom. The database itself refuses to change or take away a line.
audit = Table(
    "audit",
    metadata,
    Column("position", Key, primary_key=True),
    Column("at", Text, nullable=False, index=True),
    Column("by", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("scope", Id),  # its id: it tells of what was, also where the scope has changed since
    Column("holder", Id),
    Column("address", Text),
    Column("detail", Text, nullable=False, server_default="{}"),
    Index("ix_audit_scope", "scope", "position"),
    Index("ix_audit_holder", "holder", "position"),
    Index("ix_audit_by", "by", "position"),
    Index("ix_audit_act", "act", "position"),
)

# One row, whose number rises with every change of who may do what: what was worked out before it is worked out again.
epoch = Table(
    "epoch",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("number", Key, nullable=False),
)

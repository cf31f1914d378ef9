"""Every surface of the catalogue: how it is asked, and what it may reveal. A route that is not here fails the matrix.

`One` is asked for each record by each role, and for a record that never was; `Many` once by each role, for all records at
once; `OfScope` for scopes that are there, hidden or not; `Change` is tried on what one does not see. `Nothing` says why a
surface has nothing of anybody's records, and is held to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote

from tests.service.matrix.catalogue import COMMON, HUB, Kept, Role

JSON, HTML = "application/json", "text/html"
Seen = Literal["shown", "gone", "moved", "absent", "forbidden"]
Rule = Callable[[Role, Kept], Seen]


def by_id(role: Role, kept: Kept) -> Seen:
    return role.by_id(kept)


def by_id_as_linked(role: Role, kept: Kept) -> Seen:
    """What breaks its kind has no linked form."""
    return "forbidden" if kept.status == "quarantined" and role.by_id(kept) == "shown" else role.by_id(kept)


def in_history(role: Role, kept: Kept) -> Seen:
    """The history of what was merged away is its own; of what was withdrawn its writers'."""
    seen = role.by_id(kept)
    if seen == "gone" and role.inside(kept.scope):
        return "shown"
    return "shown" if seen == "moved" else seen


def in_former(role: Role, kept: Kept) -> Seen:
    seen = in_history(role, kept)
    if seen != "shown":
        return seen
    return "shown" if role.former(kept) else "forbidden"


def in_difference(role: Role, kept: Kept) -> Seen:
    return in_former(role, kept)


def in_files(role: Role, kept: Kept) -> Seen:
    seen = role.by_id(kept)
    return "forbidden" if seen == "shown" and not role.downloads(kept) else seen


@dataclass(frozen=True)
class One:
    """Asked for one record; {id}, {word}, {start} of it stand in the address."""

    address: str
    accept: str = JSON
    rule: Rule = by_id
    # What of it is in the answer where it is shown.
    tells: Literal["word", "former", "file", "nothing"] = "word"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    # Asked by some roles only, one of each that differs by the table: where the rest is said by another surface.
    few: bool = False
    # Lists answer 200 to everybody: what is not listed looks like what is not there.
    lists: bool = False
    # An answer of GraphQL's about one record: 200 always, and what it is stands in its data and its errors' codes.
    coded: bool = False

    def of(self, kept: Kept) -> str:
        return self.address.format(id=kept.id, word=kept.word, start=kept.word[:6], scope=kept.scope)


@dataclass(frozen=True)
class Many:
    """Asked once for all records."""

    address: str
    accept: str = JSON
    # Of which status it tells; and whether it must tell everything that a role may list.
    status: str = "public"
    whole: bool = False
    # Tombstones: also what was taken out of lists is named, to those who could read it.
    tombstones: bool = False
    # An answer that goes on for ever is left after so long.
    seconds: float | None = None
    # Who is not let in: their answer is still searched.
    guarded: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OfScope:
    """Asked for a scope."""

    address: str
    rule: Literal["knows", "governs", "manages", "audited", "asks"]
    accept: str = JSON


@dataclass(frozen=True)
class Change:
    """Tried on a record that one does not see."""

    address: str
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # What an answer holds that says that it was done, where its status does not say it.
    done: str | None = None


@dataclass(frozen=True)
class ChangeOfScope:
    """Tried on a scope that one does not know."""

    address: str
    document: Any = None
    done: str | None = None


@dataclass(frozen=True)
class Nothing:
    """Tells nothing of records: why; and how it is asked to show it, `status` being what who holds no right gets."""

    why: str
    address: str | None = None
    document: Any = None
    status: tuple[int, ...] = (200,)


Surface = One | Many | OfScope | Change | ChangeOfScope | Nothing
EVERY_FORM: Final = (
    "text/turtle",
    "application/n-triples",
    "application/ld+json",
    "application/rdf+xml",
)


def sparql(query: str, **more: Any) -> Many:
    return Many(f"sparql?query={quote(query)}", "application/sparql-results+json", **more)


def graphql(query: str) -> str:
    """The address of a query; `$id`, `$word` and `$start` in it are of the record that is asked for."""
    address = f"graphql?query={quote(query)}"
    for name in ("id", "word", "start"):
        address = address.replace(quote(f"${name}"), f"{{{name}}}")
    return address


# A record with everything that is drawn from it and everything that it is linked to.
WHOLE: Final = (
    "id kind scope { id title } title submitted turtle jsonLd myRights findings { message } ... on Dataset { fileCount files { nodes { path } } }"
    " outgoing(first: 100) { totalCount edges { to role by note node { id title } } }"
    " incoming(first: 100) { totalCount edges { to role node { id title } } }"
)


def before(role: Role, kept: Kept) -> Seen:
    """As it was before it was there: not there."""
    seen = in_history(role, kept)
    return "absent" if seen == "shown" else seen


def among_others(role: Role, kept: Kept) -> Seen:
    """Of several at once: what cannot be shown is null, whatever the reason."""
    return "shown" if role.by_id(kept) == "shown" else "absent"


# What an answer of GraphQL's says of a mutation that was carried out: the alias that every payload is asked for below.
DONE: Final = '"done"'


def mutation(call: str, payload: str, of: str = "id") -> Change:
    """A mutation of the record; `$id`, `$key` and `$source` in it are of the record that is tried."""
    variables = {name: f"{{{name}}}" for name in ("id", "key", "source") if f"${name}" in call}
    return Change("graphql", {"query": _written(call, payload, of, variables), "variables": variables}, done=DONE)


def mutation_of_scope(call: str, payload: str, of: str) -> ChangeOfScope:
    """The same of a scope, `$scope` in it."""
    variables = {"scope": "{scope}"}
    return ChangeOfScope("graphql", {"query": _written(call, payload, of, variables), "variables": variables}, DONE)


def _written(call: str, payload: str, of: str, variables: Mapping[str, str]) -> str:
    types = ", ".join(f"${name}: {'String' if name in ('key', 'source') else 'ID'}!" for name in variables)
    told = f"mutation({types}) {{ made: {call} {{ __typename ... on Refusal {{ message }} ... on {payload} {{ done: {of} }} }} }}"
    # Its braces are its own, where documents are filled with what is of a record.
    return told.replace("{", "{{").replace("}", "}}")


SUBMITTED: Final = '{source: $source, localId: $key, body: {dataset: {title: {en: "x"}}}%s}'
ADMINISTRATORS: Final = (401, 403)

SURFACES: Final[Mapping[tuple[str, str], Sequence[Surface]]] = {
    # --- one record
    ("GET", "/{kind}/{source}/{localId:path}"): (
        One("{id}"),
        One("{id}", HTML),
        *(One("{id}", form, by_id_as_linked, few=form != "text/turtle") for form in EVERY_FORM),
        One("{id}", "application/linkset+json", by_id_as_linked, "nothing", few=True),
        One("{id}", method="HEAD", tells="nothing"),
        One("{id}", headers={"if-none-match": "*"}, tells="nothing"),
        One("{id}?revision=1", rule=in_former, tells="former"),
        One("{id}?revision=1", HTML, in_former, "former", few=True),
        One("{id}?revision=99", rule=lambda role, kept: _missing(in_history(role, kept)), few=True),
        One("{id}?asOf=2998", rule=lambda role, kept: _good(role, kept), few=True),
        One("{id}?asOf=1990", rule=lambda role, kept: _missing(in_history(role, kept)), few=True),
        One("{id}?asOf=position:99999", rule=lambda role, kept: _of_writers(role, kept), few=True),
        One("{id}?lang=ja", few=True),
    ),
    ("GET", "/revisions/{id:path}"): (
        One("revisions/{id}", rule=in_history, tells="nothing"),
        One("revisions/{id}", HTML, in_history, "nothing", few=True),
        One("revisions/{id}?between=1,2", rule=in_difference),
        One("revisions/{id}?between=1,2", HTML, in_difference, few=True),
    ),
    ("GET", "/links/{id:path}"): (One("links/{id}", tells="nothing"),),
    ("GET", "/files/{id:path}"): (
        One("files/{id}", rule=in_files, tells="file"),
        One("files/{id}", "application/x-ndjson", in_files, "file", few=True),
        One("files/{id}", HTML, in_files, "file", few=True),
    ),
    ("GET", "/access/{id:path}"): (One("access/{id}", tells="nothing"),),
    ("GET", "/identifiers/{scheme}/{value:path}"): (
        One("identifiers/doi/10.5072/{word}", rule=lambda role, kept: _resolves(role, kept), tells="nothing"),
    ),
    # --- many
    ("GET", "/records"): (
        Many("records?limit=1000", whole=True),
        Many("records?limit=1000", HTML, whole=True),
        Many("records?limit=1000&select=body,links,files,findings,identifiers,incoming", whole=True),
        Many("records?kind=dataset&count=exact&limit=1000&sort=-modified", whole=True),
        *(
            Many(f"records?status={status}&limit=1000", status=status, whole=True)
            for status in ("suppressed", "private", "draft", "quarantined")
        ),
        Many("records?kind=dataset&link.derivedFrom.exists=true&select=body,links"),
        One("records?id={id}&count=exact", lists=True),
        One("records?id={id}&status=private", lists=True, few=True),
        One(f"records?kind=dataset&title.prefix={COMMON}%20{{word}}&count=exact", lists=True),
        One("records?identifier=doi:10.5072/{word}", lists=True),
        One("records?kind=dataset&link.derivedFrom={id}&count=exact", lists=True, tells="nothing"),
    ),
    ("GET", "/search"): (
        Many(
            f"search?q={COMMON}&limit=100&facet=kind&facet=source&kind=dataset&facet=dataTypes&facetValues=100",
            whole=True,
        ),
        Many(f"search?q={COMMON}&limit=100", HTML, whole=True),
        Many(f"search?q={COMMON}&limit=100&select=body", whole=True),
        Many("search?limit=100&sort=id", whole=True),
        One("search?q={word}&facet=kind", lists=True),
        One("search?q={word}", HTML, lists=True, tells="nothing", few=True),
        One("search?q={id}", lists=True, tells="nothing", few=True),
        One("search?q=10.5072/{word}", lists=True, tells="nothing", few=True),
    ),
    ("GET", "/search/suggestions"): (
        Many(f"search/suggestions?q={COMMON}&limit=20"),
        One("search/suggestions?q={start}", lists=True),
        One("search/suggestions?q=10.5072/{start}", lists=True, tells="nothing", few=True),
    ),
    ("GET", "/changes"): (
        Many("changes?limit=1000", "application/x-ndjson", tombstones=True),
        Many("changes", "text/event-stream", tombstones=True, seconds=0.5),
    ),
    ("GET", "/export"): (
        Many("export", "application/x-ndjson", whole=True),
        Many("export", "application/n-quads", whole=True),
        Many("export?kind=dataset", "text/csv", whole=True),
        One(f"export?kind=dataset&title.prefix={COMMON}%20{{word}}", "application/x-ndjson", lists=True),
    ),
    ("GET", "/"): (Many(""), Many("", HTML)),
    ("GET", "/sitemap.xml"): (Many("sitemap.xml", "*/*"),),
    ("GET", "/sitemap/{part}"): (Many("sitemap/0.xml", "*/*"), Many("sitemap/pages.xml", "*/*")),
    ("GET", "/void"): (Many("void", "text/turtle"), Many("void", HTML)),
    ("GET", "/.well-known/void"): (Many(".well-known/void", "*/*"),),
    ("GET", "/sparql"): (
        sparql("SELECT * { ?s ?p ?o }"),
        sparql("SELECT * { GRAPH ?g { ?s ?p ?o } }"),
        sparql("SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s"),
        sparql("SELECT DISTINCT ?t { ?s (<http://www.w3.org/ns/prov#wasDerivedFrom>|!<urn:none>)+ ?t }"),
        sparql("SELECT ?a ?b { ?a ^(!<urn:none>) ?b }"),
        sparql('SELECT ?s { ?s ?p ?o FILTER(CONTAINS(LCASE(STR(?o)), "a")) }'),
        Many(f"sparql?query={quote(f'DESCRIBE <{HUB}>')}", "text/turtle"),
        Many(
            f"sparql?query={quote('CONSTRUCT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }')}", "application/n-triples"
        ),
        Many("sparql", "text/turtle"),
        Many("sparql", HTML),
    ),
    ("POST", "/sparql"): (Nothing("the same as GET, which is asked above", "sparql", status=(415,)),),
    ("GET", "/graphql"): (
        One(graphql(f'{{ record(id: "$id") {{ {WHOLE} }} }}'), coded=True),
        One(graphql('{ dataset(id: "$id") { id title } }'), coded=True, few=True),
        One(graphql('{ sample(id: "$id") { id title } }'), rule=lambda *_: "absent", coded=True, few=True),
        One(graphql(f'{{ nodes(ids: ["$id"]) {{ id ... on Record {{ {WHOLE} }} }} }}'), rule=among_others, coded=True),
        One(graphql('{ record(id: "$id", asOf: "1990") { id } }'), rule=before, coded=True, few=True),
        One(graphql('{ records(where: { id: { eq: "$id" } }) { totalCount nodes { id title } } }'), lists=True),
        One(
            graphql(
                f'{{ datasets(where: {{ title: {{ prefix: "{COMMON} $word" }} }}) {{ totalCount nodes {{ id }} }} }}'
            ),
            lists=True,
        ),
        One(
            graphql('{ records(where: { identifier: { value: "10.5072/$word" } }) { nodes { id title } } }'), lists=True
        ),
        One(
            graphql('{ datasets(where: { derivedFrom: { some: { to: ["$id"] } } }) { totalCount nodes { id } } }'),
            lists=True,
            tells="nothing",
        ),
        Many(graphql(f"{{ records(first: 200) {{ totalCount nodes {{ {WHOLE} }} }} }}"), whole=True),
        Many(
            graphql(
                "{ datasets(first: 1000, orderBy: [{ by: modified, descending: true }]) { totalCount edges { cursor node { id title submitted } } } }"
            ),
            whole=True,
        ),
        *(
            Many(
                graphql(
                    f'{{ records(first: 1000, statuses: ["{status}"]) {{ totalCount nodes {{ id title submitted }} }} }}'
                ),
                status=status,
                whole=True,
            )
            for status in ("suppressed", "private", "draft", "quarantined")
        ),
        Many(graphql(f'{{ dataset(id: "{HUB}") {{ {WHOLE} }} }}')),
        Many(graphql("{ changes(first: 1000) { nodes { id what record { id title } } } }"), tombstones=True),
        Many(
            graphql(
                f'{{ search(text: "{COMMON}", first: 100, orderBy: {{ by: "id" }}, facets: ["dataTypes"], facetValues: 100)'
                " { totalCount"
                " hits { id title highlights { pieces { text } } reasons { field } record { id submitted } }"
                " facets { values { value count } } } }"
            ),
            whole=True,
        ),
        Many(
            graphql("{ quantityNames(place: ATTRIBUTE, first: 1000) { totalCount nodes { name records } } }"),
            whole=True,
        ),
        Many(
            graphql("{ attributeNames(first: 1000) { totalCount nodes { name records measures { min } } } }"),
            whole=True,
        ),
        Many(
            graphql(
                '{ fields(kind: "dataset") { name records from until measures { min max } values(first: 100) { value count } } }'
            )
        ),
        Many(graphql(f'{{ suggest(text: "{COMMON}", first: 20) {{ text id }} }}')),
        Many(graphql("{ scopes(first: 1000) { nodes { id title } } sources { id } health { projector } me { id } }")),
        One(
            graphql(
                '{ search(text: "$word", facets: ["kind"]) { totalCount hits { title } facets { values { count } } } }'
            ),
            lists=True,
        ),
        One(graphql('{ search(text: "$id") { totalCount hits { id } } }'), lists=True, tells="nothing", few=True),
        One(
            graphql('{ search(ranges: [{ field: "$word" }]) { totalCount ranges { unit min max } } }'),
            lists=True,
            tells="nothing",
        ),
        One(graphql('{ suggest(text: "$start") { text kind } }'), lists=True),
        One(
            graphql('{ quantityNames(place: ATTRIBUTE, startsWith: "$word") { totalCount nodes { name records } } }'),
            lists=True,
        ),
        One(graphql('{ attributeNames(startsWith: "$word") { totalCount nodes { name } } }'), lists=True, few=True),
    ),
    ("POST", "/graphql"): (
        Nothing("what is asked is the same as by GET, above", "graphql", status=(400, 415)),
        mutation(f"submit(submission: {SUBMITTED % ''})", "Submitted"),
        mutation(f"submit(submission: {SUBMITTED % ''}, dryRun: true)", "Submitted"),
        mutation(f"submit(submission: {SUBMITTED % ', expectedRevision: 1'})", "Submitted"),
        mutation(f"submit(submission: {SUBMITTED})" % ', scope: "gamma"', "Submitted"),
        mutation(f"submitMany(submissions: [{SUBMITTED % ''}])", "SubmittedMany", "entered"),
        mutation('revise(id: $id, patch: {title: {en: "x"}})', "Submitted"),
        mutation('revise(id: $id, patch: {title: {en: "x"}}, expectedRevision: 1, dryRun: true)', "Submitted"),
        mutation('addLinks(id: $id, field: "derivedFrom", links: [{to: "dataset/alpha/x"}])', "Submitted"),
        mutation('takeLinks(id: $id, field: "derivedFrom", links: [{to: "dataset/alpha/x"}])', "Submitted"),
        mutation(
            'reviseMany(where: {record: {localId: {eq: $key}}}, patch: {title: {en: "x"}})',
            "RevisionPreview",
            "examples { id }",
        ),
        mutation("publish(id: $id)", "Published"),
        mutation("publish(id: $id, expectedRevision: 1)", "Published"),
        mutation("suppress(id: $id)", "Suppressed"),
        mutation("hide(id: $id)", "Hidden"),
        mutation("restore(id: $id)", "Restored"),
        mutation('withdraw(id: $id, reason: "x")', "Withdrawn"),
        mutation(f'merge(id: $id, into: "{HUB}")', "Merged"),
        mutation(f'merge(id: "{HUB}", into: $id)', "Merged"),
        mutation("unmerge(id: $id)", "Unmerged"),
        mutation('move(id: $id, scope: "gamma")', "Moved"),
        mutation('requestExpunge(id: $id, reason: "x")', "ExpungeAsked", "request"),
        mutation("putFiles(id: $id, files: [])", "FilesListed"),
        mutation('addFiles(id: $id, files: [{path: "x"}])', "FilesListed"),
        mutation('takeFiles(id: $id, paths: ["x"])', "FilesListed"),
        mutation('addLocations(id: $id, path: "x", locations: [{address: "https://x.example"}])', "FilesListed"),
        mutation('takeLocations(id: $id, path: "x", addresses: ["https://x.example"])', "FilesListed"),
        mutation(
            'setLocationState(id: $id, path: "x", address: "https://x.example", state: "online")', "LocationStateSet"
        ),
        mutation_of_scope('grant(scope: $scope, holder: "everyone", rights: [READ])', "Granted", "permissions { id }"),
        mutation_of_scope(
            'setRights(scope: $scope, holder: "everyone", rights: [])', "RightsSet", "permissions { id }"
        ),
        mutation_of_scope('askAccess(scope: $scope, text: "please")', "AccessAsked", "request { scope }"),
        mutation_of_scope('makeScope(id: $scope, settings: {mode: "everyone"})', "ScopeMade", "scope { id }"),
        mutation_of_scope('changeScope(id: $scope, settings: {mode: "everyone"})', "ScopeChanged", "scope { id }"),
        mutation_of_scope(
            'makeSharedLink(scope: $scope, name: "x", rights: [READ], until: "2027-01-01")',
            "SharedLinkMade",
            "link { id }",
        ),
    ),
    # --- scopes, and who holds what in them
    ("GET", "/scopes"): (Many("scopes"), Many("scopes", HTML)),
    ("GET", "/scopes/{scope:path}"): (OfScope("scopes/{scope}", "knows"), OfScope("scopes/{scope}", "knows", HTML)),
    ("GET", "/scopes/{scope:path}/sharing"): (
        OfScope("scopes/{scope}/sharing", "governs"),
        OfScope("scopes/{scope}/sharing", "governs", HTML),
    ),
    ("GET", "/scopes/{scope:path}/permissions"): (OfScope("scopes/{scope}/permissions", "governs"),),
    ("GET", "/scopes/{scope:path}/history"): (
        OfScope("scopes/{scope}/history", "manages"),
        OfScope("scopes/{scope}/history", "manages", HTML),
    ),
    ("GET", "/scopes/{scope:path}/requests"): (OfScope("scopes/{scope}/requests", "asks"),),
    ("GET", "/shared-links"): (
        OfScope("shared-links?scope={scope}", "governs"),
        OfScope("shared-links?scope={scope}", "governs", HTML),
    ),
    ("POST", "/scopes/{scope:path}/sharing"): (ChangeOfScope("scopes/{scope}/sharing", {"mode": "everyone"}),),
    ("POST", "/scopes/{scope:path}/permissions"): (
        ChangeOfScope("scopes/{scope}/permissions", {"holder": "everyone", "rights": ["read"]}),
    ),
    ("POST", "/scopes/{scope:path}/requests"): (ChangeOfScope("scopes/{scope}/requests", {"text": "please"}),),
    ("PUT", "/scopes/{scope:path}"): (ChangeOfScope("scopes/{scope}", {"mode": "everyone"}),),
    ("PATCH", "/scopes/{scope:path}"): (ChangeOfScope("scopes/{scope}", {"mode": "everyone"}),),
    ("POST", "/shared-links"): (
        ChangeOfScope("shared-links", {"scope": "{scope}", "name": "x", "rights": ["read"], "until": "2027-01-01"}),
    ),
    ("POST", "/scopes"): (ChangeOfScope("scopes", {"id": "{scope}"}),),
    ("GET", "/audit"): (
        OfScope("audit?scope={scope}", "audited"),
        Many("audit", guarded=True),
        Many("audit", HTML, guarded=True),
    ),
    ("GET", "/audit/export"): (Nothing("the whole audit, to administrators", "audit/export", status=ADMINISTRATORS),),
    ("GET", "/account/records"): (
        Many("account/records?limit=1000", guarded=True),
        Many("account/records?limit=1000", HTML, guarded=True),
    ),
    ("GET", "/requests"): (Many("requests", guarded=True), Many("requests", HTML, guarded=True)),
    ("GET", "/groups"): (Many("groups", guarded=True), Many("groups", HTML, guarded=True)),
    # --- changes of records
    ("POST", "/records"): (
        Change(
            "records", {"kind": "dataset", "source": "{source}", "localId": "{key}", "body": {"title": {"en": "x"}}}
        ),
        Change(
            "records?dryRun=true",
            {"kind": "dataset", "source": "{source}", "localId": "{key}", "body": {"title": {"en": "x"}}},
        ),
        Change(
            "records",
            {
                "kind": "dataset",
                "source": "{source}",
                "localId": "{key}",
                "scope": "gamma",
                "body": {"title": {"en": "x"}},
            },
        ),
    ),
    ("PUT", "/{kind}/{source}/{localId:path}"): (
        Change("{id}", {"body": {"title": {"en": "x"}}}),
        Change("{id}", {"body": {"title": {"en": "x"}}, "scope": "gamma"}),
        Change("{id}", {"body": {"title": {"en": "x"}}}, {"if-match": '"2"'}),
    ),
    ("DELETE", "/{kind}/{source}/{localId:path}"): (Change("{id}?reason=x"),),
    ("POST", "/publish/{id:path}"): (Change("publish/{id}", {}), Change("publish/{id}", {}, {"if-match": '"1"'})),
    ("POST", "/suppress/{id:path}"): (Change("suppress/{id}", {}),),
    ("POST", "/hide/{id:path}"): (Change("hide/{id}", {}),),
    ("POST", "/restore/{id:path}"): (Change("restore/{id}", {}),),
    ("POST", "/withdraw/{id:path}"): (Change("withdraw/{id}", {"reason": "x"}),),
    ("POST", "/merge/{id:path}"): (Change("merge/{id}", {"into": HUB}), Change(f"merge/{HUB}", {"into": "{id}"})),
    ("POST", "/unmerge/{id:path}"): (Change("unmerge/{id}", {}),),
    ("POST", "/scope/{id:path}"): (Change("scope/{id}", {"scope": "gamma"}),),
    ("POST", "/expunge/{id:path}"): (Change("expunge/{id}", {"reason": "x"}),),
    ("PUT", "/files/{id:path}"): (Change("files/{id}", []),),
    ("PATCH", "/files/{id:path}"): (Change("files/{id}", []),),
    ("DELETE", "/files/{id:path}"): (Change("files/{id}", []),),
    # --- upkeep: of records only ids, and those to administrators
    ("GET", "/health"): (Many("health"),),
    ("GET", "/ready"): (Many("ready"),),
    ("GET", "/metrics"): (Many("metrics", "*/*"),),
    ("GET", "/projections"): (Many("projections"), Many("projections", HTML)),
    ("GET", "/projections/{name}/failures"): (Many("projections/graph/failures", guarded=True),),
    # --- what is the same for everybody, or of the asker alone
    ("GET", "/static/{name}"): (Nothing("files of the software", "static/style.css"),),
    ("GET", "/problems"): (Nothing("what errors mean", "problems"),),
    ("GET", "/problems/{name}"): (Nothing("what an error means", "problems/not-found"),),
    ("GET", "/openapi.json"): (Nothing("what can be asked", "openapi.json"),),
    ("GET", "/api"): (Nothing("what can be asked", "api"),),
    ("GET", "/kinds"): (Nothing("kinds are the software's or the installation's", "kinds"),),
    ("GET", "/kinds/{kind}"): (Nothing("a kind", "kinds/dataset"),),
    ("GET", "/kinds/{kind}/schema"): (Nothing("a kind", "kinds/dataset/schema"),),
    ("GET", "/kinds/{kind}/shapes"): (Nothing("a kind", "kinds/dataset/shapes"),),
    ("GET", "/kinds/{kind}/context"): (Nothing("a kind", "kinds/dataset/context"),),
    ("GET", "/profiles"): (Nothing("profiles are published for everybody", "profiles"),),
    ("GET", "/profiles/{profile}"): (Nothing("a profile", "profiles/none", status=(404,)),),
    ("GET", "/ns"): (Nothing("the ontology", "ns"),),
    ("GET", "/context.jsonld"): (Nothing("the context", "context.jsonld"),),
    ("GET", "/robots.txt"): (Nothing("what crawlers may", "robots.txt"),),
    ("GET", "/sources"): (Nothing("sources are known to everybody", "sources"),),
    ("GET", "/sources/{source}"): (Nothing("a source", "sources/alpha"),),
    ("GET", "/sources/{source}/tokens"): (
        Nothing("tokens of sources, to administrators", "sources/alpha/tokens", status=ADMINISTRATORS),
    ),
    ("GET", "/groups/{group}"): (Nothing("members of a group, to them", "groups/group:first", status=(404,)),),
    ("GET", "/loads/{id}"): (
        Nothing("whoever knows the load's id, which cannot be guessed", "loads/none", status=(404,)),
    ),
    ("GET", "/sign-in"): (Nothing("a form", "sign-in"),),
    ("GET", "/sign-in/{issuer}"): (Nothing("sends on to an issuer", "sign-in/none", status=(404,)),),
    ("GET", "/sign-in/callback"): (Nothing("comes back from an issuer", "sign-in/callback", status=(400, 401, 403)),),
    ("GET", "/invitation/{code}"): (Nothing("a form, for who has the code", "invitation/none", status=(404,)),),
    ("GET", "/reset/{code}"): (Nothing("a form, for who has the code", "reset/none", status=(404,)),),
    ("GET", "/account"): (Nothing("the asker's own", "account", status=(200, 401)),),
    ("GET", "/account/tokens"): (Nothing("the asker's own", "account/tokens", status=(200, 401, 403)),),
    ("GET", "/whoami"): (Nothing("the asker's own", "whoami", status=(200, 401)),),
    ("GET", "/device"): (Nothing("a form", "device", status=(200, 401)),),
    ("GET", "/link"): (Nothing("a form", "link"),),
    ("GET", "/issuers"): (Nothing("issuers, to administrators", "issuers", status=ADMINISTRATORS),),
    ("GET", "/issuers/{issuer}"): (Nothing("an issuer, to administrators", "issuers/machines", status=ADMINISTRATORS),),
    ("GET", "/workloads"): (Nothing("workloads, to administrators", "workloads", status=ADMINISTRATORS),),
    ("GET", "/people"): (Nothing("people, to administrators", "people", status=ADMINISTRATORS),),
    # --- changes of anything else: who holds no right is refused, and is told nothing
    ("POST", "/sources"): (Nothing("registers a source", "sources", {"id": "x"}, (401, 403, 422)),),
    ("PUT", "/sources/{source}"): (
        Nothing("registers a source", "sources/alpha", {"title": {"en": "x"}}, (401, 403, 422)),
    ),
    ("POST", "/sources/{source}/tokens"): (
        Nothing("administrators", "sources/alpha/tokens", {}, (400, 401, 403, 422)),
    ),
    ("POST", "/sources/{source}/tokens/end"): (
        Nothing("administrators", "sources/alpha/tokens/end", {"id": "x"}, (401, 403, 404)),
    ),
    ("POST", "/profiles"): (Nothing("proposes a profile", "profiles", {}, (400, 401, 403, 422)),),
    ("POST", "/profiles/{profile}/try"): (Nothing("tries a profile", "profiles/none/try", {}, (400, 401, 403, 404)),),
    ("POST", "/profiles/{profile}/publish"): (
        Nothing("publishes a profile", "profiles/none/publish", {}, (401, 403, 404)),
    ),
    ("POST", "/permissions/{permission}/end"): (
        Nothing("one's own, or a manager's", "permissions/0000000000000000/end", {}, (401, 403, 404)),
    ),
    ("POST", "/requests/{request}/grant"): (
        Nothing("a manager's", "requests/00/grant", {"until": "2027-01-01"}, (401, 403, 404)),
    ),
    ("POST", "/requests/{request}/refuse"): (Nothing("a manager's", "requests/00/refuse", {}, (401, 403, 404)),),
    ("POST", "/requests/{request}/withdraw"): (Nothing("one's own", "requests/00/withdraw", {}, (401, 403, 404)),),
    ("POST", "/groups"): (Nothing("makes a group", "groups", {}, (400, 401, 403, 422)),),
    ("POST", "/groups/{group}/members"): (
        Nothing("its managers", "groups/group:first/members", {"member": "x"}, (401, 403, 404)),
    ),
    ("POST", "/groups/{group}/members/end"): (
        Nothing("its managers", "groups/group:first/members/end", {"member": "x"}, (401, 403, 404)),
    ),
    ("POST", "/groups/{group}/claims"): (
        Nothing("administrators", "groups/group:first/claims", {"issuer": "machines", "value": "x"}, (401, 403, 404)),
    ),
    ("POST", "/groups/{group}/claims/end"): (
        Nothing(
            "administrators", "groups/group:first/claims/end", {"issuer": "machines", "value": "x"}, (401, 403, 404)
        ),
    ),
    ("POST", "/groups/{group}/end"): (Nothing("its managers", "groups/group:first/end", {}, (401, 403, 404)),),
    ("POST", "/sign-in"): (
        Nothing("signs in", "sign-in", {"login": "nobody", "password": "wrong wrong wrong"}, (401, 403, 422)),
    ),
    ("POST", "/sign-out"): (Nothing("ends one's own session: tried where sign-in is tested"),),
    ("POST", "/invitation/{code}"): (
        Nothing(
            "who has the code",
            "invitation/none",
            {"login": "a", "password": "wrong wrong wrong", "name": "x"},
            (400, 404, 422),
        ),
    ),
    ("POST", "/reset/{code}"): (Nothing("who has the code", "reset/none", {"password": "wrong wrong wrong"}, (404,)),),
    ("POST", "/account"): (Nothing("one's own", "account", {"nothing": 1}, (400, 401, 403, 422)),),
    ("POST", "/account/password"): (Nothing("one's own", "account/password", {}, (400, 401, 403, 404, 422)),),
    ("POST", "/account/sessions/end"): (Nothing("one's own: tried where sessions are tested"),),
    ("POST", "/account/tokens"): (Nothing("one's own", "account/tokens", {}, (400, 401, 403, 422)),),
    ("POST", "/account/tokens/end"): (Nothing("one's own", "account/tokens/end", {"id": "x"}, (401, 403, 404)),),
    ("POST", "/account/identities"): (Nothing("one's own", "account/identities", {"issuer": "none"}, (401, 403, 404)),),
    ("POST", "/account/identities/end"): (
        Nothing("one's own", "account/identities/end", {"issuer": "none", "subject": "x"}, (401, 403, 404)),
    ),
    ("POST", "/device"): (Nothing("a command line begins: it gets codes of its own", "device", {"name": "x"}, (200,)),),
    ("POST", "/device/token"): (Nothing("who has the code", "device/token", {"device_code": "none"}, (400, 404)),),
    ("POST", "/device/asking"): (
        Nothing("who is shown the code", "device/asking", {"code": "BCDF-GHJK"}, (401, 403, 404)),
    ),
    ("POST", "/device/decide"): (
        Nothing("who is shown the code", "device/decide", {"code": "BCDF-GHJK", "allow": False}, (401, 403, 404)),
    ),
    ("POST", "/shared-links/end"): (
        Nothing("its maker, or a manager", "shared-links/end", {"id": "link:00"}, (401, 403, 404)),
    ),
    ("POST", "/link"): (Nothing("who has the link", "link", {"token": "mlk_none"}, (403, 404)),),
    ("POST", "/link/forget"): (Nothing("one's own browser", "link/forget", {}, (200, 403)),),
    ("POST", "/issuers"): (Nothing("administrators", "issuers", {}, (401, 403, 422)),),
    ("PATCH", "/issuers/{issuer}"): (Nothing("administrators", "issuers/machines", {}, (401, 403)),),
    ("POST", "/issuers/{issuer}/end"): (Nothing("administrators", "issuers/machines/end", {}, (401, 403)),),
    ("POST", "/workloads"): (Nothing("administrators", "workloads", {}, (400, 401, 403)),),
    ("POST", "/workloads/{workload}/end"): (Nothing("administrators", "workloads/workload:00/end", {}, (401, 403)),),
    ("POST", "/invitations"): (Nothing("administrators", "invitations", {}, (401, 403)),),
    ("POST", "/people/{person}/reset"): (Nothing("administrators", "people/person:00/reset", {}, (401, 403)),),
    ("POST", "/people/{person}/end"): (Nothing("administrators", "people/person:00/end", {}, (401, 403)),),
    ("POST", "/people/{person}/administrator"): (
        Nothing("administrators", "people/person:00/administrator", {"administrator": True}, (401, 403)),
    ),
    ("POST", "/projections/{name}/retry"): (Nothing("administrators", "projections/graph/retry", {}, (401, 403)),),
    ("POST", "/projections/{name}/waive"): (Nothing("administrators", "projections/graph/waive", {}, (400, 401, 403)),),
    ("POST", "/projections/{name}/rebuild"): (Nothing("administrators", "projections/graph/rebuild", {}, (401, 403)),),
    ("POST", "/projections/{name}/verify"): (Nothing("administrators", "projections/graph/verify", {}, (401, 403)),),
}


@dataclass(frozen=True)
class Reads:
    """How a command that reads is called: {id}, {word}, {scope} of a record stand in its words; with `--json` it answers lines."""

    words: str = ""
    # Called for each record, or once for all that are listed with this status; or for what has nothing of records.
    of: Literal["one", "many", "nothing"] = "nothing"
    tells: Literal["word", "file", "nothing"] = "word"
    rule: Rule = by_id
    status: str = "public"


# The command line opens the data folder itself, so whoever may run it holds everything: it reads as the administrator.
# Those that speak to a catalogue over HTTP are who signed in, and are called by each role that has a token.
Called = Sequence[Reads] | Literal["over http", "changes", "no records"]
COMMANDS: Final[Mapping[str, Called]] = {
    "get": (Reads("{id} --json", "one"), Reads("{id}", "one"), Reads("{id} --form nt", "one", rule=by_id_as_linked)),
    "history": (Reads("{id} --json", "one", "nothing", in_history), Reads("{id} 1 2 --json", "one", rule=in_history)),
    "file list": (Reads("{id} --json", "one", "file"),),
    "list": (
        *(
            Reads(f"--status {status} --all --json", "many", status=status)
            for status in ("public", "suppressed", "private", "draft", "quarantined")
        ),
        Reads("dataset --all", "many"),
    ),
    "search": (Reads(f"{COMMON} --limit 100 --json", "many"), Reads(f"{COMMON} --limit 100", "many")),
    "export": (
        Reads("", "many"),
        Reads("--form nquads", "many"),
        Reads("dataset --form csv", "many"),
    ),
    "scope list": (Reads("--json"),),
    "scope show": (Reads("{scope} --json"),),
    "sharing": (Reads("{scope} --json"),),
    "request list": (Reads("--json"),),
    "link list": (Reads("{scope} --json"),),
    "group list": (Reads("--json"),),
    "group show": (Reads("group:first --json"),),
    "person list": (Reads("--json"),),
    "audit list": (Reads("--json"),),
    "audit export": (Reads(),),
    "audit access": (Reads("{scope} --json"),),
    "issuer list": (Reads("--json"),),
    "issuer show": (Reads("machines --json"),),
    "workload list": (Reads("--json"),),
    "source list": (Reads("--json"),),
    "source show": (Reads("alpha --json"),),
    "profile list": (Reads("--json"),),
    "failures list": (Reads("--json"),),
    "kind list": "no records",
    "kind show": "no records",
    "vocabulary list": "no records",
    "vocabulary show": "no records",
    "profile show": "no records",
    "settings": "no records",
    "failures show": "no records",
    "serve": "no records",
    "init": "changes",
    "sample": "changes",
    "submit": "changes",
    "check": "changes",
    **dict.fromkeys(
        (
            f"record {verb}"
            for verb in ("publish", "suppress", "hide", "restore", "withdraw", "move", "merge", "unmerge", "expunge")
        ),
        "changes",
    ),
    "file put": "changes",
    "file add": "changes",
    "file remove": "changes",
    "source register": "changes",
    "profile propose": "changes",
    "profile try": "changes",
    "profile publish": "changes",
    "units load": "changes",
    "vocabulary load": "changes",
    "issuer add": "changes",
    "issuer set": "changes",
    "issuer end": "changes",
    "workload add": "changes",
    "workload end": "changes",
    "scope add": "changes",
    "scope set": "changes",
    "person add": "changes",
    "person end": "changes",
    "person administrator": "changes",
    "invite": "changes",
    "reset": "changes",
    "follow": "changes",
    "rebuild": "changes",
    "verify": "changes",
    "failures retry": "changes",
    "failures waive": "changes",
    "backup": "changes",
    "restore": "changes",
    "grant": "changes",
    "revoke": "changes",
    "link make": "changes",
    "link end": "changes",
    "group add": "changes",
    "group end": "changes",
    "group join": "changes",
    "group leave": "changes",
    "group claim": "changes",
    "request grant": "changes",
    "request refuse": "changes",
    "token make": "changes",
    "token list": "over http",
    "token end": "changes",
    "login": "changes",
    "logout": "changes",
    "whoami": "over http",
}
# As whom one is signed in: over HTTP, called by each role.
OVER_HTTP: Final[Mapping[str, Sequence[str]]] = {
    "list": ("--mine --all --json", "--mine --all", "--mine --all --status draft", "--mine --invalid --all --json"),
    "token list": ("--json", ""),
    "whoami": ("--json", ""),
}


def _missing(seen: Seen) -> Seen:
    """There is no such revision."""
    return "forbidden" if seen == "shown" else seen


def _good(role: Role, kept: Kept) -> Seen:
    """What broke its kind was never what the record was."""
    seen = in_history(role, kept)
    return "forbidden" if seen == "shown" and kept.status == "quarantined" else seen


def _of_writers(role: Role, kept: Kept) -> Seen:
    """Positions are for those who write there."""
    seen = _good(role, kept)
    return "forbidden" if seen == "shown" and not role.inside(kept.scope) else seen


def _resolves(role: Role, kept: Kept) -> Seen:
    """An identifier sends on to what one may read."""
    return "moved" if role.may_list(kept) and kept.status == "public" else "absent"

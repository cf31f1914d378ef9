"""A record in the words of schema.org, for search engines that read pages: made from its linked form, and from nothing else.

What a reader may not see is already cut out of the linked form, so a page that everyone may read says here what everyone
may read. Google asks of a dataset a name and a description of 50 to 5,000 characters, and knows only persons and
organisations as its creators (developers.google.com/search/docs/appearance/structured-data/dataset).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from catalog.records.identifiers import is_iri, is_record_id
from catalog.records.record import Source
from catalog.web.layout import resolver
from catalog.web.negotiation import Language
from catalog.web.pages import text_in

CONTEXT: Final = "https://schema.org/"
# A page is no export: of long lists it tells the beginning.
MOST: Final = 100
SHORTEST_DESCRIPTION: Final = 50
LONGEST_DESCRIPTION: Final = 5_000

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a record's linked form does not say itself: for whom it is told, and what stands around it."""

    base: str
    language: Language
    titles: Mapping[str, Mapping[str, str]]  # of the linked records that the reader may see
    agents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # the linked forms of those that made it
    source: Source | None = None
    kind_title: str = ""
    modified: str | None = None
    catalogue: str = "Musubi"


def schema_org(document: Mapping[str, Any], around: Surroundings) -> Json:
    """The record as schema.org knows it."""
    return _Telling(document, around).told()


def type_of(document: Mapping[str, Any]) -> str:
    """The class of schema.org that a record's linked form belongs to, first of all."""
    return _types(document)[0]


def creators_of(document: Mapping[str, Any]) -> list[str]:
    """Who made it, as ids of ours and IRIs, in their order: its authors, else those who contributed as creators."""
    if authors := _links(document, "authors"):
        return [link["to"] for link in authors]
    return [link["to"] for link in _links(document, "contributors") if _role(link) == "creator"]


def citable(document: Mapping[str, Any]) -> str | None:
    """The address under which it wants to be cited: that of its primary DOI, or handle, once it is registered."""
    for scheme in ("doi", "handle"):
        for each in _items(document.get("identifiers")):
            if each.get("scheme", "").lower() == scheme and each.get("primary") and each.get("state") != "reserved":
                return resolver(scheme, str(each.get("text", "")))
    return None


# --- what each kind is called


_TYPES: Mapping[str, Sequence[str]] = {
    "dataset": ("Dataset",),
    "experiment": ("Action",),
    "run": ("CreateAction",),
    "sample": ("Thing",),
    "instrument": ("IndividualProduct",),
    "project": ("ResearchProject",),
    "service": ("Service",),
    "policy": ("DigitalDocument",),
    "term": ("DefinedTerm",),
    "template": ("SoftwareSourceCode",),
    "workflow": ("SoftwareSourceCode",),
    "module": ("SoftwareApplication",),
    "publication": ("CreativeWork",),
    "agent": ("Organization",),
}
_BY_CATEGORY: Mapping[tuple[str, str], str] = {
    ("agent", "person"): "Person",
    ("agent", "device"): "Thing",
    ("agent", "software"): "SoftwareApplication",
    ("agent", "other"): "Thing",
    ("publication", "article"): "ScholarlyArticle",
    ("publication", "preprint"): "ScholarlyArticle",
    ("publication", "data-paper"): "ScholarlyArticle",
    ("publication", "book"): "Book",
    ("publication", "chapter"): "Chapter",
    ("publication", "thesis"): "Thesis",
    ("publication", "report"): "Report",
    ("publication", "presentation"): "PresentationDigitalDocument",
    ("service", "api"): "WebAPI",
}
_WORKS: Final = frozenset(
    "Dataset DigitalDocument SoftwareSourceCode SoftwareApplication CreativeWork ScholarlyArticle Book Chapter Thesis "
    "Report PresentationDigitalDocument".split()
)
_PAGINATED: Final = frozenset({"ScholarlyArticle", "Report", "Chapter"})
_WITH_KEYWORDS: Final = _WORKS | {"Organization", "ResearchProject", "IndividualProduct"}
_ACTION_STATES: Mapping[str, str] = {
    "planned": "PotentialActionStatus",
    "queued": "PotentialActionStatus",
    "running": "ActiveActionStatus",
    "complete": "CompletedActionStatus",
    "frozen": "CompletedActionStatus",
    "failed": "FailedActionStatus",
    "cancelled": "FailedActionStatus",
}


def _types(document: Mapping[str, Any]) -> list[str]:
    kind = str(document["id"]).partition("/")[0]
    named = [str(each) for each in _list(document.get("type"))]
    given = [each.partition(":")[2] for each in named if each.startswith("schema:")]
    # A kind of an installation's own is known by the class of schema.org that its schema names.
    first = _TYPES.get(kind, given or ("Thing",))[0]
    category = document.get("category")
    if isinstance(category, str):
        first = _BY_CATEGORY.get((kind, category), first)
    bioschemas = [f"https://bioschemas.org/{each[11:]}" for each in named if each.startswith("bioschemas:")]
    return [first, *bioschemas]


class _Telling:
    """One record while it is being told."""

    def __init__(self, document: Mapping[str, Any], around: Surroundings) -> None:
        self.document = document
        self.around = around
        self.id = str(document["id"])
        self.kind = self.id.partition("/")[0]
        self.types = _types(document)

    def told(self) -> Json:
        own = _OF_KIND.get(self.kind)
        made: Json = {
            "@context": CONTEXT,
            "@type": self.types[0] if len(self.types) == 1 else self.types,
            "@id": self._address(self.id),
            "url": self._address(self.id),
            **self._as_thing(),
            **(self._as_work() if self.types[0] in _WORKS else {}),
            **(own(self) if own else {}),
        }
        if self.types[0] in _WITH_KEYWORDS:
            made["keywords"] = [self._keyword(each) for each in self._items("keywords")]
        return {key: value for key, value in made.items() if value not in (None, "", [], {})}

    # --- values

    def _address(self, reference: str) -> str:
        return self.around.base + reference if is_record_id(reference) else reference

    def _items(self, name: str) -> list[Any]:
        return _list(self.document.get(name))[:MOST]

    def _said(self, value: Any) -> str:
        """A text by language, in the reader's."""
        return text_in(value, self.around.language)[0] if isinstance(value, Mapping) else str(value or "")

    def _text(self, name: str) -> str:
        return self._said(self.document.get(name))

    def _word(self, name: str) -> str | None:
        value = self.document.get(name)
        return None if value is None or isinstance(value, Mapping | list) else str(value)

    def _iri(self, name: str) -> str | None:
        value = self.document.get(name)
        return self._address(value) if isinstance(value, str) and (is_iri(value) or is_record_id(value)) else None

    def _date(self, name: str) -> str | None:
        return _when(self.document.get(name))

    def _thing(self, reference: str) -> Json:
        """A linked record, or something outside, as far as the page's reader is told of it."""
        made: Json = {"@id": self._address(reference)}
        if is_record_id(reference):
            agent = self.around.agents.get(reference)
            kind = reference.partition("/")[0]
            made["@type"] = type_of(agent) if agent else _TYPES.get(kind, ("Thing",))[0]
            made["url"] = made["@id"]
            if title := self.around.titles.get(reference):
                made["name"] = self._said(title)
            if agent and (known := known_as(agent)):
                made["sameAs"] = known
        return made

    def _linked(self, name: str, *roles: str) -> list[Json]:
        return [
            self._thing(link["to"]) for link in _links(self.document, name)[:MOST] if not roles or _role(link) in roles
        ]

    def _people(self, links: Iterable[Mapping[str, Any]]) -> list[Json]:
        """Agents as persons and organisations, which are all that schema.org lets make or hold something."""
        made = []
        for link in links:
            one = self._thing(link["to"])
            if one.get("@type") not in ("Person", "Organization"):
                one["@type"] = "Person" if str(one["@id"]).startswith("https://orcid.org/") else "Organization"
            made.append(one)
        return made[:MOST]

    def _keyword(self, word: Any) -> Any:
        if not isinstance(word, Mapping):
            return str(word)
        iri = str(word.get("to", ""))
        return {"@type": "DefinedTerm", "@id": iri, "name": self._said(word.get("label")) or iri, "url": iri}

    # --- what everything has

    def _as_thing(self) -> Json:
        title = self.document.get("title")
        title = title if isinstance(title, Mapping) else {}
        name, tag = text_in(title, self.around.language)
        others = [text for other, text in title.items() if other != tag] + [
            str(each) for each in self._items("alternateNames")
        ]
        return {
            "name": name or self.id,
            "alternateName": list(dict.fromkeys(each for each in others if each != name)),
            "description": _cut(self._text("description")),
            "identifier": [self._identifier(each) for each in self._items("identifiers")],
            "sameAs": known_as(self.document),
            "subjectOf": self._linked("publications") if self.types[0] != "Dataset" else [],
        }

    def _identifier(self, each: Any) -> Json:
        scheme, value = str(each.get("scheme", "")), str(each.get("text", ""))
        return {
            key: said
            for key, said in (
                ("@type", "PropertyValue"),
                ("propertyID", f"https://registry.identifiers.org/registry/{scheme}" if scheme == "doi" else scheme),
                ("value", f"doi:{value}" if scheme == "doi" else value),
                ("url", resolver(scheme, value)),
            )
            if said
        }

    def _as_work(self) -> Json:
        source = self.around.source
        creators = self._people({"to": each} for each in creators_of(self.document))
        made: Json = {
            "dateCreated": self._date("createdAt"),
            "datePublished": self._date("issuedAt"),
            "dateModified": self._date("modifiedAt"),
            "sdDatePublished": self.around.modified,
            "inLanguage": [str(each) for each in self._items("language")],
            "license": self._iri("license"),
            "creator": creators,
            "contributor": self._people(
                link for link in _links(self.document, "contributors") if _role(link) != "creator"
            ),
            "funding": [self._grant(each) for each in self._items("funding")],
            "isPartOf": self._linked("isPartOf"),
            "version": self._word("version"),
        }
        if source is not None:
            made["provider"] = {"@type": "Organization", "name": self._said(source.title)}
            if source.homepage and is_iri(source.homepage):
                made["provider"]["url"] = source.homepage
            if source.licence and is_iri(source.licence):
                # What a source says of its licence is about what it registers here, not about the data.
                made["sdLicense"] = source.licence
        return made

    def _grant(self, each: Mapping[str, Any]) -> Json:
        made: Json = {"@type": "Grant", "identifier": each.get("awardNumber"), "name": self._said(each.get("title"))}
        funder: Json = {"@type": "Organization", "name": self._said(each.get("funderName"))}
        if isinstance(each.get("funderId"), str):
            funder["@id"] = self._address(each["funderId"])
        if len(funder) > 1 and (funder["name"] or "@id" in funder):
            made["funder"] = {key: value for key, value in funder.items() if value}
        return {key: value for key, value in made.items() if value}

    # --- what each kind has besides

    def dataset(self) -> Json:
        around, document = self.around, self.document
        access = document.get("access")
        known = _role_links(document, "publications", without=("cited-by",))
        return {
            "description": self._description(),
            "isAccessibleForFree": True if access == "open" else None,
            "conditionsOfAccess": access,
            "encodingFormat": self._word("format"),
            "temporalCoverage": self._date("temporalCoverage"),
            "spatialCoverage": self._place(document.get("spatialCoverage")),
            "variableMeasured": [self._dimension(each) for each in self._items("dimensions")],
            "citation": [self._thing(link["to"]) for link in known[:MOST]],
            "hasPart": self._linked("hasPart"),
            "isBasedOn": self._linked("derivedFrom") + self._linked("versionOf"),
            "about": self._linked("aboutSamples"),
            "size": f"{document['size']} B" if isinstance(document.get("size"), int) else None,
            "includedInDataCatalog": {"@type": "DataCatalog", "name": around.catalogue, "url": around.base},
        }

    def _description(self) -> str:
        """What there is to say of a dataset; where that is too short to be listed, what else is known stands behind it."""
        said = self._text("description")
        if len(said) >= SHORTEST_DESCRIPTION:
            return _cut(said)
        ja = self.around.language == "ja"
        source = self._said(self.around.source.title) if self.around.source else self.id.split("/")[1]
        facts = [said or self._text("title")]
        facts.append(
            f"{source}の{self.around.kind_title or 'データセット'}"
            if ja
            else f"{self.around.kind_title or 'Dataset'} of {source}"
        )
        if format_ := self._word("format"):
            facts.append(f"形式: {format_}" if ja else f"Format: {format_}")
        facts.append(
            f"メタデータカタログ {self.around.catalogue} に {self.id} として登録されています"
            if ja
            else f"Registered in the metadata catalogue {self.around.catalogue} as {self.id}"
        )
        told = ("。" if ja else ". ").join(each.rstrip(".。 ") for each in facts)
        return _cut(told + ("。" if ja else "."))

    def _dimension(self, each: Mapping[str, Any]) -> Json:
        made = {"@type": "PropertyValue", "name": each.get("name"), "unitText": each.get("unitSymbol")}
        return {key: value for key, value in made.items() if value}

    def _place(self, place: Any) -> Json | None:
        if not isinstance(place, Mapping):
            return None
        geo = {"@type": "GeoCoordinates", "latitude": place.get("lat"), "longitude": place.get("long")}
        address = {
            "@type": "PostalAddress",
            "addressCountry": place.get("country"),
            "addressRegion": place.get("region"),
            "streetAddress": self._said(place.get("addressText")) or None,
        }
        made: Json = {"@type": "Place", "name": self._said(place.get("named")) or place.get("region")}
        if geo["latitude"] is not None and geo["longitude"] is not None:
            made["geo"] = geo
        if any(value for key, value in address.items() if key != "@type"):
            made["address"] = {key: value for key, value in address.items() if value is not None}
        return {key: value for key, value in made.items() if value}

    def agent(self) -> Json:
        if self.types[0] == "Person":
            return {
                "familyName": self._text("familyName"),
                "givenName": self._text("givenName"),
                "affiliation": self._people(_links(self.document, "affiliations")),
                "mainEntityOfPage": self._iri("homepage"),
            }
        if self.types[0] != "Organization":
            return {"mainEntityOfPage": self._iri("homepage")}
        return {
            "parentOrganization": self._people(_links(self.document, "parentOrganizations")),
            "member": self._people(_links(self.document, "members")),
            "mainEntityOfPage": self._iri("homepage"),
        }

    def publication(self) -> Json:
        inner: Json | None = {"@type": "Periodical", "name": self._word("venue")} if self._word("venue") else None
        for name, type_, label in (
            ("volume", "PublicationVolume", "volumeNumber"),
            ("issue", "PublicationIssue", "issueNumber"),
        ):
            if number := self._word(name):
                inner = {"@type": type_, label: number, **({"isPartOf": inner} if inner else {})}
        return {
            "headline": self._text("title"),
            "author": self._people(_links(self.document, "authors")),
            "creator": None,
            "datePublished": self._date("issuedAt") or self._word("publicationYear"),
            "abstract": _cut(self._text("abstract")),
            "pagination": self._word("pages") if self.types[0] in _PAGINATED else None,
            "mentions": self._linked("datasets"),
            "isPartOf": [*([inner] if inner else []), *self._linked("isPartOf")],
        }

    def project(self) -> Json:
        return {
            "description": _cut(self._text("description") or self._text("abstract")),
            "foundingDate": self._date("startsAt"),
            "dissolutionDate": self._date("endsAt"),
            "member": self._people(_links(self.document, "contributors")),
            "parentOrganization": self._linked("parents"),
            "funding": [self._grant(each) for each in self._items("funding")],
        }

    def action(self) -> Json:
        state = _ACTION_STATES.get(str(self.document.get("state")))
        place = self._place(self.document.get("place"))
        return {
            "startTime": self._date("startedAt"),
            "endTime": self._date("endedAt"),
            "actionStatus": CONTEXT + state if state else None,
            "agent": self._linked("agents") or self._people(_links(self.document, "contributors")),
            "object": self._linked("samples") + self._linked("inputs"),
            "result": self._linked("outputs"),
            "instrument": self._linked("instruments") + self._linked("plans") + self._linked("protocols"),
            "location": place,
        }

    def instrument(self) -> Json:
        manufacturer = self._word("manufacturer")
        return {
            "manufacturer": {"@type": "Organization", "name": manufacturer} if manufacturer else None,
            "model": self._word("model"),
            "serialNumber": self._word("serial"),
            "category": self._word("category"),
            "mainEntityOfPage": self._iri("landingPage"),
        }

    def sample(self) -> Json:
        organism = self.document.get("organism")
        taxon = None
        if isinstance(organism, Mapping):
            taxon = {"@type": "Taxon", "name": organism.get("name")}
            if isinstance(organism.get("taxId"), int):
                taxon["@id"] = f"http://purl.obolibrary.org/obo/NCBITaxon_{organism['taxId']}"
            taxon = {key: value for key, value in taxon.items() if value}
        return {
            "https://bioschemas.org/taxonomicRange": taxon,
            "additionalProperty": [self._property(each) for each in self._items("attributes")],
        }

    def _property(self, each: Mapping[str, Any]) -> Json:
        value = each.get("text", each.get("value"))
        made = {
            "@type": "PropertyValue",
            "name": each.get("name"),
            "value": value if isinstance(value, str | int | float) else None,
            "minValue": each.get("min"),
            "maxValue": each.get("max"),
            "unitText": each.get("unitText"),
        }
        return {key: said for key, said in made.items() if said is not None}

    def service(self) -> Json:
        addresses = [str(each["address"]) for each in self._items("endpoints") if "address" in each]
        made: Json = {
            "provider": self._people(_links(self.document, "providers")),
            "serviceType": self._word("category"),
        }
        made["availableChannel"] = [
            {"@type": "ServiceChannel", "serviceUrl": each} for each in addresses if each.startswith("http")
        ]
        if self.types[0] == "WebAPI":
            made["documentation"] = self._iri("landingPage")
        return made

    def policy(self) -> Json:
        return {"text": _cut(self._text("wording")), "expires": self._date("until")}

    def term(self) -> Json:
        labels = self.document.get("alternateLabels")
        alternate = [
            label for each in (labels.values() if isinstance(labels, Mapping) else ()) for label in _list(each)
        ]
        title = self._as_thing()
        return {
            "description": _cut(self._text("definition") or self._text("description")),
            "alternateName": list(dict.fromkeys([*title["alternateName"], *map(str, alternate)])),
            "termCode": self._word("notation"),
            "inDefinedTermSet": self._iri("vocabulary"),
        }

    def software(self) -> Json:
        made: Json = {"author": self._people(_links(self.document, "authors")), "creator": None}
        if self.types[0] == "SoftwareSourceCode":
            made |= {"codeRepository": self._iri("repository"), "runtimePlatform": self._word("engine")}
        else:
            made |= {"softwareVersion": self._word("version")}
        return made


_OF_KIND: Mapping[str, Callable[[_Telling], Json]] = {
    "dataset": _Telling.dataset,
    "agent": _Telling.agent,
    "publication": _Telling.publication,
    "project": _Telling.project,
    "experiment": _Telling.action,
    "run": _Telling.action,
    "instrument": _Telling.instrument,
    "sample": _Telling.sample,
    "service": _Telling.service,
    "policy": _Telling.policy,
    "term": _Telling.term,
    "template": _Telling.software,
    "workflow": _Telling.software,
    "module": _Telling.software,
}


# --- reading the linked form


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in _list(value) if isinstance(each, Mapping)]


def _links(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The links of a field, in the order that they give themselves, those that give none last."""
    links = [each for each in _items(document.get(name)) if isinstance(each.get("to"), str)]
    return sorted(links, key=lambda link: (link.get("as") or {}).get("order", 2**53))


def _role(link: Mapping[str, Any]) -> str | None:
    role = str((link.get("as") or {}).get("hadRole") or "")
    # `musubi:role-x`, or `ro:x` under the prefix for roles.
    return role.partition("role-" if "role-" in role else ":")[2] or None


def _role_links(document: Mapping[str, Any], name: str, without: Sequence[str]) -> list[Mapping[str, Any]]:
    return [link for link in _links(document, name) if _role(link) not in without]


def known_as(document: Mapping[str, Any]) -> list[str]:
    """Where else the same thing is described."""
    found = [
        address
        for each in _items(document.get("identifiers"))
        if (address := resolver(str(each.get("scheme", "")), str(each.get("text", ""))))
    ]
    for each in _list(document.get("sameAs")):
        reference = each.get("to") if isinstance(each, Mapping) else each
        if isinstance(reference, str) and is_iri(reference):
            found.append(reference)
    return list(dict.fromkeys(found))


# ISO 8601, as far as schema.org's dates go: a year, a month, a day, a time, or an interval of them.
_POINT = r"-?\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)?)?"
_ISO = re.compile(rf"{_POINT}(?:/(?:{_POINT}|\.\.))?")


def _when(value: Any) -> str | None:
    """A date as schema.org writes it; what is missing, or uncertain in EDTF's way, is not told."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, Mapping):
        if value.get("@type") == "missing":
            return None
        value = value.get("is")
    return value if isinstance(value, str) and _ISO.fullmatch(value) else None


def _cut(text: str) -> str:
    """A text no longer than search engines take, ended where a word ends."""
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    kept = text[: LONGEST_DESCRIPTION - 1]
    head, space, _ = kept.rpartition(" ")
    return (head if space and len(head) > LONGEST_DESCRIPTION - 200 else kept) + "…"

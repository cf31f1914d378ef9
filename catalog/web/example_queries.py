"""Queries to begin with: what the graph can be asked, from the plain to the tangled. They hold in any catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A query with what it asks, in both languages."""

    name: str
    en: str
    ja: str
    query: str


EXAMPLES = (
    ExampleQuery(
        "kinds",
        "How many records of each kind are there?",
        "種別ごとのレコード数",
        """\
PREFIX musubi: <https://w3id.org/musubi/ns#>

SELECT ?kind (COUNT(*) AS ?records) WHERE {
  ?record a musubi:Record, ?kind .
  FILTER (STRSTARTS(STR(?kind), STR(musubi:)) && ?kind != musubi:Record)
}
GROUP BY ?kind
ORDER BY DESC(?records)
""",
    ),
    ExampleQuery(
        "datasets",
        "Which datasets are there, and how large are they?",
        "データセットの一覧とサイズ",
        """\
PREFIX dcat: <http://www.w3.org/ns/dcat#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX musubi: <https://w3id.org/musubi/ns#>

SELECT ?dataset ?title ?format ?bytes WHERE {
  ?dataset a musubi:Dataset ; dcterms:title ?title .
  OPTIONAL { ?dataset dcterms:format ?format }
  OPTIONAL { ?dataset dcat:byteSize ?bytes }
}
ORDER BY DESC(?bytes)
LIMIT 100
""",
    ),
    ExampleQuery(
        "measured",
        "Which samples were measured in which experiments, at which instrument?",
        "どの試料が、どの実験で、どの装置で測定されたか",
        """\
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX schema: <https://schema.org/>

SELECT ?experiment ?sample ?sampleTitle ?instrument WHERE {
  ?experiment a musubi:Experiment ; prov:used ?sample .
  ?sample a musubi:Sample .
  OPTIONAL { ?sample dcterms:title ?sampleTitle FILTER (LANG(?sampleTitle) = "en") }
  OPTIONAL { ?experiment schema:instrument ?instrument }
}
LIMIT 100
""",
    ),
    ExampleQuery(
        "origins",
        "Where does each dataset come from, however far back?",
        "各データセットの由来をどこまでもさかのぼる",
        """\
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX prov: <http://www.w3.org/ns/prov#>

SELECT ?dataset ?origin ?kind WHERE {
  ?dataset a musubi:Dataset ;
    (prov:wasGeneratedBy|prov:used|prov:wasDerivedFrom)+ ?origin .
  ?origin a musubi:Record, ?kind .
  FILTER (STRSTARTS(STR(?kind), STR(musubi:)) && ?kind != musubi:Record)
}
ORDER BY ?dataset
LIMIT 200
""",
    ),
    ExampleQuery(
        "quantities",
        "Which experiments lay between 250 K and 350 K? Quantities are compared in SI units.",
        "250 K から 350 K までの条件で行われた実験（物理量は SI 単位で比較）",
        """\
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX qudt: <http://qudt.org/schema/qudt/>
PREFIX schema: <https://schema.org/>

SELECT ?experiment ?value ?unit WHERE {
  ?experiment a musubi:Experiment ; musubi:condition ?condition .
  ?condition schema:name "temperature" ; musubi:siMin ?low ; musubi:siMax ?high .
  FILTER (?high >= 250 && ?low <= 350)
  OPTIONAL { ?condition qudt:numericValue ?value }
  OPTIONAL { ?condition qudt:hasUnit ?unit }
}
LIMIT 100
""",
    ),
    ExampleQuery(
        "techniques",
        "Which techniques are kinds of others, and what are they called in both languages?",
        "手法の上下関係と、日英の名称",
        """\
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>

SELECT ?term ?english ?japanese (COUNT(?above) AS ?depth) WHERE {
  ?term a skos:Concept ; skos:prefLabel ?english ; skos:broader+ ?above .
  FILTER (LANG(?english) = "en")
  OPTIONAL { ?term skos:prefLabel ?japanese FILTER (LANG(?japanese) = "ja") }
}
GROUP BY ?term ?english ?japanese
ORDER BY ?depth ?english
""",
    ),
    ExampleQuery(
        "authors",
        "Who wrote what, in the order of the authors?",
        "論文と著者（著者順）",
        """\
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX foaf: <http://xmlns.com/foaf/0.1/>
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX schema: <https://schema.org/>

SELECT ?publication ?title ?place ?author ?name WHERE {
  ?publication a musubi:Publication ; dcterms:title ?title ; prov:qualifiedInfluence ?link .
  ?link musubi:field "authors" ; schema:position ?place ; prov:influencer ?author .
  OPTIONAL { ?author foaf:name ?name FILTER (LANG(?name) = "en") }
}
ORDER BY ?publication ?place
LIMIT 100
""",
    ),
    ExampleQuery(
        "words",
        "Which titles hold a word, in Japanese or English?",
        "表題に語が含まれるレコード（日本語・英語）",
        """\
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX musubi: <https://w3id.org/musubi/ns#>

SELECT ?record ?title WHERE {
  ?record a musubi:Record ; dcterms:title ?title .
  FILTER (CONTAINS(?title, "土壌") || CONTAINS(LCASE(?title), "soil"))
}
LIMIT 100
""",
    ),
    ExampleQuery(
        "identifiers",
        "Which record bears a DOI?",
        "DOI をもつレコード",
        """\
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX schema: <https://schema.org/>

SELECT ?record ?doi WHERE {
  ?record a musubi:Record ; schema:identifier ?identifier .
  ?identifier schema:propertyID "doi" ; schema:value ?doi .
}
ORDER BY ?doi
LIMIT 100
""",
    ),
    ExampleQuery(
        "provenance",
        "The provenance of all datasets as a graph",
        "全データセットの来歴をグラフとして取り出す",
        """\
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX prov: <http://www.w3.org/ns/prov#>

CONSTRUCT {
  ?dataset prov:wasGeneratedBy ?activity .
  ?activity prov:used ?input .
} WHERE {
  ?dataset a musubi:Dataset ; prov:wasGeneratedBy ?activity .
  OPTIONAL { ?activity prov:used ?input }
}
""",
    ),
    ExampleQuery(
        "ask",
        "Is there a dataset of which nobody says where it comes from?",
        "由来の記述がないデータセットはあるか",
        """\
PREFIX musubi: <https://w3id.org/musubi/ns#>
PREFIX prov: <http://www.w3.org/ns/prov#>

ASK {
  ?dataset a musubi:Dataset .
  FILTER NOT EXISTS { ?dataset prov:wasGeneratedBy|prov:wasDerivedFrom ?origin }
}
""",
    ),
)

"""What is submitted, as types: made from schemas/catalog.graphql by scripts/write_client.py, never written by hand."""

from __future__ import annotations

from typing import Any, Literal, Required, TypedDict

Mode = Literal["STRICT", "TOLERANT"]

SubmissionStatus = Literal["PUBLIC", "PRIVATE", "DRAFT"]


class AgentBody(TypedDict, total=False):
    """A person, organisation, group, device or software that acts."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    names: TextInput | None
    familyName: TextInput | None
    givenName: TextInput | None
    orcid: str | None
    ror: str | None
    researcherNumber: str | None
    homepage: str | None
    contact: AgentContactInput | None
    affiliations: list[LinkInput] | None
    members: list[LinkInput] | None
    parents: list[LinkInput] | None


class AgentContactInput(TypedDict, total=False):
    """How to reach the agent; not public."""

    email: str | None
    telephone: str | None
    address: TextInput | None


class AttributeInput(TypedDict, total=False):
    """Named values that no field has."""

    value: Any | None
    name: Required[str]
    quantity: QuantityInput | None
    term: TermInput | None
    valueTerms: list[TermInput] | None
    group: str | None
    origin: str | None
    by: str | None
    at: str | None
    evidence: str | None
    note: str | None


class BodyInput(TypedDict, total=False):
    """What a record says: by its kind, or as JSON."""

    agent: AgentBody | None
    dataset: DatasetBody | None
    experiment: ExperimentBody | None
    instrument: InstrumentBody | None
    module: ModuleBody | None
    policy: PolicyBody | None
    project: ProjectBody | None
    publication: PublicationBody | None
    run: RunBody | None
    sample: SampleBody | None
    service: ServiceBody | None
    template: TemplateBody | None
    term: TermBody | None
    workflow: WorkflowBody | None
    json: Any | None


class ConditionInput(TypedDict, total=False):
    """Figures of quality: resolution, completeness, reads that passed."""

    value: Any | None
    name: Required[str]
    quantity: QuantityInput | None
    term: TermInput | None
    valueTerms: list[TermInput] | None
    group: str | None
    note: str | None


class ConstraintsInput(TypedDict, total=False):
    """What a value must satisfy."""

    minimum: float | None
    maximum: float | None
    minLength: int | None
    maxLength: int | None
    pattern: str | None
    choices: list[Any] | None


class DatasetBody(TypedDict, total=False):
    """Data that belong together, with or without files."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    format: str | None
    dataTypes: list[str] | None
    size: int | None
    fileCount: int | None
    version: str | None
    latest: bool | None
    temporalCoverage: str | None
    spatialCoverage: PlaceInput | None
    dimensions: list[DatasetDimensionInput] | None
    quality: list[ConditionInput] | None
    access: str | None
    releaseAt: str | None
    retention: DatasetRetentionInput | None
    landingPage: str | None
    generatedBy: list[LinkInput] | None
    samples: list[LinkInput] | None
    instruments: list[LinkInput] | None
    projects: list[LinkInput] | None
    derivedFrom: list[LinkInput] | None
    hasPart: list[LinkInput] | None
    publications: list[LinkInput] | None
    policies: list[LinkInput] | None
    versionOf: list[LinkInput] | None


class DatasetDimensionInput(TypedDict, total=False):
    """The axes of the data."""

    name: Required[str]
    size: int | None
    unit: str | None


class DatasetRetentionInput(TypedDict, total=False):
    """How long it is kept."""

    until: str | None
    rule: str | None


class ExperimentBody(TypedDict, total=False):
    """A measurement, scan, sequencing, assay or simulation."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    sequenceId: str | None
    techniques: list[TermInput] | None
    state: str | None
    startedAt: str | None
    endedAt: str | None
    conditions: list[ConditionInput] | None
    strategy: str | None
    library: ExperimentLibraryInput | None
    platform: str | None
    design: TextInput | None
    protocolText: TextInput | None
    projects: list[LinkInput] | None
    instruments: list[LinkInput] | None
    samples: list[LinkInput] | None
    protocols: list[LinkInput] | None
    parents: list[LinkInput] | None


class ExperimentLibraryInput(TypedDict, total=False):
    """The library that was sequenced."""

    name: str | None
    strategy: str | None
    source: str | None
    selection: str | None
    layout: str | None
    insertSize: QuantityInput | None
    insertSizeDeviation: QuantityInput | None
    protocolText: TextInput | None


class FileChecksumInput(TypedDict, total=False):
    """A checksum, with how it was made."""

    algorithm: Required[str]
    value: Required[str]


class FileInput(TypedDict, total=False):
    """A file of a dataset, and where its bytes are."""

    path: Required[str]
    size: int | None
    mediaType: str | None
    format: str | None
    role: str | None
    modifiedAt: str | None
    checksums: list[FileChecksumInput] | None
    order: int | None
    paired: str | None
    locations: list[FileLocationInput] | None


class FileLocationInput(TypedDict, total=False):
    """A place where its bytes are."""

    address: Required[str]
    facility: str | None
    storageClass: str | None
    state: str | None
    stateUntil: str | None
    verifiedAt: str | None
    permission: str | None


class GrantInput(TypedDict, total=False):
    """Who pays for it, under which number."""

    funder: TextInput | None
    funderId: str | None
    programme: TextInput | None
    number: str | None
    title: TextInput | None


class IdentifierInput(TypedDict, total=False):
    """Names by which it is known elsewhere: accession, DOI, ORCID, ROR, IGSN, handle."""

    scheme: Required[str]
    value: Required[str]
    primary: bool | None
    state: str | None


class InstrumentBody(TypedDict, total=False):
    """A facility, beamline, machine or computer that work is done with."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    model: str | None
    serial: str | None
    manufacturer: str | None
    place: PlaceInput | None
    operatingFrom: str | None
    operatingUntil: str | None
    capabilities: list[ConditionInput] | None
    techniques: list[TermInput] | None
    landingPage: str | None
    owners: list[LinkInput] | None
    parents: list[LinkInput] | None
    documentation: list[LinkInput] | None


LinkInput = TypedDict(
    "LinkInput",
    {
        "to": "Required[str]",
        "role": "str | None",
        "port": "str | None",
        "predicate": "str | None",
        "from": "str | None",
        "until": "str | None",
        "order": "int | None",
        "note": "str | None",
        "by": "str | None",
    },
    total=False,
)  # A link to a record or an IRI.


class ModuleApprovalInput(TypedDict, total=False):
    """Whether it is approved for use, by whom and when."""

    state: Required[str]
    by: str | None
    at: str | None
    note: str | None


class ModuleBody(TypedDict, total=False):
    """A tool or model with ports, which workflows are made of."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    version: str | None
    command: str | None
    image: str | None
    inputs: list[PortInput] | None
    outputs: list[PortInput] | None
    resources: ModuleResourcesInput | None
    software: list[SoftwareInput] | None
    approval: ModuleApprovalInput | None
    repository: str | None
    commit: str | None
    descriptors: list[LinkInput] | None
    authors: list[LinkInput] | None


class ModuleResourcesInput(TypedDict, total=False):
    """What it needs to run."""

    cpu: float | None
    gpu: float | None
    memory: QuantityInput | None
    disk: QuantityInput | None
    duration: QuantityInput | None


class MoneyInput(TypedDict, total=False):
    """What it cost."""

    amount: Required[float]
    currency: Required[str]
    per: str | None


class PlaceInput(TypedDict, total=False):
    """The place that the data are about."""

    name: TextInput | None
    lat: float | None
    long: float | None
    country: str | None
    region: str | None
    address: TextInput | None
    depth: QuantityInput | None
    altitude: QuantityInput | None
    term: TermInput | None


PolicyBody = TypedDict(
    "PolicyBody",
    {
        "title": "TextInput | None",
        "description": "TextInput | None",
        "alternateNames": "list[str] | None",
        "identifiers": "list[IdentifierInput] | None",
        "keywords": "list[TermInput] | None",
        "contributors": "list[LinkInput] | None",
        "license": "str | None",
        "rights": "TextInput | None",
        "createdAt": "str | None",
        "issuedAt": "str | None",
        "modifiedAt": "str | None",
        "sameAs": "list[LinkInput] | None",
        "seeAlso": "list[LinkInput] | None",
        "isPartOf": "list[LinkInput] | None",
        "relations": "list[LinkInput] | None",
        "details": "Any | None",
        "attributes": "list[AttributeInput] | None",
        "language": "list[str] | None",
        "funding": "list[GrantInput] | None",
        "notes": "list[str] | None",
        "type": "str | None",
        "text": "TextInput | None",
        "terms": "list[TermInput] | None",
        "from": "str | None",
        "until": "str | None",
        "committees": "list[LinkInput] | None",
        "contacts": "list[LinkInput] | None",
        "appliesTo": "list[LinkInput] | None",
    },
    total=False,
)  # What may be done with data, until when, and who decides.


class PortInput(TypedDict, total=False):
    """The ports that take."""

    id: Required[str]
    name: TextInput | None
    description: TextInput | None
    direction: str | None
    descriptor: TermInput | None
    valueType: str | None
    format: TermInput | None
    unit: str | None
    required: bool | None
    default: Any | None
    constraints: ConstraintsInput | None


class ProjectBody(TypedDict, total=False):
    """A proposal, study, grant or other undertaking under which work is done."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    code: str | None
    type: str | None
    cycle: str | None
    abstract: TextInput | None
    startsAt: str | None
    endsAt: str | None
    releaseAt: str | None
    relevance: str | None
    dataTypes: list[str] | None
    organism: TaxonInput | None
    parents: list[LinkInput] | None
    instruments: list[LinkInput] | None
    publications: list[LinkInput] | None
    policies: list[LinkInput] | None


class PublicationBody(TypedDict, total=False):
    """An article, preprint, book, thesis or report."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    year: int | None
    venue: str | None
    volume: str | None
    issue: str | None
    pages: str | None
    abstract: TextInput | None
    authors: list[LinkInput] | None
    datasets: list[LinkInput] | None
    projects: list[LinkInput] | None


class QuantityInput(TypedDict, total=False):
    """A number or a range, with its unit."""

    value: float | None
    min: float | None
    max: float | None
    uncertainty: float | None
    unit: Required[str]
    note: str | None


RunAttemptInput = TypedDict(
    "RunAttemptInput",
    {
        "from": "str | None",
        "until": "str | None",
        "end": "str | None",
        "note": "str | None",
    },
    total=False,
)  # Each time that it was tried.


class RunBody(TypedDict, total=False):
    """One execution: an analysis, a launch, a computation elsewhere, a transfer or a load."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    state: str | None
    startedAt: str | None
    endedAt: str | None
    timeline: list[RunEventInput] | None
    attempts: list[RunAttemptInput] | None
    parameters: list[ConditionInput] | None
    executor: RunExecutorInput | None
    environment: RunEnvironmentInput | None
    usage: RunUsageInput | None
    cost: MoneyInput | None
    opaque: bool | None
    planVersion: str | None
    plans: list[LinkInput] | None
    inputs: list[LinkInput] | None
    outputs: list[LinkInput] | None
    agents: list[LinkInput] | None
    onBehalfOf: list[LinkInput] | None
    partOf: list[LinkInput] | None
    retryOf: list[LinkInput] | None
    projects: list[LinkInput] | None


class RunEnvironmentInput(TypedDict, total=False):
    """What it ran on."""

    imageDigest: str | None
    provider: str | None
    flavor: str | None
    instanceType: str | None
    spot: bool | None
    nodes: list[str] | None


class RunEventInput(TypedDict, total=False):
    """The states that it went through."""

    state: Required[str]
    at: str | None
    by: str | None
    note: str | None


class RunExecutorInput(TypedDict, total=False):
    """What executed it."""

    kind: str | None
    site: str | None


class RunUsageInput(TypedDict, total=False):
    """What it used up."""

    cpuTime: QuantityInput | None
    gpuTime: QuantityInput | None
    memory: QuantityInput | None
    bytes: int | None


class SampleBody(TypedDict, total=False):
    """A piece of material, a specimen or an organism that is measured or kept."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    sampleType: str | None
    organism: TaxonInput | None
    strain: str | None
    sex: str | None
    age: QuantityInput | None
    developmentStage: str | None
    tissue: str | None
    cellType: str | None
    cellLine: str | None
    disease: str | None
    host: str | None
    composition: str | None
    components: list[SampleComponentInput] | None
    formula: str | None
    elements: list[str] | None
    form: str | None
    crystalStructure: str | None
    cas: str | None
    supplier: str | None
    lot: str | None
    hazards: list[str] | None
    amount: QuantityInput | None
    collectedAt: str | None
    place: PlaceInput | None
    storage: str | None
    state: str | None
    derivedFrom: list[LinkInput] | None
    childOf: list[LinkInput] | None
    hasMember: list[LinkInput] | None
    projects: list[LinkInput] | None
    custodians: list[LinkInput] | None


class SampleComponentInput(TypedDict, total=False):
    """What it consists of, one by one."""

    name: Required[str]
    formula: str | None
    cas: str | None
    amount: QuantityInput | None
    part: str | None


class ServiceBody(TypedDict, total=False):
    """An interface, repository, compute site or provider that others can use."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    type: str | None
    endpoints: list[ServiceEndpointInput] | None
    offers: list[ServiceOfferInput] | None
    duties: list[ServiceDutyInput] | None
    suspended: bool | None
    landingPage: str | None
    providers: list[LinkInput] | None
    datasets: list[LinkInput] | None


class ServiceDutyInput(TypedDict, total=False):
    """What its operation requires."""

    what: Required[str]
    checkedAt: str | None
    due: str | None


class ServiceEndpointInput(TypedDict, total=False):
    """Where it can be reached."""

    protocol: str | None
    address: Required[str]
    version: str | None


class ServiceOfferInput(TypedDict, total=False):
    """What can be had from it."""

    flavor: Required[str]
    cpu: float | None
    gpu: float | None
    memory: QuantityInput | None
    price: MoneyInput | None
    features: list[str] | None


class SoftwareInput(TypedDict, total=False):
    """The software inside, with versions."""

    name: Required[str]
    version: str | None
    identifier: str | None


class SubmissionInput(TypedDict, total=False):
    """One submission: a new record, or what is said now of one that is known."""

    kind: str | None
    source: Required[str]
    localId: str | None
    profile: str | None
    scope: str | None
    status: SubmissionStatus | None
    expectedRevision: int | None
    body: Required[BodyInput]
    files: list[FileInput] | None


class TaxonInput(TypedDict, total=False):
    """The organism studied."""

    taxId: int | None
    name: str | None


class TemplateBody(TypedDict, total=False):
    """A set of notebooks that builds and runs an application on a cloud."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    version: str | None
    application: str | None
    notebooks: list[TemplateNotebookInput] | None
    phases: list[str] | None
    prerequisites: list[str] | None
    minimumVersions: list[SoftwareInput] | None
    parameters: list[PortInput] | None
    repository: str | None
    commit: str | None
    verifiedOn: list[LinkInput] | None
    images: list[LinkInput] | None
    workflows: list[LinkInput] | None
    authors: list[LinkInput] | None


class TemplateNotebookInput(TypedDict, total=False):
    """The notebooks, in order."""

    path: Required[str]
    order: int | None
    phase: str | None
    kernel: str | None
    headings: list[str] | None
    parameters: list[str] | None
    images: list[str] | None
    cellLineage: list[str] | None


class TermBody(TypedDict, total=False):
    """A concept of a vocabulary; its IRI is its identifier of scheme iri."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    vocabulary: str | None
    notation: str | None
    labels: TextInput | None
    alternateLabels: TextsInput | None
    definition: TextInput | None
    unit: str | None
    quantityKind: str | None
    valueType: str | None
    constraints: ConstraintsInput | None
    deprecated: bool | None
    broader: list[LinkInput] | None
    exactMatch: list[LinkInput] | None
    closeMatch: list[LinkInput] | None
    replacedBy: list[LinkInput] | None


class TermInput(TypedDict, total=False):
    """A term of a vocabulary."""

    term: str | None
    label: TextInput | None
    text: str | None


class TextInput(TypedDict, total=False):
    """A text, in one language or several."""

    en: str | None
    ja: str | None
    und: str | None
    other: Any | None


class TextsInput(TypedDict, total=False):
    """Several texts in each language."""

    en: list[str] | None
    ja: list[str] | None
    und: list[str] | None
    other: Any | None


class WorkflowAcceptanceInput(TypedDict, total=False):
    """What it may be run on."""

    dataTypes: list[str] | None
    fileTypes: list[str] | None
    genomes: list[str] | None
    samples: str | None
    controls: str | None


class WorkflowBody(TypedDict, total=False):
    """A plan of work: a computational workflow or a protocol, as steps and how they are joined."""

    title: TextInput | None
    description: TextInput | None
    alternateNames: list[str] | None
    identifiers: list[IdentifierInput] | None
    keywords: list[TermInput] | None
    contributors: list[LinkInput] | None
    license: str | None
    rights: TextInput | None
    createdAt: str | None
    issuedAt: str | None
    modifiedAt: str | None
    sameAs: list[LinkInput] | None
    seeAlso: list[LinkInput] | None
    isPartOf: list[LinkInput] | None
    relations: list[LinkInput] | None
    details: Any | None
    attributes: list[AttributeInput] | None
    language: list[str] | None
    funding: list[GrantInput] | None
    notes: list[str] | None
    version: str | None
    engine: str | None
    nodes: list[WorkflowNodeInput] | None
    edges: list[WorkflowEdgeInput] | None
    mappings: list[WorkflowMappingInput] | None
    inputs: list[PortInput] | None
    outputs: list[PortInput] | None
    accepts: WorkflowAcceptanceInput | None
    repository: str | None
    commit: str | None
    digest: str | None
    modules: list[LinkInput] | None
    authors: list[LinkInput] | None


WorkflowEdgeInput = TypedDict(
    "WorkflowEdgeInput",
    {
        "from": "Required[str]",
        "to": "Required[str]",
    },
    total=False,
)  # Which output goes into which input.

WorkflowMappingInput = TypedDict(
    "WorkflowMappingInput",
    {
        "global": "Required[str]",
        "to": "Required[str]",
    },
    total=False,
)  # Which node's port a port of the whole stands for.


class WorkflowNodeInput(TypedDict, total=False):
    """The steps."""

    id: Required[str]
    name: TextInput | None
    module: str | None
    parameters: list[ConditionInput] | None
    protocolText: TextInput | None

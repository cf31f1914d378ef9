"""Documents: read, held to their limits, checked against the schema once for each text; and those that an installation trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    parse,
    validate,
    visit,
)

from catalog.errors import Forbidden, Malformed, Misconfigured, NotFound
from catalog.recent import Recent
from catalog.web.graphql.failures import Refused, refusal
from catalog.web.graphql.limits import LIMITS, Limits, hold_document, hold_text, over

# So many texts are kept as they were read; and no text that is longer than this, so that their memory is bounded.
KEPT: Final = 500
KEPT_CHARACTERS: Final = 20_000
# As the draft of GraphQL over HTTP writes an id that is the hash of its document (appendix A, persisted documents).
SHA256: Final = "sha256:"
_SUFFIXES: Final = (".graphql", ".gql")


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A document that may be executed."""

    text: str
    ast: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation of this name, or the only one; Refused if it cannot be told which is meant."""
        if name is None:
            if len(self.operations) == 1:
                return next(iter(self.operations.values()))
            raise refusal(
                Malformed(
                    "The document has several operations: say which one by operationName.",
                    ja="文書に複数の操作があります。operationName で指定してください。",
                )
            )
        found = self.operations.get(name)
        if found is None:
            raise refusal(
                Malformed(
                    f"operationName: the document has no operation '{name:.80}'.",
                    ja=f"operationName: 文書に操作「{name:.80}」はありません。",
                )
            )
        return found


class Documents:
    """What was read lately, and what is trusted."""

    def __init__(
        self, schema: GraphQLSchema, trusted: Mapping[str, str], *, only_trusted: bool = False, limits: Limits = LIMITS
    ) -> None:
        self.schema = schema
        self.trusted = trusted
        self.only_trusted = only_trusted
        self.limits = limits
        self._read: Recent[Document | Refused] = Recent(KEPT)
        self._known = frozenset(trusted.values())
        for hash_, text in trusted.items():
            try:
                self.read(text)
            except Refused as refused:
                raise Misconfigured(
                    f"setting graphql_documents: the document with the hash {hash_} is not right: {refused}",
                    ja=f"設定 graphql_documents: ハッシュ {hash_} の文書が正しくありません: {refused}",
                ) from refused

    def named(self, id: str) -> str:
        """The text of a trusted document, by the hash of it."""
        text = self.trusted.get(id.removeprefix(SHA256))
        if text is None:
            raise refusal(
                NotFound(f"There is no trusted document '{id:.80}'.", ja=f"信頼された文書「{id:.80}」はありません。")
            )
        return text

    def admit(self, text: str) -> None:
        """Refused if only trusted documents are answered and this is none."""
        if self.only_trusted and text not in self._known:
            raise refusal(
                Forbidden(
                    "Only trusted documents are answered here: name one by documentId.",
                    ja="ここでは信頼された文書だけに応答します。documentId で指定してください。",
                ),
                403,
            )

    def has_read(self, text: str) -> bool:
        """Whether reading a text costs nothing."""
        return text in self._read

    def read(self, text: str) -> Document:
        """The document of a text, or Refused with everything that is wrong with it."""
        hold_text(text, self.limits)
        made = (
            self._made(text)
            if len(text) > KEPT_CHARACTERS and text not in self._known
            else self._read.get(text, lambda: self._made(text))
        )
        if isinstance(made, Refused):
            raise Refused(made.failures, made.status)
        return made

    def _made(self, text: str) -> Document | Refused:
        limits = self.limits
        try:
            ast = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.comments)
            hold_document(ast, limits)
            if "\\u" in text:
                for each in ast.definitions:
                    # What is given to a mutation is refused by its own result.
                    if not (isinstance(each, OperationDefinitionNode) and is_mutation(each)):
                        visit(each, _Texts())
        except GraphQLError as error:
            if "contains more than" in error.message:
                limit = "comments" if "comments" in error.message else "tokens"
                return over(limit, getattr(limits, limit) + 1, getattr(limits, limit))
            return Refused([error])
        except Refused as refused:
            return refused
        failures = validate(self.schema, ast, max_errors=limits.errors)
        if failures:
            return Refused(failures)
        return Document(
            text,
            ast,
            {
                each.name.value if each.name else None: each
                for each in ast.definitions
                if isinstance(each, OperationDefinitionNode)
            },
            {each.name.value: each for each in ast.definitions if isinstance(each, FragmentDefinitionNode)},
        )


class _Texts(Visitor):
    """Refuses a text that only a literal can hold: JSON of ours holds no NUL, and no database keeps one."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        if "\0" in node.value:
            raise refusal(
                Malformed(
                    "A text holds the character NUL (U+0000).", ja="文字列に NUL 文字（U+0000）が含まれています。"
                )
            )


def trusted_in(folders: Iterable[Path]) -> dict[str, str]:
    """Every document of these folders by the hash of its text, as the file has it."""
    found: dict[str, str] = {}
    for folder in folders:
        if not folder.is_dir():
            raise Misconfigured(
                f"setting graphql_documents: there is no folder {folder}",
                ja=f"設定 graphql_documents: フォルダー {folder} がありません",
            )
        for path in sorted(folder.rglob("*")):
            if path.suffix not in _SUFFIXES:
                continue
            try:
                written = path.read_bytes()
                found[hashlib.sha256(written).hexdigest()] = written.decode()
            except (OSError, UnicodeDecodeError) as error:
                raise Misconfigured(
                    f"setting graphql_documents: {path} cannot be read: {error}",
                    ja=f"設定 graphql_documents: {path} が読めません: {error}",
                ) from error
    return found


def is_mutation(operation: OperationDefinitionNode) -> bool:
    """Whether an operation changes something."""
    return operation.operation is OperationType.MUTATION


def asks_about_schema(operation: OperationDefinitionNode) -> bool:
    """Whether an operation asks for nothing but the schema, which is the same for everybody and as long as we run."""
    return not operation.variable_definitions and all(
        isinstance(each, FieldNode) and each.name.value in ("__schema", "__type", "__typename")
        for each in operation.selection_set.selections
    )


def is_subscription(operation: OperationDefinitionNode) -> bool:
    """Whether an operation goes on."""
    return operation.operation is OperationType.SUBSCRIPTION

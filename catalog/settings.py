"""What an installation can choose, each choice said once: its name, default, meaning and what is right for it.

Settings come from the command line, the environment (`CATALOG_PORT`), one TOML file, and the defaults, in that order.
This is the only module that reads the environment.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from catalog.errors import Misconfigured

PREFIX: Final = "CATALOG_"
FILE_VARIABLE: Final = "CATALOG_SETTINGS"
TEST_PREFIX: Final = "CATALOG_TEST_"  # what tests are told, which is no setting
FILE_NAME: Final = "settings.toml"
DEFAULT_DATA: Final = Path("data")

# What a value given as text (environment, command line) or as TOML becomes, or ValueError saying what would be right.
Reading = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value.strip()


def _folder(value: Any) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("the path of a folder")
    return Path(value).expanduser()


def _folders(value: Any) -> tuple[Path, ...]:
    parts = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str | Path) for part in parts):
        raise ValueError(f"a list of folders (in the environment divided by '{os.pathsep}')")
    return tuple(Path(part).expanduser() for part in parts if str(part).strip())


def _whole(least: int, most: int) -> Reading:
    def read(value: Any) -> int:
        right = f"a whole number from {least} to {most}"
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value).strip()):
            raise ValueError(right)
        if not least <= int(value) <= most:
            raise ValueError(right)
        return int(value)

    return read


def _truth(value: Any) -> bool:
    told = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if isinstance(value, bool):
        return value
    try:
        return told[str(value).strip().lower()]
    except KeyError:
        raise ValueError("true or false") from None


def _one_of(*choices: str) -> Reading:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value.strip().lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value.strip().lower()

    return read


_SIZES: Final = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}


def _size(least: str, most: str) -> Reading:
    def read(value: Any) -> int:
        right = f"a number of bytes, like 67108864 or '64 MiB', from {least} to {most}"
        size = _bytes(str(value))
        if isinstance(value, bool) or size is None or not (_bytes(least) or 0) <= size <= (_bytes(most) or 0):
            raise ValueError(right)
        return size

    return read


def _bytes(told: str) -> int | None:
    match = re.fullmatch(r"([0-9]{1,15})\s*([A-Za-z]*)", told.strip())
    if match is None or match[2].upper() not in _SIZES:
        return None
    return int(match[1]) * _SIZES[match[2].upper()]


def _host(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9.:_-]+", value.strip()):
        raise ValueError("a host name or an address without port, like 127.0.0.1 or 0.0.0.0")
    return value.strip()


def _base(value: Any) -> str:
    right = "an absolute address like https://catalogue.example.org/, without '?', '#' and user name; empty: from host and port"
    if not isinstance(value, str):
        raise ValueError(right)
    told = value.strip()
    if not told:
        return ""
    if re.search(r"[\s<>\"{}|\\^`]", told):
        raise ValueError(right)
    try:
        parts = urlsplit(told)
        port = parts.port
    except ValueError:
        raise ValueError(right) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "?" in told or "#" in told or "@" in parts.netloc:
        raise ValueError(right)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    standing = port is None or (parts.scheme, port) in (("http", 80), ("https", 443))
    place = host if standing else f"{host}:{port}"
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/") + "/", "", ""))


def _database(value: Any) -> str:
    right = "postgresql://user:password@host:port/name, or empty for SQLite in the data folder"
    if not isinstance(value, str):
        raise ValueError(right)
    told = value.strip()
    scheme = told.partition("://")[0]
    if not told or (scheme == "sqlite" and told.startswith("sqlite:///") and len(told) > 10):
        return told
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not urlsplit(told).path.strip("/"):
        raise ValueError(right)
    return "postgresql" + told.removeprefix(scheme)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is said of a setting wherever people read about it."""

    read: Reading
    default: str  # as it is written by people
    en: str
    ja: str


def _setting(default: Any, read: Reading, en: str, ja: str, *, written: str | None = None, secret: bool = False) -> Any:
    meaning = Meaning(read, str(default) if written is None else written, en, ja)
    return field(default=default, repr=not secret, metadata={"setting": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an installation chose, checked."""

    data: Path = _setting(
        DEFAULT_DATA,
        _folder,
        "The folder that holds the catalogue: its database (unless PostgreSQL is used), its administrator's token, its settings file.",
        "カタログを収めるフォルダー。データベース（PostgreSQL を使わない場合）、管理者トークン、設定ファイルを含む。",
    )
    host: str = _setting(
        "127.0.0.1",
        _host,
        "The address that the server listens on. 127.0.0.1 answers this machine only; 0.0.0.0 answers everyone who can reach it.",
        "サーバーが待ち受けるアドレス。127.0.0.1 はこの計算機のみ、0.0.0.0 は到達できるすべての相手に応答する。",
    )
    port: int = _setting(
        8000, _whole(1, 65535), "The port that the server listens on.", "サーバーが待ち受けるポート番号。"
    )
    base: str = _setting(
        "",
        _base,
        "The address under which records are known to the world; a record's IRI is this plus its id. It is fixed at the first start.",
        "レコードを公開するアドレス。レコードの IRI はこれに ID を続けたもの。最初の起動で固定される。",
        written="http://HOST:PORT/",
    )
    database: str = _setting(
        "",
        _database,
        "Where the ledger is kept: SQLite in the data folder, or postgresql://user:password@host:port/name.",
        "台帳の保存先。データフォルダー内の SQLite、または postgresql://user:password@host:port/name。",
        written="SQLite in the data folder",
        secret=True,
    )
    proxies: int = _setting(
        0,
        _whole(0, 8),
        "How many proxies of your own stand before the server and add to X-Forwarded-For; with 0 that header is not believed. "
        "Whoever guesses passwords is slowed down by the address that this finds.",
        "サーバーの前段にある、X-Forwarded-For に追記する自組織のプロキシの数。0 ならこのヘッダーを信用しない。"
        "パスワードの推測はここで得たアドレスごとに制限される。",
    )
    workers: int = _setting(
        1,
        _whole(1, 64),
        "How many processes answer requests.",
        "要求に応答するプロセスの数。",
    )
    gate_threads: int = _setting(
        1,
        _whole(1, 64),
        "How many threads check what is loaded in bulk, beside the one that writes. On two cores one is the quickest.",
        "一括登録の検証に使うスレッドの数（書き込みのスレッドとは別）。2コアでは1が最も速い。",
    )
    body_limit: int = _setting(
        64 * 2**20,
        _size("1 MiB", "1 GiB"),
        "How much one request may hold where it is not streamed: one record, a profile, a source. Bulk loads have no limit.",
        "ストリームでない要求（レコード1件、プロファイル、登録元）の大きさの上限。一括登録には上限がない。",
        written="64 MiB",
    )
    lag_limit: int = _setting(
        200_000,
        _whole(1_000, 100_000_000),
        "How many changes the graph or the search index may be behind before bulk loads have to wait: a new one gets 429, one "
        "under way slows down.",
        "グラフや検索索引の遅れ（変更の件数）の上限。超えると新しい一括登録は 429 になり、実行中のものは減速する。",
    )
    verify_hours: int = _setting(
        24,
        _whole(0, 8_760),
        "The hours within which the server compares the graph and the search index with the ledger once, in small steps; 0: never.",
        "グラフと検索索引を台帳と照合する間隔（時間）。少しずつ行う。0 は行わない。",
    )
    sparql_processes: int = _setting(
        2,
        _whole(1, 64),
        "How many SPARQL queries run at a time, each in a process of its own. Of those that take longer than a second all but one may be long ones.",
        "同時に実行する SPARQL クエリーの数（それぞれ別のプロセス）。1秒を超えるクエリーが占められるのは、1つを除いた残り。",
    )
    sparql_seconds: int = _setting(
        10,
        _whole(1, 3600),
        "How many seconds a SPARQL query may take if it does not say otherwise (timeout=).",
        "SPARQL クエリーの制限時間（秒）。timeout= で変更できる。",
    )
    sparql_longest: int = _setting(
        60,
        _whole(1, 3600),
        "How many seconds a SPARQL query may ask for with timeout=.",
        "SPARQL クエリーが timeout= で指定できる最大の秒数。",
    )
    sparql_memory: int = _setting(
        2**30,
        _size("128 MiB", "256 GiB"),
        "How much memory one SPARQL query may take.",
        "1つの SPARQL クエリーが使えるメモリーの上限。",
        written="1 GiB",
    )
    sparql_rows: int = _setting(
        1_000_000,
        _whole(1, 999_999_999),
        "How many rows or statements the answer to a SPARQL query may have.",
        "SPARQL クエリーの結果の行数またはトリプル数の上限。",
    )
    sparql_answer: int = _setting(
        256 * 2**20,
        _size("1 MiB", "16 GiB"),
        "How large the answer to a SPARQL query may be. It is kept in a file of the spool folder until it has been read.",
        "SPARQL クエリーの結果の大きさの上限。読み終わるまで spool フォルダーのファイルに保持される。",
        written="256 MiB",
    )
    graphql_cost: int = _setting(
        100_000,
        _whole(100, 999_999_999),
        "How much a GraphQL query may cost: about as many records and links as its answer can tell, every page being full.",
        "GraphQL クエリーのコストの上限。すべてのページが埋まったときに返り得るレコードとリンクの数に相当する。",
    )
    graphql_seconds: int = _setting(
        10,
        _whole(1, 3600),
        "How many seconds a statement of a GraphQL query may run before it is interrupted.",
        "GraphQL クエリーの SQL 文の制限時間（秒）。超えると中断される。",
    )
    graphql_documents: tuple[Path, ...] = _setting(
        (),
        _folders,
        "Folders of trusted GraphQL documents (`*.graphql`, `*.gql`), read at the start: each is asked for by the SHA-256 of its text (documentId).",
        "信頼された GraphQL 文書（`*.graphql`、`*.gql`）のフォルダー。起動時に読み込まれ、文書の SHA-256（documentId）で指定できる。",
        written="none",
    )
    graphql_only_trusted: bool = _setting(
        False,
        _truth,
        "Whether only trusted GraphQL documents are answered.",
        "信頼された GraphQL 文書だけに応答するかどうか。",
        written="false",
    )
    kinds: tuple[Path, ...] = _setting(
        (),
        _folders,
        "More folders with kinds of your own beside the fourteen that are shipped; in each schemas/kinds/, ontologies/context/, ontologies/shapes/.",
        "同梱の14種類に加える独自の種別のフォルダー。それぞれ schemas/kinds/、ontologies/context/、ontologies/shapes/ を含む。",
        written="none",
    )
    log_level: str = _setting(
        "info",
        _one_of("debug", "info", "warning", "error"),
        "How much the server tells on its standard error: debug, info, warning or error.",
        "標準エラー出力に記録する詳しさ。debug、info、warning、error のいずれか。",
    )
    log_requests: bool = _setting(
        False,
        _truth,
        "Whether each request is logged with its time and status.",
        "要求ごとに時刻と状態を記録するかどうか。",
        written="false",
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def base_address(self) -> str:
        """The base address as it was asked for, or as host and port make it."""
        if self.base:
            return self.base
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/"

    @property
    def database_address(self) -> str:
        """The address of the database, SQLite's too."""
        return self.database or f"sqlite:///{self.data / 'catalog.sqlite'}"

    @property
    def spool(self) -> Path:
        """Where answers wait that are longer than their readers are quick."""
        return self.data / "spool"

    @property
    def token_file(self) -> Path:
        """Where the administrator's token is kept."""
        return self.data / "admin-token"


def meanings() -> Iterator[tuple[str, Meaning]]:
    """Every setting's name and what is said of it, in the order in which they are documented."""
    for each in fields(Settings):
        if "setting" in each.metadata:
            yield each.name, each.metadata["setting"]


KNOWN: Final[Mapping[str, Meaning]] = dict(meanings())


def read_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings of this process, or Misconfigured naming the setting, its value and what would be right.

    `given` is what the command line says; None there leaves a setting to the environment and the file.
    """
    told = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def take(name: str, value: Any, origin: str) -> None:
        if name not in values:
            values[name] = _read(name, value, origin)
            origins[name] = origin

    for name, value in given.items():
        if value is not None:
            take(name, value, "the command line")
    for variable in sorted(told):
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE and not variable.startswith(TEST_PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            if name not in KNOWN or variable != variable.upper():
                raise _unknown(
                    variable, [PREFIX + known.upper() for known in KNOWN] + [FILE_VARIABLE], "the environment"
                )
            take(name, told[variable], f"the environment ({variable})")
    _read_file(told, values, take)
    return Settings(**values, origins=origins)


def _read_file(told: Mapping[str, str], values: Mapping[str, Any], take: Callable[[str, Any, str], None]) -> None:
    named = told.get(FILE_VARIABLE, "").strip()
    path = Path(named).expanduser() if named else values.get("data", DEFAULT_DATA) / FILE_NAME
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        # Where the data folder is a file, whoever opens the catalogue says so better.
        if named:
            raise Misconfigured(
                f"{FILE_VARIABLE} names {path}, and there is no such file",
                ja=f"{FILE_VARIABLE} が指す {path} がありません",
            ) from None
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise Misconfigured(
            f"the settings file {path} cannot be read: {problem}", ja=f"設定ファイル {path} が読めません: {problem}"
        ) from problem
    for name, value in document.items():
        if name not in KNOWN:
            raise _unknown(name, list(KNOWN), str(path))
        if name == "data" and not named:
            raise Misconfigured(
                f"{path} sets data, but it lies in the data folder itself: set {PREFIX}DATA or use --data",
                ja=f"{path} はデータフォルダーの中にあるので data は設定できません。{PREFIX}DATA か --data を使ってください",
            )
        take(name, value, str(path))


def _read(name: str, value: Any, origin: str) -> Any:
    try:
        return KNOWN[name].read(value)
    except ValueError as problem:
        # A database's address may hold a password, and messages end up in logs.
        shown = "what is there" if name == "database" else repr(value)
        raise Misconfigured(
            f"setting {name}: {shown} (from {origin}) is not right; it wants {problem}",
            ja=f"設定 {name}: {origin} の値{'' if name == 'database' else f' {value!r} '}が正しくありません。正しい値: {problem}",
        ) from None


def _unknown(name: str, known: list[str], origin: str) -> Misconfigured:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    asked = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    tried = f"もしかして: {'、'.join(near)}" if near else f"使えるもの: {'、'.join(known)}"
    return Misconfigured(
        f"{origin} has the setting {name}, which does not exist: {asked}",
        ja=f"{origin} の設定 {name} は存在しません。{tried}",
    )


def hand_on(settings: Settings) -> None:
    """Let the processes that this one starts read the same settings, whatever was said on its command line."""
    os.environ.update(_as_environment(settings))


def environment_with(settings: Settings) -> dict[str, str]:
    """The environment of a process that is to read the same settings as this one."""
    return {**os.environ, **_as_environment(settings)}


def _as_environment(settings: Settings) -> dict[str, str]:
    told = {}
    for name in KNOWN:
        value = getattr(settings, name)
        told[PREFIX + name.upper()] = os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)
    return told


def language(environment: Mapping[str, str] | None = None) -> str:
    """The language that the terminal asks for: "ja" or "en"."""
    told = os.environ if environment is None else environment
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if told.get(variable):
            return "ja" if told[variable].lower().startswith("ja") else "en"
    return "en"


def configuration_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where a person's own configuration of this program lies (XDG Base Directory Specification)."""
    told = os.environ if environment is None else environment
    base = told.get("XDG_CONFIG_HOME", "")
    # What is not absolute is to be ignored, says the specification.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "musubi-catalog"


def table() -> str:
    """The settings as a Markdown table: what docs/settings.md holds."""
    lines = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{name}` | `{PREFIX}{name.upper()}` | `{meaning.default}` | {meaning.en}<br>{meaning.ja} |"
        for name, meaning in KNOWN.items()
    ]
    return "\n".join(lines) + "\n"

"""What a command's exit code means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from catalog import errors

OK: Final = 0
REFUSED: Final = 1
UNAVAILABLE: Final = 5
REPAIRED: Final = 8
DIFFERS: Final = 9

# click ends with 2 where a command is not written rightly.
MEANINGS: Final[Mapping[int, tuple[str, str]]] = {
    0: ("done; nothing is wrong", "成功。問題なし"),
    1: (
        "refused: what was sent cannot be read or breaks a rule; the findings say why",
        "不受理。内容が読めないか規則に反する",
    ),
    2: ("the command is not written rightly", "コマンドの書き方が正しくない"),
    3: ("there is no such thing, or it was withdrawn", "存在しない、または取り下げられた"),
    4: ("conflict: the state has moved on, or forbids it", "競合。状態が変わっている"),
    5: ("it cannot be done now; try again", "いまは実行できない"),
    6: ("you may not do this", "権限がない"),
    7: ("the installation's settings or files are wrong", "設定またはファイルに誤りがある"),
    8: (
        "verify: it differed from the ledger, and all of that was repaired",
        "照合: 台帳と不一致があり、すべて修復した",
    ),
    9: (
        "verify: it differs from the ledger still, or records are missing that could not be projected",
        "照合: 台帳との不一致、または反映に失敗したレコードが残っている",
    ),
    130: ("interrupted", "中断された"),
}

_CODES: Final[tuple[tuple[type[errors.CatalogError], int], ...]] = (
    (errors.Malformed, REFUSED),
    (errors.Invalid, REFUSED),
    (errors.TooLarge, REFUSED),
    (errors.NotFound, 3),
    (errors.Gone, 3),
    (errors.Conflict, 4),
    (errors.Unavailable, UNAVAILABLE),
    (errors.Forbidden, 6),
    (errors.Misconfigured, 7),
)


def code_of(error: errors.CatalogError) -> int:
    """The exit code of a command that ended with this error."""
    return next((code for type_, code in _CODES if isinstance(error, type_)), REFUSED)


def table() -> str:
    """The codes as a Markdown table: what docs/cli.md holds."""
    return "| code | meaning |\n|---|---|\n" + "".join(
        f"| {code} | {en}<br>{ja} |\n" for code, (en, ja) in MEANINGS.items()
    )

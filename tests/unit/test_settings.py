"""What an installation may choose, and what it is told where it chose wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import Misconfigured
from catalog.settings import KNOWN, hand_on, read_settings


def test_the_command_line_goes_before_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 1111\nworkers = 2\nhost = '127.0.0.9'\n")
    environment = {"CATALOG_DATA": str(tmp_path), "CATALOG_PORT": "2222", "CATALOG_HOST": "127.0.0.8", "HOME": "x"}
    settings = read_settings(environment, host="127.0.0.7", port=None)
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.7", 2222, 2)
    assert settings.origins["workers"] == str(tmp_path / "settings.toml")
    assert settings.data == tmp_path


def test_without_settings_every_default_is_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings({})
    assert settings.base_address == "http://127.0.0.1:8000/"
    assert settings.database_address == "sqlite:///data/catalog.sqlite"
    for name in ("host", "port", "workers", "gate_threads", "log_level", "data"):
        assert str(getattr(settings, name)) == KNOWN[name].default
    assert settings.body_limit == KNOWN["body_limit"].read(KNOWN["body_limit"].default)


@pytest.mark.parametrize(
    ("variable", "value", "right"),
    [
        ("PORT", "eighty", "from 1 to 65535"),
        ("PORT", "0", "from 1 to 65535"),
        ("PORT", "65536", "from 1 to 65535"),
        ("WORKERS", "-1", "from 1 to 64"),
        ("HOST", "http://here", "without port"),
        ("BASE", "catalogue.example.org", "an absolute address"),
        ("BASE", "https://example.org/?a", "an absolute address"),
        ("BASE", "https://me@example.org/", "an absolute address"),
        ("BASE", "https://example.org:nine/", "an absolute address"),
        ("DATABASE", "mysql://root@localhost/x", "postgresql://"),
        ("DATABASE", "postgresql://root@localhost", "postgresql://"),
        ("BODY_LIMIT", "64 parsecs", "64 MiB"),
        ("BODY_LIMIT", "1", "from 1 MiB"),
        ("LOG_LEVEL", "loud", "debug, info"),
        ("LOG_REQUESTS", "maybe", "true or false"),
        ("DATA", " ", "a folder"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_would_be_right(variable: str, value: str, right: str) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read_settings({f"CATALOG_{variable}": value})
    assert f"setting {variable.lower()}:" in refusal.value.message
    assert right in refusal.value.message


def test_a_wrong_database_is_refused_without_telling_its_password() -> None:
    with pytest.raises(Misconfigured) as refusal:
        read_settings({"CATALOG_DATABASE": "mysql://root:hush@localhost/x"})
    assert "hush" not in str(refusal.value.messages)
    assert "hush" not in repr(read_settings({"CATALOG_DATABASE": "postgres://root:hush@localhost/x"}))


@pytest.mark.parametrize("name", ["CATALOG_PROT", "CATALOG_port", "CATALOG_SETTING"])
def test_an_unknown_variable_is_refused_with_near_names(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name}.*did you mean CATALOG_"):
        read_settings({name: "1"})


def test_an_unknown_setting_in_the_file_is_refused_with_near_names(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("prot = 1\n")
    with pytest.raises(Misconfigured, match=r"settings\.toml has the setting prot.*did you mean port"):
        read_settings({}, data=tmp_path)


def test_a_file_that_is_named_must_be_there_and_be_readable(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no such file"):
        read_settings({"CATALOG_SETTINGS": str(tmp_path / "gone.toml")})
    (tmp_path / "broken.toml").write_text("port = \n")
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_settings({"CATALOG_SETTINGS": str(tmp_path / "broken.toml")})
    (tmp_path / "whole.toml").write_text(f"data = '{tmp_path}'\nport = 81\n")
    assert read_settings({"CATALOG_SETTINGS": str(tmp_path / "whole.toml")}).data == tmp_path


def test_the_file_in_the_data_folder_cannot_move_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("data = '/elsewhere'\n")
    with pytest.raises(Misconfigured, match="CATALOG_DATA"):
        read_settings({"CATALOG_DATA": str(tmp_path)})


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("HTTPS://Catalogue.Example.ORG", "https://catalogue.example.org/"),
        ("https://example.org:443/catalogue", "https://example.org/catalogue/"),
        ("http://[::1]:8000", "http://[::1]:8000/"),
    ],
)
def test_a_base_address_is_kept_in_one_way_of_writing(told: str, kept: str) -> None:
    assert read_settings({"CATALOG_BASE": told}).base_address == kept


def test_sizes_and_lists_are_read_from_text_and_from_toml(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("body_limit = 2097152\nkinds = ['one', 'two']\nlog_requests = true\n")
    settings = read_settings({}, data=tmp_path)
    assert (settings.body_limit, settings.kinds, settings.log_requests) == (2097152, (Path("one"), Path("two")), True)
    told = read_settings({"CATALOG_BODY_LIMIT": "2 MiB", "CATALOG_KINDS": "one:two", "CATALOG_LOG_REQUESTS": "yes"})
    assert (told.body_limit, told.kinds, told.log_requests) == (2097152, (Path("one"), Path("two")), True)


def test_what_was_said_on_the_command_line_reaches_the_processes_that_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KNOWN:
        monkeypatch.setenv(f"CATALOG_{name.upper()}", "")  # put back after the test
    said = read_settings(
        {}, data=tmp_path, port=81, kinds=["one", "two"], log_requests=True, base="https://example.org"
    )
    hand_on(said)
    assert read_settings() == said

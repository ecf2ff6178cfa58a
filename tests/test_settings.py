"""Settings: precedence, every bound, and one clear line for every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from cronplug.errors import SettingsError
from cronplug.settings import load_settings


def refused(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.auth) == ("127.0.0.1", 3399, "token")
    assert (settings.max_concurrency, settings.workers) == (5, 5)
    assert (settings.log_retention_days, settings.failed_retention_days) == (30, 90)
    assert (settings.drain_seconds, settings.min_interval_seconds) == (20, 1)
    assert settings.plugins_trusted == {"cronplug-maintenance"}
    assert settings.database_url == f"sqlite:///{settings.data_dir}/cronplug.db"


def test_failures_are_kept_three_times_as_long_unless_told() -> None:
    assert load_settings({"SCHEDULER_LOG_RETENTION_DAYS": "10"}).failed_retention_days == 30
    both = {"SCHEDULER_LOG_RETENTION_DAYS": "10", "SCHEDULER_FAILED_RETENTION_DAYS": "7"}
    assert load_settings(both).failed_retention_days == 7


def test_flags_win_over_environment_over_env_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("SCHEDULER_PORT=1001\nSCHEDULER_HOST=::1\nOTHER=ignored\nSCHEDULER_WORKERS=2\n")
    settings = load_settings(
        {"SCHEDULER_PORT": "1002", "SCHEDULER_WORKERS": "3"}, env_file=env_file, overrides={"SCHEDULER_PORT": "1003"}
    )
    assert (settings.port, settings.workers, settings.host) == (1003, 3, "::1")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("t" * 40 + "\n")
    assert load_settings({"SCHEDULER_ADMIN_TOKEN_FILE": str(path)}).admin_token == "t" * 40


def test_an_unreadable_secret_file_is_named() -> None:
    assert "/nowhere/token" in refused(SCHEDULER_ADMIN_TOKEN_FILE="/nowhere/token")


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    assert "keep one" in refused(SCHEDULER_ADMIN_TOKEN="t" * 40, SCHEDULER_ADMIN_TOKEN_FILE=str(tmp_path))


def test_an_unknown_name_is_refused_and_kubernetes_explained() -> None:
    message = refused(SCHEDULER_SERVICE_HOST="10.0.0.1")
    assert "SCHEDULER_SERVICE_HOST" in message
    assert "enableServiceLinks: false" in message
    assert "enableServiceLinks: false" in refused(SCHEDULER_PORT="tcp://10.0.0.1:80")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SCHEDULER_PORT", "65536", "0 to 65535"),
        ("SCHEDULER_PORT", "-1", "0 to 65535"),
        ("SCHEDULER_PORT", "٣٣٩٩", "0 to 65535"),
        ("SCHEDULER_MAX_CONCURRENCY", "0", "1 to 10000"),
        ("SCHEDULER_MAX_CONCURRENCY", "10001", "1 to 10000"),
        ("SCHEDULER_WORKERS", "many", "whole number"),
        ("SCHEDULER_LOG_RETENTION_DAYS", "0", "1 to"),
        ("SCHEDULER_AUTH", "basic", "token, none"),
        ("SCHEDULER_LOG_LEVEL", "loud", "debug, info"),
        ("SCHEDULER_LOG_FORMAT", "xml", "text, json"),
        ("SCHEDULER_SQLITE_SYNCHRONOUS", "off", "full, normal"),
        ("SCHEDULER_HTTP_ALLOW", "10.0.0.0/33", "10.0.0.0/8"),
        ("SCHEDULER_HTTP_DENY", "example.com", "10.0.0.0/8"),
        ("SCHEDULER_BASE_URL", "cron.example.com", "https://"),
        ("SCHEDULER_BASE_URL", "https://example.com/path", "without a path"),
        ("SCHEDULER_DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("SCHEDULER_DATABASE_URL", "sqlite:///:memory:", "sqlite:////"),
        ("SCHEDULER_ADMIN_TOKEN", "short", "32 to 256"),
        ("SCHEDULER_ADMIN_TOKEN", "t" * 257, "32 to 256"),
        ("SCHEDULER_ADMIN_TOKEN", "ü" * 40, "ASCII"),
    ],
)
def test_a_bad_value_is_refused_and_says_what_would_be_right(name: str, value: str, says: str) -> None:
    message = refused(**{name: value})
    assert says in message
    assert "SCHEDULER_" in message


def test_no_sign_in_is_refused_beyond_loopback() -> None:
    message = refused(SCHEDULER_AUTH="none", SCHEDULER_HOST="0.0.0.0")
    assert "SCHEDULER_HOST=127.0.0.1" in message
    assert load_settings({"SCHEDULER_AUTH": "none"}).auth == "none"


def test_empty_values_count_as_unset() -> None:
    assert load_settings({"SCHEDULER_PORT": " ", "SCHEDULER_ADMIN_TOKEN": ""}).port == 3399


def test_database_urls_are_brought_into_one_form() -> None:
    def url(text: str) -> str:
        return load_settings({"SCHEDULER_DATABASE_URL": text}).database_url

    assert url("postgres://u@h/d") == "postgresql://u@h/d"
    assert url("postgresql+asyncpg://u@h/d") == "postgresql://u@h/d"
    assert url("sqlite:////var/x.db") == "sqlite:////var/x.db"
    assert url("sqlite+aiosqlite:///x.db") == f"sqlite:///{Path('x.db').absolute()}"


def test_the_public_url_is_what_a_person_can_open() -> None:
    assert load_settings({"SCHEDULER_HOST": "0.0.0.0"}).public_url == "http://127.0.0.1:3399"
    assert load_settings({"SCHEDULER_HOST": "[::1]"}).public_url == "http://[::1]:3399"
    assert load_settings({"SCHEDULER_BASE_URL": "https://cron.example.com/"}).public_url == "https://cron.example.com"


def test_lists_are_read_with_their_networks_and_canonical_names() -> None:
    settings = load_settings({"SCHEDULER_HTTP_ALLOW": "10.0.0.1/8, ::1", "SCHEDULER_PLUGINS_BLOCK": "Acme_Reports"})
    assert [str(network) for network in settings.http_allow] == ["10.0.0.0/8", "::1/128"]
    assert settings.plugins_block == {"acme-reports"}


def test_backups_go_below_the_data_folder_unless_told(tmp_path: Path) -> None:
    assert load_settings({"SCHEDULER_DATA_DIR": str(tmp_path)}).backup_dir == tmp_path / "backups"
    assert load_settings({"SCHEDULER_BACKUP_DIR": "/mnt/copies"}).backup_dir == Path("/mnt/copies")


def test_workers_get_to_know_what_their_functions_may_do() -> None:
    settings = load_settings(
        {"SCHEDULER_SHELL_ALLOW": "/bin/date, /bin/true", "SCHEDULER_SQL_SALES_2_URL": "postgresql://h/sales"}
    )

    assert settings.worker_environ == {
        "SCHEDULER_SHELL_ALLOW": "/bin/date,/bin/true",
        "SCHEDULER_SQL_SALES_2_URL": "postgresql://h/sales",
    }


def test_a_database_for_functions_may_come_from_a_file_which_wins_over_the_env_file(tmp_path: Path) -> None:
    secret, env_file = tmp_path / "url", tmp_path / ".env"
    secret.write_text("postgresql://secret@h/sales\n")
    env_file.write_text("SCHEDULER_SQL_SALES_URL=sqlite:////old.db\n")

    settings = load_settings({"SCHEDULER_SQL_SALES_URL_FILE": str(secret)}, env_file=env_file)

    assert settings.sql_urls == {"SALES": "postgresql://secret@h/sales"}


@pytest.mark.parametrize("name", ["SCHEDULER_SQL_URL", "SCHEDULER_SQL_sales_URL", "SCHEDULER_SQL_SALES"])
def test_a_name_that_is_almost_one_of_a_database_is_unknown(name: str) -> None:
    assert "not a setting" in refused(**{name: "sqlite:////a.db"})


@pytest.mark.parametrize("url", ["sqlite:///relative.db", "mysql://h/db", "postgresql://", "sales.db"])
def test_a_database_that_cannot_be_read_is_refused_without_telling_its_value(url: str) -> None:
    message = refused(SCHEDULER_SQL_SALES_URL=url)

    assert "SCHEDULER_SQL_SALES_URL must look like" in message
    assert url not in message.split("must look like")[0]


def test_a_program_without_its_whole_path_is_refused() -> None:
    assert "absolute paths" in refused(SCHEDULER_SHELL_ALLOW="/bin/date,rsync")

"""Settings from the environment, an optional `.env` file and command-line flags, checked before anything starts.

Order of precedence, highest first: flags, environment, `NAME_FILE` (secrets only), `.env`, defaults. Every fault is
one `SettingsError` whose text names the setting, what is wrong, and what would be right.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import platformdirs
from dotenv import dotenv_values

from cronplug.errors import SettingsError

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "SCHEDULER_"
SECRETS = ("SCHEDULER_ADMIN_TOKEN", "SCHEDULER_DATABASE_URL")
"""Settings that may also be given as `<NAME>_FILE`, the path of a file that holds the value."""

SQL_URL = re.compile(r"SCHEDULER_SQL_([A-Z][A-Z0-9_]*?)_URL(_FILE)?")
"""`SCHEDULER_SQL_<NAME>_URL`: a database that functions may ask for by name. A secret as those above are."""

_KUBERNETES = (
    "If Kubernetes sets it because of a service called 'scheduler', put `enableServiceLinks: false` into the pod's "
    "specification."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can decide, checked. Durations carry their unit in the name."""

    host: str
    port: int
    base_url: str | None
    data_dir: Path
    database_url: str
    max_concurrency: int
    workers: int
    log_retention_days: int
    failed_retention_days: int
    admin_token: str | None
    auth: Literal["token", "none"]
    default_timezone: str
    drain_seconds: int
    min_interval_seconds: int
    log_level: Literal["debug", "info", "warning", "error"]
    log_format: Literal["text", "json"]
    sqlite_synchronous: Literal["full", "normal"]
    http_allow: tuple[Network, ...]
    http_deny: tuple[Network, ...]
    plugins_block: frozenset[str]
    plugins_trusted: frozenset[str]
    backup_dir: Path
    shell_allow: tuple[str, ...]
    sql_urls: Mapping[str, str]
    given: frozenset[str]
    """The names of those that somebody gave a value."""

    @property
    def worker_environ(self) -> dict[str, str]:
        """What functions in workers read from their environment, wherever it was set for the server."""
        given = {f"SCHEDULER_SQL_{name}_URL": url for name, url in self.sql_urls.items()}
        return given | {"SCHEDULER_SHELL_ALLOW": ",".join(self.shell_allow)}

    @property
    def listens_on_loopback(self) -> bool:
        """True when only programs on this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def public_url(self) -> str:
        """How people reach the server: `SCHEDULER_BASE_URL`, else the address it binds. No slash at the end."""
        if self.base_url:
            return self.base_url
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"

    @property
    def is_sqlite(self) -> bool:
        """True when the database is a file of this machine."""
        return self.database_url.startswith("sqlite")


def is_loopback(host: str) -> bool:
    """Whether binding `host` keeps the server on this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def canonical_distribution(name: str) -> str:
    """A distribution's name in the one spelling used for comparing (PEP 503).

    >>> canonical_distribution("Acme_Reports")
    'acme-reports'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def load_settings(
    environ: Mapping[str, str], *, env_file: Path | None = None, overrides: Mapping[str, str] | None = None
) -> Settings:
    """Read and check all settings.

    `env_file` is read when it exists; names in it without the prefix are ignored. `overrides` has the same names as
    the environment. Raises SettingsError for the first fault.
    """
    values: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        values |= {k: v for k, v in dotenv_values(env_file).items() if k.startswith(PREFIX) and v is not None}
    given = {k: v for k, v in environ.items() if k.startswith(PREFIX)}
    for secret in _secrets_among(values | given):
        if secret in given or f"{secret}_FILE" in given:
            values.pop(secret, None)
            values.pop(f"{secret}_FILE", None)
    values |= given
    values |= overrides or {}
    _read_secret_files(values)
    unknown = sorted(name for name in values.keys() - SETTING_NAMES if not SQL_URL.fullmatch(name))
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting of cronplug (known: docs/operating.md). {_KUBERNETES}")
    return _build({name: value.strip() for name, value in values.items() if value.strip()})


def _secrets_among(names: Iterable[str]) -> list[str]:
    """The settings that may be given as a file, by the names that are: all fixed ones, and the databases'."""
    databases = {f"SCHEDULER_SQL_{match[1]}_URL" for name in names if (match := SQL_URL.fullmatch(name))}
    return [*SECRETS, *sorted(databases)]


def _read_secret_files(values: dict[str, str]) -> None:
    for name in _secrets_among(values):
        path = values.pop(f"{name}_FILE", None)
        if path is None or not path.strip():
            continue
        if values.get(name):
            raise SettingsError(f"{name} and {name}_FILE are both set; keep one of them.")
        try:
            values[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE: {path} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class _Said:
    """A setting's name without the prefix, what it is when nobody sets it (None: that follows from others), and what it means."""

    name: str
    default: str | None
    meaning: str


_SAID = (
    _Said("HOST", "127.0.0.1", "address to listen on"),
    _Said("PORT", "3399", "port to listen on; 0 takes a free one"),
    _Said(
        "BASE_URL",
        "",
        "how people reach the server, such as `https://cron.example.com`; used in links and for secure cookies",
    ),
    _Said("DATA_DIR", None, "where the SQLite file lives"),
    _Said("DATABASE_URL", None, "`sqlite:////path/to/file.db` or `postgresql://user:password@host/database`"),
    _Said(
        "SQLITE_SYNCHRONOUS",
        "full",
        "`normal` is faster; a power cut may then lose the last moments, a crash of the process never",
    ),
    _Said("ADMIN_TOKEN", None, "32 to 256 printable ASCII characters; wins over the stored one"),
    _Said("AUTH", "token", "`none` lets everybody in, and works only while the server listens on loopback"),
    _Said("MAX_CONCURRENCY", "5", "executions running at once, 1 to 10000"),
    _Said("WORKERS", None, "most worker processes; async functions share them"),
    _Said("DRAIN_SECONDS", "20", "how long running work may finish at shutdown"),
    _Said("DEFAULT_TIMEZONE", "UTC", "zone of tasks that name none"),
    _Said("MIN_INTERVAL_SECONDS", "1", "shortest interval a schedule may have"),
    _Said("LOG_RETENTION_DAYS", "30", "how long ended executions are kept that did not fail"),
    _Said("FAILED_RETENTION_DAYS", None, "how long `failed`, `timed_out` and `lost` ones are kept"),
    _Said("HTTP_ALLOW", "", "networks HTTP tasks may reach besides, comma-separated: `127.0.0.1,10.1.0.0/16`"),
    _Said("HTTP_DENY", "", "networks that HTTP tasks and `ctx.http` may not reach"),
    _Said("PLUGINS_BLOCK", "", "distributions that are not loaded, comma-separated"),
    _Said("PLUGINS_TRUSTED", "cronplug-maintenance", "distributions whose functions may run inside the server"),
    _Said("BACKUP_DIR", None, "the folder that `maintenance.backup` writes to, and never outside of it"),
    _Said(
        "SHELL_ALLOW",
        "",
        "programs that `shell.run` may start, comma-separated absolute paths; `*` allows all, nothing refuses all",
    ),
    _Said("LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`"),
    _Said("LOG_FORMAT", "text", "`json` writes one object a line"),
)
"""In the order and the words of docs/operating.md."""

_DEFAULTS = {said.name: said.default or "" for said in _SAID}

SETTING_NAMES = frozenset(PREFIX + said.name for said in _SAID)
"""Every setting's name; those of databases (`SQL_URL`) come on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingInForce:
    """A setting as it is told to people: `value` and `default` as one would write them, "" for nothing.

    `value` None: it is a secret. `is_set`: somebody gave it a value, be it that of the default.
    """

    name: str
    value: str | None
    default: str
    is_default: bool
    is_set: bool
    secret: bool
    meaning: str


def settings_in_force(settings: Settings) -> list[SettingInForce]:
    """Every setting with what it is now, without secrets; the databases of functions last."""
    follows: Mapping[str, object] = {
        "DATA_DIR": _default_data_dir(),
        "DATABASE_URL": _database_url("", settings.data_dir),
        "WORKERS": settings.max_concurrency,
        "FAILED_RETENTION_DAYS": _default_failed_retention(settings.log_retention_days),
        "BACKUP_DIR": _default_backup_dir(settings.data_dir),
    }
    told = []
    for said in _SAID:
        name = PREFIX + said.name
        value, default = _as_text(getattr(settings, said.name.lower())), _as_text(follows.get(said.name, said.default))
        told.append(
            SettingInForce(
                name=name,
                value=None if name in SECRETS else value,
                default=default,
                is_default=value == default,
                is_set=name in settings.given,
                secret=name in SECRETS,
                meaning=said.meaning,
            )
        )
    return [*told, *(_database_in_force(name) for name in sorted(settings.sql_urls))]


def _database_in_force(name: str) -> SettingInForce:
    return SettingInForce(
        name=f"{PREFIX}SQL_{name}_URL",
        value=None,
        default="",
        is_default=False,
        is_set=True,
        secret=True,
        meaning="a database that `sql.query` may be given by name",
    )


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _build(values: Mapping[str, str]) -> Settings:
    def text(name: str) -> str:
        return values.get(PREFIX + name, _DEFAULTS[name])

    def whole(name: str, low: int, high: int, default: int | None = None) -> int:
        raw = values.get(PREFIX + name)
        if raw is None:
            return int(_DEFAULTS[name]) if default is None else default
        if raw.startswith("tcp://"):
            raise SettingsError(f"{PREFIX}{name} is {raw[:60]!r}, not a number. {_KUBERNETES}")
        if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
            raise SettingsError(f"{PREFIX}{name} must be a whole number from {low} to {high}, not {raw[:40]!r}.")
        return int(raw)

    def choice(name: str, allowed: tuple[str, ...]) -> str:
        value = text(name).lower()
        if value not in allowed:
            raise SettingsError(f"{PREFIX}{name} must be one of {', '.join(allowed)}, not {value[:40]!r}.")
        return value

    data_dir = _folder(text("DATA_DIR") or _default_data_dir())
    max_concurrency = whole("MAX_CONCURRENCY", 1, 10_000)
    retention = whole("LOG_RETENTION_DAYS", 1, 36_500)
    settings = Settings(
        host=text("HOST").strip("[]"),
        port=whole("PORT", 0, 65_535),
        base_url=_base_url(text("BASE_URL")),
        data_dir=data_dir,
        database_url=_database_url(text("DATABASE_URL"), data_dir),
        max_concurrency=max_concurrency,
        workers=whole("WORKERS", 1, 10_000, max_concurrency),
        log_retention_days=retention,
        failed_retention_days=whole("FAILED_RETENTION_DAYS", 1, 36_500, _default_failed_retention(retention)),
        admin_token=_admin_token(values.get("SCHEDULER_ADMIN_TOKEN")),
        auth=choice("AUTH", ("token", "none")),  # type: ignore[arg-type]  # checked by choice()
        default_timezone=text("DEFAULT_TIMEZONE"),
        drain_seconds=whole("DRAIN_SECONDS", 0, 86_400),
        min_interval_seconds=whole("MIN_INTERVAL_SECONDS", 1, 86_400),
        log_level=choice("LOG_LEVEL", ("debug", "info", "warning", "error")),  # type: ignore[arg-type]  # checked by choice()
        log_format=choice("LOG_FORMAT", ("text", "json")),  # type: ignore[arg-type]  # checked by choice()
        sqlite_synchronous=choice("SQLITE_SYNCHRONOUS", ("full", "normal")),  # type: ignore[arg-type]  # checked by choice()
        http_allow=_list(values, "HTTP_ALLOW", _network),
        http_deny=_list(values, "HTTP_DENY", _network),
        plugins_block=frozenset(_list(values, "PLUGINS_BLOCK", canonical_distribution)),
        plugins_trusted=frozenset(_list(values, "PLUGINS_TRUSTED", canonical_distribution)),
        backup_dir=_folder(text("BACKUP_DIR") or _default_backup_dir(data_dir)),
        shell_allow=_list(values, "SHELL_ALLOW", _program),
        sql_urls={
            match[1]: _sql_url(name, url) for name, url in sorted(values.items()) if (match := SQL_URL.fullmatch(name))
        },
        given=frozenset(values),
    )
    if settings.auth == "none" and not settings.listens_on_loopback:
        raise SettingsError(
            f"SCHEDULER_AUTH=none works only while the server listens on loopback, but SCHEDULER_HOST is {settings.host}: "
            "unset SCHEDULER_AUTH, or set SCHEDULER_HOST=127.0.0.1."
        )
    return settings


def _folder(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _default_data_dir() -> Path:
    return _folder(platformdirs.user_data_dir("cronplug", appauthor=False))


def _default_backup_dir(data_dir: Path) -> Path:
    return data_dir / "backups"


def _default_failed_retention(log_retention_days: int) -> int:
    return min(3 * log_retention_days, 36_500)


def _list(values: Mapping[str, str], name: str, read: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(read(part.strip()) for part in values.get(PREFIX + name, _DEFAULTS[name]).split(",") if part.strip())


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise SettingsError(
            f"SCHEDULER_HTTP_ALLOW and SCHEDULER_HTTP_DENY take networks like 10.0.0.0/8 or ::1, not {text[:60]!r}."
        ) from error


def _program(text: str) -> str:
    if text != "*" and not text.startswith("/"):
        raise SettingsError(
            f"SCHEDULER_SHELL_ALLOW takes absolute paths of programs like /usr/bin/rsync, or *, not {text[:60]!r}."
        )
    return text


def _sql_url(name: str, text: str) -> str:
    scheme, separator, rest = text.partition("://")
    sqlite_file = scheme == "sqlite" and rest.startswith("//") and len(rest) > 2
    if separator and (sqlite_file or (scheme in ("postgres", "postgresql") and rest)):
        return text
    raise SettingsError(
        f"{name} must look like sqlite:////path/to/file.db or postgresql://user:password@host/database."
    )


def _base_url(text: str) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.path.strip("/")
    ):
        raise SettingsError(
            f"SCHEDULER_BASE_URL must look like https://cron.example.com, without a path, not {text[:80]!r}."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _database_url(text: str, data_dir: Path) -> str:
    if not text:
        return f"sqlite:///{data_dir / 'cronplug.db'}"
    scheme, separator, rest = text.partition("://")
    base = scheme.split("+")[0]
    if separator and base in ("postgres", "postgresql"):
        return f"postgresql://{rest}"
    if separator and base == "sqlite" and rest.startswith("/") and len(rest) > 1 and ":memory:" not in rest:
        path = rest[1:]
        return f"sqlite:///{path if path.startswith('/') else os.path.abspath(path)}"
    raise SettingsError(
        "SCHEDULER_DATABASE_URL must look like sqlite:////path/to/file.db or postgresql://user:password@host/database."
    )


def _admin_token(token: str | None) -> str | None:
    if token is None:
        return None
    if not (32 <= len(token) <= 256 and all("!" <= char <= "~" for char in token)):
        raise SettingsError(
            "SCHEDULER_ADMIN_TOKEN must be 32 to 256 printable ASCII characters without spaces; "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'` makes a good one."
        )
    return token

"""`python -m deploy.api_keys create --user ada`: create, list and revoke API keys in the database of DATABASE_URL."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.db.api_keys import ApiKeys
from shared.db.session import Database
from shared.errors import ServiceError
from shared.identity.api_keys import ApiKey, parse_key_id
from shared.identity.caller import SCOPES
from shared.settings.parts import DatabaseSettings
from shared.settings.processes import load_settings

_HEADER = ("id", "user", "name", "scopes", "created", "expires", "last used", "state")


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for.

    Raises:
        SystemExit: it can't be done, with a sentence that says why.
    """
    options = _parser().parse_args(arguments)
    settings = load_settings(DatabaseSettings)
    try:
        print(asyncio.run(_run(options, settings.database_url)))
    except ServiceError as error:
        raise SystemExit(error.detail) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.api_keys", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="create a key and print it, once")
    create.add_argument("--user", required=True, help="the user that it acts for")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument("--scope", action="append", choices=SCOPES, help="repeatable; read and write if not given")
    create.add_argument("--days", type=int, help="days until it expires; never if not given")
    keys = commands.add_parser("list", help="list all keys, or those of a user")
    keys.add_argument("--user")
    revoke = commands.add_parser("revoke", help="make a key useless from its next use on")
    revoke.add_argument("id", help="the part between nl_ and the secret, as listed")
    return parser


async def _run(options: argparse.Namespace, database_url: str) -> str:
    database = Database(database_url, pool_size=1)
    try:
        await database.check()
        keys = ApiKeys(database)
        if options.command == "create":
            return await _create(keys, options)
        if options.command == "revoke":
            # Whoever pastes the whole key means it, and shall not see it again.
            key_id = parse_key_id(options.id) or options.id
            await keys.revoke(key_id)
            return f"Revoked {key_id}."
        return _table(await keys.list(user_id=options.user))
    finally:
        await database.close()


async def _create(keys: ApiKeys, options: argparse.Namespace) -> str:
    user_id = options.user.strip()
    if not user_id or not user_id.isprintable() or len(user_id) > 200:
        raise SystemExit("--user: must be printable and have at most 200 characters")
    if options.days is not None and not 0 < options.days <= 36_500:
        raise SystemExit("--days: must be between 1 and 36,500")
    lifetime = None if options.days is None else timedelta(days=options.days)
    scopes = tuple(options.scope or ("read", "write"))
    key, secret = await keys.create(user_id=user_id, name=options.name, scopes=scopes, lifetime=lifetime)
    print(f"Key {key.key_id} of {user_id}; it is not stored and will not be shown again:", file=sys.stderr)
    return secret


def _table(keys: Sequence[ApiKey]) -> str:
    rows = [_HEADER, *(_row(key) for key in keys)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(key: ApiKey) -> tuple[str, ...]:
    moments = (key.created_at, key.expires_at, key.last_used_at)
    created, expires, used = (f"{moment:%Y-%m-%d %H:%M}" if moment else "never" for moment in moments)
    state = "revoked" if key.revoked_at else "valid" if key.is_valid(datetime.now(UTC)) else "expired"
    return (key.key_id, key.user_id, key.name, " ".join(key.scopes), created, expires, used, state)


if __name__ == "__main__":
    main()

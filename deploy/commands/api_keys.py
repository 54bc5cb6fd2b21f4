"""Commands that manage API keys in the database of DATABASE_URL."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from shared.db.api_keys import ApiKeys
    from shared.identity.api_keys import ApiKey

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)
_HEADER = ("id", "user", "name", "scopes", "created", "expires", "last used", "state")
_MOST_CHARACTERS = 200
T = TypeVar("T")


@app.command()
def create(
    user: Annotated[str, typer.Option(help="The user that it acts for.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, write or operate; repeatable; read and write if not given."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days until it expires; never if not given.")
    ] = None,
) -> None:
    """Create a key and print it, once."""
    from shared.identity.caller import SCOPES

    user = user.strip()
    if not user or not user.isprintable() or len(user) > _MOST_CHARACTERS:
        raise typer.BadParameter(
            f"must be printable and have at most {_MOST_CHARACTERS} characters", param_hint="--user"
        )
    lifetime = None if days is None else timedelta(days=days)
    scopes = [word for word in SCOPES if word in (scope or ("read", "write"))]
    if unknown := set(scope or ()) - set(SCOPES):
        raise typer.BadParameter(f"{unknown.pop()!r} is none of {', '.join(SCOPES)}", param_hint="--scope")
    key, secret = _with_keys(lambda keys: keys.create(user_id=user, name=name, scopes=scopes, lifetime=lifetime))
    typer.echo(f"Key {key.key_id} of {user}; it is not stored and will not be shown again:", err=True)
    typer.echo(secret)


@app.command(name="list")
def list_keys(user: Annotated[str | None, typer.Option(help="Only those of this user.")] = None) -> None:
    """List the keys, the newest first."""
    rows = [_HEADER, *map(_row, _with_keys(lambda keys: keys.list(user_id=user)))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The part between nl_ and the secret, as listed.")],
) -> None:
    """Make a key useless from its next use on."""
    from shared.identity.api_keys import parse_key_id

    # Whoever pastes the whole key means it, and shall not see it again.
    plain_id = parse_key_id(key_id) or key_id.removeprefix("nl_")
    _with_keys(lambda keys: keys.revoke(plain_id))
    typer.echo(f"Revoked {plain_id}.")


def _with_keys(act: "Callable[[ApiKeys], Awaitable[T]]") -> T:
    """Return what an act on the keys returns.

    Raises:
        SystemExit: it can't be done; the message says why.
    """
    from deploy.local.joining import join_local_stack
    from shared.db.api_keys import ApiKeys
    from shared.db.session import Database
    from shared.errors import ServiceError

    database_url = join_local_stack().database_url
    if database_url is None:
        raise SystemExit("DATABASE_URL: is not set, and no stack of `neuralearn up` runs here")

    async def run() -> T:
        database = Database(database_url, pool_size=1)
        try:
            await database.check()
            return await act(ApiKeys(database))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except ServiceError as error:
        raise SystemExit(error.detail) from None


def _row(key: "ApiKey") -> tuple[str, ...]:
    moments = (key.created_at, key.expires_at, key.last_used_at)
    created, expires, used = (f"{moment:%Y-%m-%d %H:%M}" if moment else "never" for moment in moments)
    state = "revoked" if key.revoked_at else "valid" if key.is_valid(datetime.now(UTC)) else "expired"
    return (key.key_id, key.user_id, key.name, " ".join(key.scopes), created, expires, used, state)

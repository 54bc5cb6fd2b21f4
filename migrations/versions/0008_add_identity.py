"""Add API keys, collaborations with their members, and the audit trail.

The first uploader of each collaboration becomes its owner.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"


def _time(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.func.now() if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not now, server_default=default)


def _text(name: str, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, comment=comment)


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "api_keys",
        _text("key_id", "the public part of the key"),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole key"),
        _text("user_id"),
        _text("name"),
        sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
        _time("created_at", now=True),
        _time("expires_at"),
        _time("last_used_at"),
        _time("revoked_at"),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_table(
        "collaborations",
        _text("id"),
        _time("created_at", now=True),
        sa.PrimaryKeyConstraint("id", name="pk_collaborations"),
    )
    op.create_table(
        "collaboration_members",
        _text("collaboration_id"),
        _text("user_id"),
        _text("role"),
        _time("created_at", now=True),
        sa.PrimaryKeyConstraint("collaboration_id", "user_id", name="pk_collaboration_members"),
        sa.ForeignKeyConstraint(
            ["collaboration_id"],
            ["collaborations.id"],
            ondelete="CASCADE",
            name="fk_collaboration_members_collaboration_id",
        ),
        sa.CheckConstraint("role in ('viewer', 'editor', 'owner')", name="role"),
    )
    op.create_index("ix_collaboration_members_user_id", "collaboration_members", ["user_id"])
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        _time("created_at", now=True),
        _text("action", "the rpc"),
        _text("outcome", "ok, or the reason of the refusal or failure"),
        _text("caller_kind"),
        _text("caller_id", "the user or process that called"),
        _text("key_id", "the API key it used; empty for none"),
        _text("address", "where the call came from"),
        _text("request_id"),
        _text("owner_id", "the owner of what it was about, who may read this"),
        _text("dataset_id", "not a key: the trail outlives the dataset"),
        _text("collaboration_id"),
        _text("member", "of the collaboration, and its new role"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_owner_id_id", "audit_events", ["owner_id", "id"])
    op.create_index("ix_audit_events_created_at", "audit_events", ["created_at"])
    op.execute(
        "insert into collaborations (id, created_at) select collaboration_id, min(created_at) from datasets "
        "where collaboration_id is not null group by collaboration_id"
    )
    op.execute(
        "insert into collaboration_members (collaboration_id, user_id, role) "
        "select distinct on (collaboration_id) collaboration_id, user_id, 'owner' from datasets "
        "where collaboration_id is not null order by collaboration_id, created_at, id"
    )
    op.create_foreign_key(
        "fk_datasets_collaboration_id",
        "datasets",
        "collaborations",
        ["collaboration_id"],
        ["id"],
        deferrable=True,
        initially="DEFERRED",
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_constraint("fk_datasets_collaboration_id", "datasets")
    for table in ("audit_events", "collaboration_members", "collaborations", "api_keys"):
        op.drop_table(table)

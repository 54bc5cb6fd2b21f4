"""Keep comments on steps, columns and cells.

Revision 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply this revision."""
    key = sa.ForeignKey("datasets.id", ondelete="CASCADE", name="fk_comments_dataset_id")
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("dataset_id", sa.Uuid(), key, nullable=False),
        sa.Column("author", sa.Text(), nullable=False, comment="the user who wrote it"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), comment="the step it is about"),
        sa.Column("column", sa.Text(), comment="the column it is about"),
        sa.Column("row", sa.BigInteger(), comment="with the column the cell it is about, from 1"),
        sa.Column("version", sa.Integer(), nullable=False, comment="the newest result when it was written; 0 for none"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("resolved_by", sa.Text(), comment="the user who settled it"),
        sa.Column("resolved_at", sa.TIMESTAMP(timezone=True)),
    )
    op.create_index(op.f("ix_comments_dataset_id_created_at_id"), "comments", ["dataset_id", "created_at", "id"])


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("comments")

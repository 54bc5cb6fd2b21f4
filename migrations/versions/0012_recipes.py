"""Keep recipes under names, to be repeated on other files.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "recipes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), comment="not a key: the recipe outlives the dataset"),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="the recipe as JSON"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("user_id", "name", "version", name="uq_recipes_user_id_name_version"),
    )
    op.create_index("ix_recipes_user_id_created_at_id", "recipes", ["user_id", "created_at", "id"])


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("recipes")

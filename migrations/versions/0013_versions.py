"""Keep the results of earlier preparations of a dataset.

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply this revision."""
    key = sa.ForeignKey("datasets.id", ondelete="CASCADE", name="fk_versions_dataset_id")
    op.create_table(
        "versions",
        sa.Column("dataset_id", sa.Uuid(), key, primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("artifacts", sa.Text(), nullable=False, comment="object prefix of the result"),
        sa.Column("options", JSONB(), nullable=False),
        sa.Column("summary", JSONB(), comment="sizes of the tables"),
        sa.Column("features", JSONB(), comment="input and output features, and the target"),
        sa.Column("author", sa.Text(), nullable=False, comment="the user who asked for it"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.execute(
        "insert into versions (dataset_id, version, artifacts, options, summary, features, author, created_at) "
        "select d.id, 1, r.artifacts, r.options, r.summary, r.features, d.user_id, coalesce(r.finished_at, now()) "
        "from runs r join datasets d on d.id = r.dataset_id where r.artifacts is not null"
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_table("versions")

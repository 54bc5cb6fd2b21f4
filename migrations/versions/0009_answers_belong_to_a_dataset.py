"""Let each cached answer belong to the dataset it was asked for, so that it is deleted with it.

Answers of before can't be told whose they are; they are deleted, and asked for again where they are needed.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply this revision."""
    op.execute("delete from ai_answers")
    op.add_column("ai_answers", sa.Column("dataset_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_ai_answers_dataset_id", "ai_answers", "datasets", ["dataset_id"], ["id"], ondelete="CASCADE"
    )
    op.create_index("ix_ai_answers_dataset_id", "ai_answers", ["dataset_id"])


def downgrade() -> None:
    """Undo this revision."""
    op.drop_column("ai_answers", "dataset_id")

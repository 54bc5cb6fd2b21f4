"""Add the table whose values an outlier step treats.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply this revision."""
    comment = "cleaned for both tables, or engineered"
    op.add_column(
        "outlier_logs", sa.Column("table", sa.Text(), nullable=False, server_default="cleaned", comment=comment)
    )


def downgrade() -> None:
    """Undo this revision."""
    op.drop_column("outlier_logs", "table")

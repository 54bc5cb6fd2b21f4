"""Keep the trace context of the request that queued a run.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply this revision."""
    comment = "trace context of the request that queued it"
    op.add_column("runs", sa.Column("traceparent", sa.Text(), comment=comment))


def downgrade() -> None:
    """Undo this revision."""
    op.drop_column("runs", "traceparent")

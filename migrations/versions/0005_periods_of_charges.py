"""Remember in which period a run was charged, so that what it gives back is not taken from a later one.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "runs",
        sa.Column(
            "charged_in",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="start of the period in which it counts; unset in runs from before revision 0005",
        ),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_column("runs", "charged_in")

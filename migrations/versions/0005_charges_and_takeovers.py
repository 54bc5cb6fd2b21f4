"""Store the quota period a run was charged in, and record an event when a new attempt begins.

A refund then never reduces the count of a later period, and the duration of an attempt is measured from its start.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TRIGGER = """
create or replace trigger run_changed after update of {columns} on runs for each row
when (({old}) is distinct from ({new})) execute function tell_run_event()
"""


def upgrade() -> None:
    """Apply this revision."""
    op.add_column(
        "runs",
        sa.Column(
            "charged_in",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="start of the period in which it counts; unset in runs from before revision 0005",
        ),
    )
    _record_changes_of("state", "stage", "percent", "attempt")


def downgrade() -> None:
    """Revert this revision."""
    _record_changes_of("state", "stage", "percent")
    op.drop_column("runs", "charged_in")


def _record_changes_of(*columns: str) -> None:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("old", "new"))
    op.execute(_TRIGGER.format(columns=", ".join(columns), old=old, new=new))

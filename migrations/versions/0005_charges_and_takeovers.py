"""Remember in which period a run was charged, and let a run that is taken over at once show that it begins anew.

What a run gives back is then not taken from a later period, and what an attempt takes is counted from its beginning.

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
    _tell_changes_of("state", "stage", "percent", "attempt")


def downgrade() -> None:
    """Go back."""
    _tell_changes_of("state", "stage", "percent")
    op.drop_column("runs", "charged_in")


def _tell_changes_of(*columns: str) -> None:
    old, new = (", ".join(f"{when}.{column}" for column in columns) for when in ("old", "new"))
    op.execute(_TRIGGER.format(columns=", ".join(columns), old=old, new=new))

"""Add the run events, written by a trigger so that no change of a run is missed.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "run_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_events_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_events")),
    )
    op.create_index(op.f("ix_run_events_run_id_id"), "run_events", ["run_id", "id"], unique=False)
    op.execute(
        """
        create function tell_run_event() returns trigger language plpgsql as $$
        begin
            insert into run_events (run_id, state, stage, percent) values (new.id, new.state, new.stage, new.percent);
            return null;
        end $$
        """
    )
    op.execute("create trigger run_created after insert on runs for each row execute function tell_run_event()")
    op.execute(
        """
        create trigger run_changed after update of state, stage, percent on runs for each row
        when ((old.state, old.stage, old.percent) is distinct from (new.state, new.stage, new.percent))
        execute function tell_run_event()
        """
    )


def downgrade() -> None:
    """Revert this revision."""
    op.execute("drop trigger run_changed on runs")
    op.execute("drop trigger run_created on runs")
    op.execute("drop function tell_run_event()")
    op.drop_table("run_events")

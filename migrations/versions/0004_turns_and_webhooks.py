"""Add turns in the queue, the count of crashed workers, and webhooks.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_RECORD_EVENT = """
create or replace function tell_run_event() returns trigger language plpgsql as $$
begin
    insert into run_events (run_id, state, stage, percent) values (new.id, new.state, new.stage, new.percent);
    {then}
    return null;
end $$
"""
_MARK_WEBHOOK_DUE = """
    if new.state in ('completed', 'failed', 'cancelled') then
        update webhooks set due_at = now(), attempt = 0, delivered_at = null, error = null where run_id = new.id;
    end if;
"""


def upgrade() -> None:
    """Apply this revision."""
    op.add_column(
        "runs",
        sa.Column(
            "turn_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="its place in the queue: later for an owner who has much in it",
        ),
    )
    op.execute("update runs set turn_at = created_at")
    op.add_column(
        "runs",
        sa.Column(
            "crashes",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="how many of its workers fell silent",
        ),
    )
    op.drop_index("ix_runs_due", table_name="runs")
    op.create_index("ix_runs_due", "runs", ["queue", "turn_at"], postgresql_where="state = 'queued'")
    op.create_index("ix_runs_finished", "runs", ["state", "finished_at"], postgresql_where="finished_at is not null")
    op.create_table(
        "webhooks",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True, comment="unset while there is nothing to tell"),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="why the last attempt failed"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_webhooks_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_webhooks")),
    )
    op.create_index("ix_webhooks_due", "webhooks", ["due_at"], postgresql_where="due_at is not null")
    op.execute(_RECORD_EVENT.format(then=_MARK_WEBHOOK_DUE))


def downgrade() -> None:
    """Revert this revision."""
    op.execute(_RECORD_EVENT.format(then=""))
    op.drop_index("ix_webhooks_due", table_name="webhooks")
    op.drop_table("webhooks")
    op.drop_index("ix_runs_finished", table_name="runs")
    op.drop_index("ix_runs_due", table_name="runs")
    op.create_index("ix_runs_due", "runs", ["queue", "due_at"], postgresql_where="state = 'queued'")
    op.drop_column("runs", "crashes")
    op.drop_column("runs", "turn_at")

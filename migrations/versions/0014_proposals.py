"""Let a preparation end as a proposal that waits for a review.

Revision 0014, after 0013.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

_RECORD = """
create or replace function record_run_event() returns trigger language plpgsql as $$
begin
    insert into run_events (run_id, state, stage, progress, attempt)
    values (new.id, new.state, new.stage, new.progress, new.attempt);
    if new.state in ({ended}) then
        update webhooks set due_at = now(), attempt = 0, delivered_at = null, error = null where run_id = new.id;
    end if;
    return null;
end $$
"""


def upgrade() -> None:
    """Apply this revision."""
    _allow("'completed', 'proposed', 'failed', 'cancelled'")


def downgrade() -> None:
    """Undo this revision; what is proposed is completed."""
    op.execute("update runs set state = 'completed', stage = 'completed' where state = 'proposed'")
    _allow("'completed', 'failed', 'cancelled'")


def _allow(ended: str) -> None:
    op.drop_constraint(op.f("ck_runs_state"), "runs")
    op.create_check_constraint(op.f("ck_runs_state"), "runs", f"state in ('queued', 'running', {ended})")
    op.execute(_RECORD.format(ended=ended))

"""Rename columns to the names of the API, and add the attempt to run events.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_RENAMED = (
    ("runs", "percent", "progress"),
    ("run_events", "percent", "progress"),
    ("cleaning_logs", "column_name", "column"),
    ("cleaning_logs", "action", "kind"),
    ("cleaning_logs", "reason", "why"),
    ("cleaning_logs", "source", "rule"),
    ("outlier_logs", "column_name", "column"),
    ("outlier_logs", "lower_fence", "lower"),
    ("outlier_logs", "upper_fence", "upper"),
    ("outlier_logs", "outlier_percent", "outlier_share"),
    ("outlier_logs", "reason", "why"),
    ("feature_logs", "action", "kind"),
    ("feature_logs", "reason", "why"),
    ("feature_logs", "source", "rule"),
)

_COMMENTS = (
    ("runs", "progress", "in percent"),
    ("run_events", "progress", "in percent"),
    ("run_events", "attempt", "how many attempts had begun"),
    ("outlier_logs", "outlier_share", "0 to 1"),
)

_RECORD = """
create or replace function {function}() returns trigger language plpgsql as $$
begin
    insert into run_events (run_id, state, stage, {progress}) values (new.id, new.state, new.stage, {new});
    if new.state in ('completed', 'failed', 'cancelled') then
        update webhooks set due_at = now(), attempt = 0, delivered_at = null, error = null where run_id = new.id;
    end if;
    return null;
end $$
"""


def upgrade() -> None:
    """Apply this revision."""
    for table, old, new in _RENAMED:
        op.alter_column(table, old, new_column_name=new)
    op.execute("update outlier_logs set outlier_share = outlier_share / 100")
    op.add_column("run_events", sa.Column("attempt", sa.Integer(), nullable=True))
    # An attempt begins with the stage `loading`.
    op.execute(
        """
        update run_events set attempt = (
            select count(*) from run_events earlier
            where earlier.run_id = run_events.run_id and earlier.id <= run_events.id and earlier.stage = 'loading'
        )
        """
    )
    op.alter_column("run_events", "attempt", nullable=False)
    for table, column, comment in _COMMENTS:
        op.execute(f"comment on column {table}.{column} is '{comment}'")
    _rename_in_features({"reason": "why"}, {"how": "why"})
    op.execute("alter function tell_run_event() rename to record_run_event")
    op.execute(
        _RECORD.format(function="record_run_event", progress="progress, attempt", new="new.progress, new.attempt")
    )


def downgrade() -> None:
    """Revert this revision."""
    _rename_in_features({"why": "reason"}, {"why": "how"})
    for table, column, _ in _COMMENTS:
        op.execute(f"comment on column {table}.{column} is null")
    op.drop_column("run_events", "attempt")
    op.execute("update outlier_logs set outlier_share = outlier_share * 100")
    for table, old, new in _RENAMED:
        op.alter_column(table, new, new_column_name=old)
    op.execute("alter function record_run_event() rename to tell_run_event")
    op.execute(_RECORD.format(function="tell_run_event", progress="percent", new="new.percent"))


def _rename_in_features(target: dict[str, str], output: dict[str, str]) -> None:
    """Rename the sentence of the target and of each output feature inside `runs.features`."""
    [(old, new)], [(old_output, new_output)] = target.items(), output.items()
    op.execute(
        f"""
        update runs set features = jsonb_set(
            jsonb_set(
                features, '{{target}}',
                (features->'target') - '{old}' || jsonb_build_object('{new}', features->'target'->'{old}')
            ),
            '{{output_features}}',
            (
                select coalesce(
                    jsonb_agg(
                        feature - '{old_output}' || jsonb_build_object('{new_output}', feature->'{old_output}')
                    ),
                    '[]'
                )
                from jsonb_array_elements(features->'output_features') feature
            )
        )
        where features is not null and features->'target' ? '{old}' and features ? 'output_features'
        """  # noqa: S608  # the words are those of this file
    )

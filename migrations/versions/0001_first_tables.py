"""Create datasets, runs, logs, charts, reports and usage.

Revision 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "datasets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True, comment="the uploader's key for harmless repeats"),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("collaboration_id", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("database_name", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("raw_key", sa.Text(), nullable=False, comment="object: the bytes as they came"),
        sa.Column("table_key", sa.Text(), nullable=False, comment="object: the decoded table, Arrow IPC"),
        sa.Column("parse_plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("user_id", "request_id", name=op.f("uq_datasets_user_id_request_id")),
    )
    op.create_index(
        op.f("ix_datasets_collaboration_id_created_at_id"),
        "datasets",
        ["collaboration_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_datasets_created_at_id"), "datasets", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_datasets_user_id_created_at_id"), "datasets", ["user_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "user_mode_usage",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_user_mode_usage_used")),
        sa.PrimaryKeyConstraint("user_id", "mode", name=op.f("pk_user_mode_usage")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_token", sa.Uuid(), nullable=True, comment="fences off a worker that lost its lease"),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.Text(), server_default="queued", nullable=False),
        sa.Column("percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("artifacts", sa.Text(), nullable=True, comment="object prefix of the published result"),
        sa.Column(
            "summary", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="sizes of the published tables"
        ),
        sa.Column(
            "features",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="input and output features, and the target",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('queued', 'running', 'completed', 'failed', 'cancelled')", name=op.f("ck_runs_state")
        ),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_runs_dataset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_dataset_id"), "runs", ["dataset_id"], unique=False)
    op.create_index("ix_runs_due", "runs", ["queue", "due_at"], unique=False, postgresql_where="state = 'queued'")
    op.create_index("ix_runs_lease", "runs", ["lease_until"], unique=False, postgresql_where="state = 'running'")
    op.create_table(
        "cleaning_logs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("cells_changed", sa.BigInteger(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_cleaning_logs_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cleaning_logs")),
    )
    op.create_index(op.f("ix_cleaning_logs_run_id_id"), "cleaning_logs", ["run_id", "id"], unique=False)
    op.create_table(
        "cleaning_reports",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("recommendations", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_cleaning_reports_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_cleaning_reports")),
    )
    op.create_table(
        "feature_logs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("outputs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_feature_logs_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_logs")),
    )
    op.create_index(op.f("ix_feature_logs_run_id_id"), "feature_logs", ["run_id", "id"], unique=False)
    op.create_table(
        "graph_metadata",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("graph_id", sa.Text(), nullable=False, comment="names the chart within its dataset"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_graph_metadata_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_graph_metadata")),
        sa.UniqueConstraint("run_id", "graph_id", name=op.f("uq_graph_metadata_run_id_graph_id")),
    )
    op.create_table(
        "outlier_logs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lower_fence", sa.Double(), nullable=True),
        sa.Column("upper_fence", sa.Double(), nullable=True),
        sa.Column("outliers", sa.BigInteger(), nullable=False),
        sa.Column("outlier_percent", sa.Double(), nullable=False),
        sa.Column("cells_changed", sa.BigInteger(), nullable=False),
        sa.Column("rows_removed", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_outlier_logs_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlier_logs")),
    )
    op.create_index(op.f("ix_outlier_logs_run_id_id"), "outlier_logs", ["run_id", "id"], unique=False)


def downgrade() -> None:
    """Revert this revision."""
    op.drop_index(op.f("ix_outlier_logs_run_id_id"), table_name="outlier_logs")
    op.drop_table("outlier_logs")
    op.drop_table("graph_metadata")
    op.drop_index(op.f("ix_feature_logs_run_id_id"), table_name="feature_logs")
    op.drop_table("feature_logs")
    op.drop_table("cleaning_reports")
    op.drop_index(op.f("ix_cleaning_logs_run_id_id"), table_name="cleaning_logs")
    op.drop_table("cleaning_logs")
    op.drop_index("ix_runs_lease", table_name="runs", postgresql_where="state = 'running'")
    op.drop_index("ix_runs_due", table_name="runs", postgresql_where="state = 'queued'")
    op.drop_index(op.f("ix_runs_dataset_id"), table_name="runs")
    op.drop_table("runs")
    op.drop_table("user_mode_usage")
    op.drop_index(op.f("ix_datasets_user_id_created_at_id"), table_name="datasets")
    op.drop_index(op.f("ix_datasets_created_at_id"), table_name="datasets")
    op.drop_index(op.f("ix_datasets_collaboration_id_created_at_id"), table_name="datasets")
    op.drop_table("datasets")

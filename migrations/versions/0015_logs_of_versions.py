"""Keep the logs and charts of earlier versions.

Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_TABLES = ("cleaning_logs", "outlier_logs", "feature_logs", "graph_metadata")


def upgrade() -> None:
    """Apply this revision."""
    for table in _TABLES:
        comment = "which version of the results; 0 for the newest"
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="0", comment=comment))
    op.drop_constraint(op.f("uq_graph_metadata_run_id_graph_id"), "graph_metadata")
    op.create_unique_constraint(
        op.f("uq_graph_metadata_run_id_version_graph_id"), "graph_metadata", ["run_id", "version", "graph_id"]
    )


def downgrade() -> None:
    """Undo this revision; what belongs to earlier versions goes."""
    for table in _TABLES:
        op.execute(f"delete from {table} where version <> 0")  # noqa: S608 - a name of ours
    op.drop_constraint(op.f("uq_graph_metadata_run_id_version_graph_id"), "graph_metadata")
    op.create_unique_constraint(op.f("uq_graph_metadata_run_id_graph_id"), "graph_metadata", ["run_id", "graph_id"])
    for table in _TABLES:
        op.drop_column(table, "version")

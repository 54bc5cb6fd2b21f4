"""Count the uses of AI modes per user, and keep the answers of language models.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "ai_answers",
        sa.Column(
            "question_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of model, instruction, question and schema",
        ),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("question_hash", name=op.f("pk_ai_answers")),
    )
    op.add_column(
        "runs",
        sa.Column(
            "charged",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="whether it counts against a quota",
        ),
    )
    op.add_column(
        "user_mode_usage",
        sa.Column("period_start", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )


def downgrade() -> None:
    """Revert this revision."""
    op.drop_column("user_mode_usage", "period_start")
    op.drop_column("runs", "charged")
    op.drop_table("ai_answers")

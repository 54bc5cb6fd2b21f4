"""The tables; `migrations/` brings a database to this schema, and a test compares the two."""

from typing import get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.contracts.vocabulary import Role, RunState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _time(name: str, *, nullable: bool = True, now: bool = False, comment: str | None = None) -> Column[object]:
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default, comment=comment)


def _run_key() -> Column[object]:
    return Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False)


def _version() -> Column[int]:
    comment = "which version of the results; 0 for the newest"
    return Column("version", Integer, nullable=False, server_default="0", comment=comment)


datasets = Table(
    "datasets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request_id", Text, comment="the uploader's key for harmless repeats"),
    Column("user_id", Text, nullable=False),
    # Deferred, because an accepted dataset may begin its collaboration.
    Column("collaboration_id", Text, ForeignKey("collaborations.id", deferrable=True, initially="DEFERRED")),
    Column("filename", Text, nullable=False),
    Column("database_name", Text, nullable=False),
    Column("source_url", Text),
    Column("mode", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("raw_key", Text, nullable=False, comment="object: the bytes as they came"),
    Column("table_key", Text, nullable=False, comment="object: the decoded table, Arrow IPC"),
    Column("parse_plan", JSONB, nullable=False),
    _time("created_at", nullable=False, now=True),
    UniqueConstraint("user_id", "request_id"),
    Index(None, "user_id", "created_at", "id"),
    Index(None, "collaboration_id", "created_at", "id"),
    Index(None, "created_at", "id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, ForeignKey("datasets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("queue", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    _time("due_at", nullable=False, now=True),
    Column("lease_token", Uuid, comment="fences off a worker that lost its lease"),
    _time("lease_until"),
    Column("stage", Text, nullable=False, server_default="queued"),
    Column("progress", Integer, nullable=False, server_default="0", comment="in percent"),
    Column("error_reason", Text),
    Column("error_detail", Text),
    Column("artifacts", Text, comment="object prefix of the published result"),
    Column("summary", JSONB, comment="sizes of the published tables"),
    Column("features", JSONB, comment="input and output features, and the target"),
    _time("turn_at", nullable=False, now=True, comment="its place in the queue: later for an owner who has much in it"),
    Column("crashes", Integer, nullable=False, server_default="0", comment="how many of its workers fell silent"),
    Column("charged", Boolean, nullable=False, server_default=false(), comment="whether it counts against a quota"),
    _time("charged_in", comment="start of the period in which it counts; unset in runs from before revision 0005"),
    Column("traceparent", Text, comment="trace context of the request that queued it"),
    _time("created_at", nullable=False, now=True),
    _time("updated_at", nullable=False, now=True),
    _time("started_at"),
    _time("finished_at"),
    CheckConstraint(f"state in {get_args(RunState)}", name="state"),
    Index("ix_runs_due", "queue", "turn_at", postgresql_where="state = 'queued'"),
    Index("ix_runs_finished", "state", "finished_at", postgresql_where="finished_at is not null"),
    Index("ix_runs_lease", "lease_until", postgresql_where="state = 'running'"),
)

versions = Table(
    "versions",
    metadata,
    Column("dataset_id", Uuid, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("artifacts", Text, nullable=False, comment="object prefix of the result"),
    Column("options", JSONB, nullable=False),
    Column("summary", JSONB, comment="sizes of the tables"),
    Column("features", JSONB, comment="input and output features, and the target"),
    Column("author", Text, nullable=False, comment="the user who asked for it"),
    _time("created_at", nullable=False, now=True),
)

run_events = Table(
    "run_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _run_key(),
    Column("state", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("progress", Integer, nullable=False, comment="in percent"),
    Column("attempt", Integer, nullable=False, comment="how many attempts had begun"),
    _time("created_at", nullable=False, now=True),
    Index(None, "run_id", "id"),
)

cleaning_logs = Table(
    "cleaning_logs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _run_key(),
    _version(),
    Column("step", Integer, nullable=False),
    Column("column", Text),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("cells_changed", BigInteger, nullable=False),
    Column("parameters", JSONB, nullable=False),
    _time("created_at", nullable=False, now=True),
    Index(None, "run_id", "id"),
)

outlier_logs = Table(
    "outlier_logs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _run_key(),
    _version(),
    Column("step", Integer, nullable=False),
    Column("column", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("table", Text, nullable=False, server_default="cleaned", comment="cleaned for both tables, or engineered"),
    Column("state", Text, nullable=False),
    Column("lower", Double),
    Column("upper", Double),
    Column("outliers", BigInteger, nullable=False),
    Column("outlier_share", Double, nullable=False, comment="0 to 1"),
    Column("cells_changed", BigInteger, nullable=False),
    Column("rows_removed", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    _time("created_at", nullable=False, now=True),
    Index(None, "run_id", "id"),
)

feature_logs = Table(
    "feature_logs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _run_key(),
    _version(),
    Column("step", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("columns", ARRAY(Text), nullable=False),
    Column("outputs", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("parameters", JSONB, nullable=False),
    _time("created_at", nullable=False, now=True),
    Index(None, "run_id", "id"),
)

graph_metadata = Table(
    "graph_metadata",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _run_key(),
    _version(),
    Column("graph_id", Text, nullable=False, comment="names the chart within its dataset"),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("columns", ARRAY(Text), nullable=False),
    _time("created_at", nullable=False, now=True),
    UniqueConstraint("run_id", "version", "graph_id"),
)

cleaning_reports = Table(
    "cleaning_reports",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("mode", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("recommendations", Text, nullable=False),
    Column("author", Text, nullable=False),
    _time("created_at", nullable=False, now=True),
)

user_mode_usage = Table(
    "user_mode_usage",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("used", Integer, nullable=False, server_default="0"),
    _time("updated_at", nullable=False, now=True),
    _time("period_start", nullable=False, now=True),
    CheckConstraint("used >= 0", name="used"),
)

hash_keys = Table(
    "hash_keys",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    _time("created_at", nullable=False, now=True),
)

recipes = Table(
    "recipes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("dataset_id", Uuid, comment="not a key: the recipe outlives the dataset"),
    Column("content", LargeBinary, nullable=False, comment="the recipe as JSON"),
    _time("created_at", nullable=False, now=True),
    UniqueConstraint("user_id", "name", "version"),
    Index(None, "user_id", "created_at", "id"),
)

comments = Table(
    "comments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("dataset_id", Uuid, ForeignKey("datasets.id", ondelete="CASCADE"), nullable=False),
    Column("author", Text, nullable=False, comment="the user who wrote it"),
    Column("text", Text, nullable=False),
    Column("step", Integer, comment="the step it is about"),
    Column("column", Text, comment="the column it is about"),
    Column("row", BigInteger, comment="with the column the cell it is about, from 1"),
    Column("version", Integer, nullable=False, comment="the newest result when it was written; 0 for none"),
    _time("created_at", nullable=False, now=True),
    Column("resolved_by", Text, comment="the user who settled it"),
    _time("resolved_at"),
    Index(None, "dataset_id", "created_at", "id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("run_id", Uuid, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    _time("due_at", comment="unset while there is nothing to tell"),
    _time("delivered_at"),
    Column("error", Text, comment="why the last attempt failed"),
    Index("ix_webhooks_due", "due_at", postgresql_where="due_at is not null"),
)

ai_answers = Table(
    "ai_answers",
    metadata,
    Column("question_hash", Text, primary_key=True, comment="SHA-256 of model, instruction, question and schema"),
    Column("answer", Text, nullable=False),
    _time("created_at", nullable=False, now=True),
    Column("dataset_id", Uuid, ForeignKey("datasets.id", ondelete="CASCADE"), index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True, comment="the public part of the key"),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256 of the whole key"),
    Column("user_id", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    _time("created_at", nullable=False, now=True),
    _time("expires_at"),
    _time("last_used_at"),
    _time("revoked_at"),
)

collaborations = Table(
    "collaborations",
    metadata,
    Column("id", Text, primary_key=True),
    _time("created_at", nullable=False, now=True),
)

collaboration_members = Table(
    "collaboration_members",
    metadata,
    Column("collaboration_id", Text, ForeignKey("collaborations.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Text, primary_key=True, index=True),
    Column("role", Text, nullable=False),
    _time("created_at", nullable=False, now=True),
    CheckConstraint(f"role in {get_args(Role)}", name="role"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _time("created_at", nullable=False, now=True),
    Column("action", Text, nullable=False, comment="the rpc"),
    Column("outcome", Text, nullable=False, comment="ok, or the reason of the refusal or failure"),
    Column("caller_kind", Text, nullable=False),
    Column("caller_id", Text, nullable=False, comment="the user or process that called"),
    Column("key_id", Text, nullable=False, comment="the API key it used; empty for none"),
    Column("address", Text, nullable=False, comment="where the call came from"),
    Column("request_id", Text, nullable=False),
    Column("owner_id", Text, nullable=False, comment="the owner of what it was about, who may read this"),
    Column("dataset_id", Text, nullable=False, comment="not a key: the trail outlives the dataset"),
    Column("collaboration_id", Text, nullable=False),
    Column("member", Text, nullable=False, comment="of the collaboration, and its new role"),
    Index(None, "owner_id", "id"),
    Index(None, "created_at"),
)

"""Profile, ledger and rejects from protobuf to JSON models; pure."""

from google.protobuf.message import Message

from gateway.convert.values import finite, plain_struct
from gateway.schemas import results as schemas
from gateway.schemas.datasets import Target
from shared.pb.neuralearn.report.v1 import profile_pb2 as pb
from shared.pb.neuralearn.report.v1 import report_pb2 as report

_SEVERITIES = {
    pb.ALERT_SEVERITY_INFO: "info",
    pb.ALERT_SEVERITY_WARNING: "warning",
    pb.ALERT_SEVERITY_ERROR: "error",
}


def profile(dataset_id: str, profile: pb.Profile) -> schemas.Profile:
    """What is known about the uploaded table."""
    return schemas.Profile(
        dataset_id=dataset_id,
        rows=profile.rows,
        duplicate_rows=profile.duplicate_rows,
        time_column=profile.time_column or None,
        target=Target(
            column=profile.target.column or None,
            confidence=finite(profile.target.confidence) or 0.0,
            reason=profile.target.reason,
        ),
        quality=_quality(profile.quality) if profile.HasField("quality") else None,
        alerts=[_alert(alert) for alert in profile.alerts],
        columns=[_column(column) for column in profile.columns],
        correlations=[
            schemas.CorrelatedPair(first=pair.first, second=pair.second, coefficient=pair.coefficient)
            for pair in profile.correlations
        ],
        correlation_rows=profile.correlation_rows,
    )


def change_page(dataset_id: str, answer: report.ListChangesResponse) -> schemas.ChangePage:
    """A page of the ledger."""
    changes = [
        schemas.Change(
            row=one.row,
            column=one.column,
            before=one.before if one.HasField("before") else None,
            after=one.after if one.HasField("after") else None,
            step=one.step,
            rule=one.rule,
            confidence=finite(one.confidence) or 0.0,
        )
        for one in answer.changes
    ]
    return schemas.ChangePage(
        dataset_id=dataset_id,
        changes=changes,
        total_changes=answer.total_changes,
        next_page_token=answer.next_page_token or None,
    )


def reject_page(dataset_id: str, answer: report.ListRejectsResponse) -> schemas.RejectPage:
    """A page of the lines that could not be read."""
    return schemas.RejectPage(
        dataset_id=dataset_id,
        rejects=[schemas.Reject(line=one.line, reason=one.reason, text=one.text) for one in answer.rejects],
        total_rejects=answer.total_rejects,
        next_page_token=answer.next_page_token or None,
    )


def _quality(quality: pb.Quality) -> schemas.Quality:
    parts = [
        schemas.QualityPart(name=one.name, score=one.score, faults=one.faults, total=one.total, reason=one.reason)
        for one in quality.parts
    ]
    return schemas.Quality(score=quality.score, parts=parts)


def _alert(alert: pb.Alert) -> schemas.Alert:
    return schemas.Alert.model_validate(
        {
            "kind": alert.kind,
            "column": alert.column or None,
            "severity": _SEVERITIES.get(alert.severity, "info"),
            "message": alert.message,
            "affected": alert.affected,
        }
    )


def _column(column: pb.ColumnProfile) -> schemas.ColumnProfile:
    return schemas.ColumnProfile.model_validate(
        {
            **_fields(column, "name", "position", "type", "storage", "evidence", "missing", "distinct", "unfit"),
            "read_as": plain_struct(column.read_as) if column.HasField("read_as") else None,
            "unfit_examples": list(column.unfit_examples),
            "meaning": column.meaning or None,
            "doubt": column.doubt or None,
            "monotonic": column.monotonic or None,
            "duplicate_of": column.duplicate_of or None,
            "sentinels": [_fields(one, "value", "count") for one in column.sentinels],
            "spellings": [_fields(one, "before", "after", "count") for one in column.spellings],
            "spelling_count": column.spelling_count,
            "top_values": [_fields(one, "value", "count") for one in column.top_values],
            "numbers": _numbers(column.numbers) if column.HasField("numbers") else None,
            "moments": _moments(column.moments) if column.HasField("moments") else None,
            "text": _texts(column.text) if column.HasField("text") else None,
        }
    )


def _numbers(numbers: pb.NumberSummary) -> dict[str, object]:
    moments = ("minimum", "maximum", "mean", "std", "median", "q1", "q3", "skew", "kurtosis", "decimals")
    fences = {name: _fences(getattr(numbers, name)) for name in ("iqr", "zscore")}
    return {**_optional(numbers, *moments), "zero_share": numbers.zero_share, **fences}


def _fences(fences: pb.Fences) -> dict[str, object]:
    return {**_optional(fences, "lower", "upper"), **_fields(fences, "outside", "shape", "spared")}


def _moments(moments: pb.MomentSummary) -> dict[str, object]:
    ends = {name: getattr(moments, name) or None for name in ("first", "last", "median")}
    return {**ends, "has_time": moments.has_time}


def _texts(text: pb.TextSummary) -> dict[str, object]:
    return _fields(text, "shortest", "longest", "mean", "spaced_share")


def _fields(message: Message, *names: str) -> dict[str, object]:
    """The fields by their names, which are the same in the contract and in JSON."""
    return {name: getattr(message, name) for name in names}


def _optional(message: Message, *names: str) -> dict[str, object]:
    """The same of fields that may be absent."""
    return {name: getattr(message, name) if message.HasField(name) else None for name in names}

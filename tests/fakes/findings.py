"""The part of the fake ReportService that answers about the table: profile, recipe, changes and rejects."""

from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct

from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.report.v1 import profile_pb2, report_pb2, report_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
DRIFT = (
    b'{"verdict":"stable","summary":"None of 0 columns moved.","rows":[3,2],"columns":[],"new_columns":["b"],'
    b'"missing_columns":[],"steps":[]}'
)
RECIPE = b'{"version":1,"target":{"column":null,"confidence":0.0,"why":"none"},"steps":[],"seed":9007199254740993}'


class FakeFindings(report_pb2_grpc.ReportServiceServicer):
    """Answers about a dataset that `_check_exists` accepts, and records the requests for pages."""

    pages: list[Any]

    def _check_exists(self, dataset_id: str) -> None:
        raise NotImplementedError

    async def GetProfile(
        self, request: report_pb2.GetProfileRequest, context: Context
    ) -> report_pb2.GetProfileResponse:
        """Return a profile of two columns, one of them with few fields set."""
        self._check_exists(request.dataset_id)
        return report_pb2.GetProfileResponse(profile=profile(), etag="p1")

    async def GetRecipe(self, request: report_pb2.GetRecipeRequest, context: Context) -> report_pb2.GetRecipeResponse:
        """Return an empty recipe with a number that a double can't represent."""
        self._check_exists(request.dataset_id)
        return report_pb2.GetRecipeResponse(content=RECIPE, media_type="application/json", etag="r1")

    async def GetDrift(self, request: report_pb2.GetDriftRequest, context: Context) -> report_pb2.GetDriftResponse:
        """Return the drift of a table without columns."""
        self._check_exists(request.dataset_id)
        return report_pb2.GetDriftResponse(content=DRIFT, media_type="application/json", etag="d1")

    async def ListDifferences(
        self, request: report_pb2.ListDifferencesRequest, context: Context
    ) -> report_pb2.ListDifferencesResponse:
        """Return one difference of two."""
        self._check_exists(request.dataset_id)
        self.pages.append(request)
        difference = report_pb2.Difference(row=2, column="a", before="1", kind=report_pb2.DIFFERENCE_KIND_CHANGED)
        return report_pb2.ListDifferencesResponse(differences=[difference], total_differences=2)

    async def ListVersions(
        self, request: report_pb2.ListVersionsRequest, context: Context
    ) -> report_pb2.ListVersionsResponse:
        """Return one version with a step switched off."""
        self._check_exists(request.dataset_id)
        version = report_pb2.Version(version=2, author="ada", mode=common.MODE_FAST, switched_off=[3], cells_changed=7)
        return report_pb2.ListVersionsResponse(versions=[version], next_page_token="more")

    async def ListChanges(
        self, request: report_pb2.ListChangesRequest, context: Context
    ) -> report_pb2.ListChangesResponse:
        """Return two changes of three."""
        self._check_exists(request.dataset_id)
        self.pages.append(request)
        changes = [
            report_pb2.Change(
                row=2**53 + 1,
                column="price",
                before="$1",
                after="1",
                step=1,
                rule="r",
                confidence=0.9,
                kind=report_pb2.CHANGE_KIND_RESTYLED,
            ),
            report_pb2.Change(row=4, column="price", before="", step=1, rule="r", confidence=0.9),
        ]
        return report_pb2.ListChangesResponse(changes=changes, next_page_token="more", total_changes=3)

    async def QueryRows(self, request: report_pb2.QueryRowsRequest, context: Context) -> report_pb2.QueryRowsResponse:
        """Return a row with a value of each kind."""
        self._check_exists(request.dataset_id)
        self.pages.append(request)
        columns = [report_pb2.RowColumn(name=name, type="string") for name in ("a", "b", "c", "d")]
        response = report_pb2.QueryRowsResponse(columns=columns, total_rows=7)
        response.rows.add().extend([1, 2.5, "x", None])
        if request.changes:
            response.row_numbers.append(17)
            response.changes.add(row=17, column="c", before="X", after="x", step=2, rule="spelling", confidence=0.9)
            response.next_change = 5
        return response

    async def ListRejects(
        self, request: report_pb2.ListRejectsRequest, context: Context
    ) -> report_pb2.ListRejectsResponse:
        """Return a reject."""
        self._check_exists(request.dataset_id)
        self.pages.append(request)
        reject = report_pb2.Reject(line=812, why="7 fields where the header has 3", text="a;b")
        return report_pb2.ListRejectsResponse(rejects=[reject], total_rejects=1)


def profile() -> profile_pb2.Profile:
    """Return a profile with a column that has all fields set, and one that has hardly any."""
    read_as = Struct()
    read_as.update({"kind": "decimal", "decimal_mark": ","})
    price = profile_pb2.ColumnProfile(
        name="price",
        position=1,
        type="decimal",
        storage="decimal",
        why="All 3 cells are numbers.",
        read_as=read_as,
        missing=1,
        distinct=2,
        invalid=1,
        invalid_examples=["?"],
        sentinels=[profile_pb2.Sentinel(value=999, count=1)],
        spellings=[profile_pb2.Spelling(before="a", after="A", count=1)],
        spelling_count=1,
        top_values=[profile_pb2.ValueCount(value="1.5", count=2)],
        numbers=profile_pb2.NumberSummary(minimum=0.0, iqr=profile_pb2.Fences(upper=9.0, shape="even")),
        timestamps=profile_pb2.TimestampSummary(first="2024-01-01T00:00:00"),
        text=profile_pb2.TextSummary(longest=3),
    )
    return profile_pb2.Profile(
        rows=3,
        target=profile_pb2.Target(why="no column looks like one"),
        quality=profile_pb2.Quality(
            score=98.5, parts=[profile_pb2.QualityPart(name="completeness", score=90.0, faults=1, total=6)]
        ),
        alerts=[
            profile_pb2.Alert(kind="few_rows", severity=profile_pb2.ALERT_SEVERITY_WARNING, why="3 rows."),
            profile_pb2.Alert(kind="new", column="price", severity=profile_pb2.ALERT_SEVERITY_ERROR, affected=2),
        ],
        columns=[price, profile_pb2.ColumnProfile(name="city", position=2, type="empty", storage="text")],
        correlations=[profile_pb2.CorrelatedPair(first="price", second="tax", coefficient=-0.5)],
        correlation_rows=3,
    )

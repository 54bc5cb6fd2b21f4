"""gRPC servicer of ReportService: converts requests, calls the use cases, converts results."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc

from report_service import convert
from report_service.service import Reports
from shared.db.dataset_ids import parse_dataset_id
from shared.pb.neuralearn.report.v1 import report_pb2 as pb
from shared.pb.neuralearn.report.v1 import report_pb2_grpc as rpc
from shared.rpc.auth_interceptor import current_caller
from shared.rpc.server import Service

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class ReportServicer(rpc.ReportServiceServicer):
    """The gRPC servicer of ReportService."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    async def GetTable(self, request: pb.GetTableRequest, context: Context) -> pb.GetTableResponse:
        choice = convert.parse_table_choice(request)
        file = await self._reports.find_table(parse_dataset_id(request.dataset_id), choice)
        return convert.table_message(file, link=await self._reports.create_link(file))

    async def DownloadTable(
        self, request: pb.DownloadTableRequest, context: Context
    ) -> AsyncIterator[pb.DownloadTableResponse]:
        pieces = self._reports.read_table(
            parse_dataset_id(request.dataset_id),
            convert.parse_table_choice(request),
            offset=request.offset,
            length=request.length,
        )
        async with aclosing(pieces) as chunks:
            async for chunk in chunks:
                yield pb.DownloadTableResponse(chunk=chunk)

    async def ListGraphs(self, request: pb.ListGraphsRequest, context: Context) -> pb.ListGraphsResponse:
        page = await self._reports.list_graphs(
            parse_dataset_id(request.dataset_id),
            request.version,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        graphs = [convert.graph_message(graph) for graph in page.rows]
        return pb.ListGraphsResponse(graphs=graphs, next_page_token=page.next_token)

    async def GetGraph(self, request: pb.GetGraphRequest, context: Context) -> pb.GetGraphResponse:
        format = convert.parse_graph_format(request)
        dataset_id = parse_dataset_id(request.dataset_id)
        picture = await self._reports.get_graph(dataset_id, request.graph_id, request.version, format=format)
        return convert.picture_message(picture, format=format)

    async def DownloadGraphs(
        self, request: pb.DownloadGraphsRequest, context: Context
    ) -> AsyncIterator[pb.DownloadGraphsResponse]:
        format = convert.parse_graph_format(request)
        pieces = self._reports.zip_graphs(parse_dataset_id(request.dataset_id), request.version, format=format)
        async with aclosing(pieces) as chunks:
            async for chunk in chunks:
                yield pb.DownloadGraphsResponse(chunk=chunk)

    async def GetProfile(self, request: pb.GetProfileRequest, context: Context) -> pb.GetProfileResponse:
        return convert.profile_message(
            await self._reports.get_profile(parse_dataset_id(request.dataset_id), request.version)
        )

    async def GetRecipe(self, request: pb.GetRecipeRequest, context: Context) -> pb.GetRecipeResponse:
        return convert.recipe_message(
            await self._reports.get_recipe(parse_dataset_id(request.dataset_id), request.version)
        )

    async def GetDrift(self, request: pb.GetDriftRequest, context: Context) -> pb.GetDriftResponse:
        return convert.drift_message(
            await self._reports.get_drift(parse_dataset_id(request.dataset_id), request.version)
        )

    async def ListVersions(self, request: pb.ListVersionsRequest, context: Context) -> pb.ListVersionsResponse:
        page = await self._reports.list_versions(
            parse_dataset_id(request.dataset_id), page_size=request.page_size, page_token=request.page_token
        )
        versions = [convert.version_message(record) for record in page.rows]
        return pb.ListVersionsResponse(versions=versions, next_page_token=page.next_token)

    async def ListDifferences(self, request: pb.ListDifferencesRequest, context: Context) -> pb.ListDifferencesResponse:
        before, after = convert.parse_compared_versions(request)
        await self._reports.require_access(before.dataset_id, current_caller())
        page = await self._reports.list_differences(
            before,
            after,
            column=request.column,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return convert.differences_message(page)

    async def ListChanges(self, request: pb.ListChangesRequest, context: Context) -> pb.ListChangesResponse:
        page = await self._reports.list_changes(
            parse_dataset_id(request.dataset_id),
            convert.parse_change_filter(request),
            page_size=request.page_size,
            page_token=request.page_token,
            version=request.version,
        )
        return convert.changes_message(page)

    async def ListRejects(self, request: pb.ListRejectsRequest, context: Context) -> pb.ListRejectsResponse:
        page = await self._reports.list_rejects(
            parse_dataset_id(request.dataset_id), page_size=request.page_size, page_token=request.page_token
        )
        return convert.rejects_message(page)

    async def QueryRows(self, request: pb.QueryRowsRequest, context: Context) -> pb.QueryRowsResponse:
        table = convert.parse_queried_table(request)
        query = convert.row_query(request)
        rows = await self._reports.query_rows(parse_dataset_id(request.dataset_id), table, query, request.version)
        return convert.queried_rows_message(rows)

    async def GetFeatures(self, request: pb.GetFeaturesRequest, context: Context) -> pb.GetFeaturesResponse:
        manifest = await self._reports.get_features(parse_dataset_id(request.dataset_id), request.version)
        return convert.features_message(manifest)

    async def ListCleaningLogs(
        self, request: pb.ListCleaningLogsRequest, context: Context
    ) -> pb.ListCleaningLogsResponse:
        page = await self._reports.list_cleaning_logs(
            parse_dataset_id(request.dataset_id),
            request.version,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        logs = [convert.log_message(row, pb.CleaningLog) for row in page.rows]
        return pb.ListCleaningLogsResponse(logs=logs, next_page_token=page.next_token)

    async def ListOutlierLogs(self, request: pb.ListOutlierLogsRequest, context: Context) -> pb.ListOutlierLogsResponse:
        page = await self._reports.list_outlier_logs(
            parse_dataset_id(request.dataset_id),
            request.version,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        logs = [convert.log_message(row, pb.OutlierLog) for row in page.rows]
        return pb.ListOutlierLogsResponse(logs=logs, next_page_token=page.next_token)

    async def ListFeatureLogs(self, request: pb.ListFeatureLogsRequest, context: Context) -> pb.ListFeatureLogsResponse:
        page = await self._reports.list_feature_logs(
            parse_dataset_id(request.dataset_id),
            request.version,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        logs = [convert.log_message(row, pb.FeatureLog) for row in page.rows]
        return pb.ListFeatureLogsResponse(logs=logs, next_page_token=page.next_token)

    async def GetCleaningReport(
        self, request: pb.GetCleaningReportRequest, context: Context
    ) -> pb.GetCleaningReportResponse:
        dataset_id = parse_dataset_id(request.dataset_id)
        row = await self._reports.get_cleaning_report(dataset_id)
        return pb.GetCleaningReportResponse(report=convert.report_message(dataset_id, row))

    async def GetHtmlReport(self, request: pb.GetHtmlReportRequest, context: Context) -> pb.GetHtmlReportResponse:
        file = await self._reports.get_html_report(parse_dataset_id(request.dataset_id), request.version)
        return convert.html_report_message(file)

    async def ListCollaborationGraphs(
        self, request: pb.ListCollaborationGraphsRequest, context: Context
    ) -> pb.ListCollaborationGraphsResponse:
        page = await self._reports.list_collaboration_graphs(
            request.collaboration_id, page_size=request.page_size, page_token=request.page_token
        )
        graphs = [convert.graph_message(graph) for graph in page.rows]
        return pb.ListCollaborationGraphsResponse(graphs=graphs, next_page_token=page.next_token)

    async def ListCleanedDatasets(
        self, request: pb.ListCleanedDatasetsRequest, context: Context
    ) -> pb.ListCleanedDatasetsResponse:
        page = await self._reports.list_cleaned_datasets(
            request.collaboration_id, page_size=request.page_size, page_token=request.page_token
        )
        datasets = [convert.cleaned_dataset_message(dataset) for dataset in page.rows]
        return pb.ListCleanedDatasetsResponse(datasets=datasets, next_page_token=page.next_token)


def service(reports: Reports) -> Service:
    """Return ReportService for a gRPC server."""
    name = "neuralearn.report.v1.ReportService"
    return Service(name, lambda server: rpc.add_ReportServiceServicer_to_server(ReportServicer(reports), server))

"""ReportService, the read side: results of preparations as rows, tables, charts and logs.

It holds the use cases of reading, the renditions made on demand (CSV tables, charts, pages of rows) and the gRPC
servicer. It changes no dataset and no run; preparing data is the work of `worker_service`, and accepting it that of
`ingest_service`.
"""

"""IngestService: receives, decodes and stores datasets, and queues their preparation.

It holds the use cases of uploads and accepted datasets and their gRPC servicer. How files become tables is in
`decoding`; database, object store and queue are in `shared`; cleaning data is the work of `worker_service`.
"""

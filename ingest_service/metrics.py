"""Metrics of IngestService."""

from prometheus_client import Counter

UPLOAD_BYTES = Counter("neuralearn_upload_bytes", "Bytes of the files that were accepted.")
DATASETS = Counter("neuralearn_datasets_accepted", "Datasets that were accepted.", ["mode"])

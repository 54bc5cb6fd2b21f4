"""Tests of IngestService over gRPC, with real servers."""

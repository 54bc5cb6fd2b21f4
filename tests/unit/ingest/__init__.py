"""Unit tests of IngestService; its tests with a database and an object store are integration tests."""

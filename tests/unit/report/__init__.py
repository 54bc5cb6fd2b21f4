"""Unit tests of ReportService; its tests with a database and an object store are integration tests."""

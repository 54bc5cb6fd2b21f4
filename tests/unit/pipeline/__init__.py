"""Unit tests of PipelineService."""

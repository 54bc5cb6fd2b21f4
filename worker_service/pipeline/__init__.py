"""PipelineService: starts, cancels and watches runs, and keeps house beside it. Nothing here prepares a table."""

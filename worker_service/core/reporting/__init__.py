"""Reports about a prepared table: alerts, quality, features, charts as data, the written report.

Facts are measured in `core.profile`, decisions belong to the planner, and pictures to the report service.
"""

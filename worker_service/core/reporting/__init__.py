"""What is said about a prepared table: alerts, quality, features, charts as data, the written report."""

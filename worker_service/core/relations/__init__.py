"""What holds between columns or between rows: dependencies, duplicates, leakage, missingness, the target."""

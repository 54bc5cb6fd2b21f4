"""Statistics of one column or a pair: summaries, outlier fences, correlation. No decision is made here."""

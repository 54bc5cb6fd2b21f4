"""The read side: what preparations produced, as rows, tables and pictures."""

"""The table itself: a frame of Arrow columns, its distinct values, and how a value is written as text."""

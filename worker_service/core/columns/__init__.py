"""The facts about one column: type, semantic type, sentinels, spellings, decimal shifts, and its profile.

Reading text as values belongs to `core.parsing`, figures to `core.stats`, and relations between columns to
`core.relations`.
"""

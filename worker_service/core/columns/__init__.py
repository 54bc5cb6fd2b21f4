"""What one column holds: its type, semantic type, sentinels, spellings, decimal shifts, and its profile.

Relations between columns belong to `core.relations`.
"""

"""Who calls and what the caller may do: credentials, the table of permissions, and their check.

Nothing here knows a transport: `shared/rpc` takes credentials from calls, `shared/db` keeps keys and members.
"""

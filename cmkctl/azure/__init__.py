"""What Azure is, and no decision: clouds, ids, api-versions, named comparisons, errors, the session, operations, tapes."""

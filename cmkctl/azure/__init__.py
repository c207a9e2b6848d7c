"""Access to Azure, without decisions: clouds, ids, api-versions, comparisons, errors, session, operations, tapes."""

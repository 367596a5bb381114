"""Long searches and confirmations: a queue in the database, and the servers and processes that work it off."""

-- What agents are doing, schema 1. Times are milliseconds since 1970-01-01 UTC. An agent without a row was never started.

CREATE TABLE agents (
  id      TEXT PRIMARY KEY NOT NULL,
  status  TEXT NOT NULL,     -- running or stopped
  since   INTEGER NOT NULL,
  context TEXT,              -- what it was started for, while it is running
  reason  TEXT               -- why the registry stopped it, where nobody else did
) STRICT, WITHOUT ROWID;

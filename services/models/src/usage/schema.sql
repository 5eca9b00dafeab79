-- The usage, schema 1. Times are milliseconds since 1970-01-01 UTC.

-- What the calls of one minute took, for each combination of who asked and who was asked.
CREATE TABLE usage (
  minute           INTEGER NOT NULL,  -- when it began
  caller           TEXT NOT NULL,
  agent            TEXT NOT NULL,     -- empty: no agent asked
  job              TEXT NOT NULL,     -- empty: no job
  provider         TEXT NOT NULL,
  model            TEXT NOT NULL,
  requests         INTEGER NOT NULL,
  failed           INTEGER NOT NULL,
  estimated        INTEGER NOT NULL,
  unpriced         INTEGER NOT NULL,
  input_tokens     INTEGER NOT NULL,
  output_tokens    INTEGER NOT NULL,
  cached_tokens    INTEGER NOT NULL,  -- part of input_tokens
  reasoning_tokens INTEGER NOT NULL,  -- part of output_tokens
  nanos            INTEGER NOT NULL,  -- billionths of a US dollar
  PRIMARY KEY (minute, caller, agent, job, provider, model)
) STRICT, WITHOUT ROWID;

-- The journal, schema 1. Times are milliseconds since 1970-01-01 UTC; JSON is text.

-- Small rows, so that lists stay fast; what is large is in inputs and reports.
CREATE TABLE jobs (
  id             TEXT PRIMARY KEY NOT NULL,  -- UUIDv7: sorts by creation
  event          TEXT NOT NULL,
  state          TEXT NOT NULL,
  source         TEXT NOT NULL,
  subject        TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  created_at     INTEGER NOT NULL,
  started_at     INTEGER,
  finished_at    INTEGER,
  decision_id    TEXT REFERENCES decisions (id),
  report_file    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_event ON jobs (event, id);
CREATE INDEX jobs_by_state ON jobs (state, id);

CREATE TABLE inputs (
  job_id   TEXT PRIMARY KEY NOT NULL REFERENCES jobs (id),
  strategy TEXT NOT NULL,  -- as it was when the job was accepted
  payload  TEXT NOT NULL,
  context  TEXT NOT NULL
) STRICT;

CREATE TABLE steps (
  job_id        TEXT NOT NULL REFERENCES jobs (id),
  position      INTEGER NOT NULL,  -- from 0, in the order of the strategy
  agent_id      TEXT NOT NULL,
  state         TEXT NOT NULL,
  attempts      INTEGER NOT NULL DEFAULT 0,
  started_at    INTEGER,
  finished_at   INTEGER,
  review        TEXT,
  error         TEXT NOT NULL DEFAULT '',
  code          TEXT NOT NULL DEFAULT '',
  provider      TEXT NOT NULL DEFAULT '',
  model         TEXT NOT NULL DEFAULT '',
  input_tokens  INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job_id, position),
  UNIQUE (job_id, agent_id)
) STRICT, WITHOUT ROWID;

-- What watchers are told, in order.
CREATE TABLE events (
  job_id   TEXT NOT NULL REFERENCES jobs (id),
  sequence INTEGER NOT NULL,  -- from 1, without gaps
  kind     TEXT NOT NULL,
  at       INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  message  TEXT NOT NULL,
  data     TEXT NOT NULL,
  PRIMARY KEY (job_id, sequence)
) STRICT, WITHOUT ROWID;

-- One row per decision key, for ever: the promise that nothing is decided twice.
CREATE TABLE decisions (
  id         TEXT PRIMARY KEY NOT NULL,
  key        TEXT NOT NULL UNIQUE,
  job_id     TEXT NOT NULL REFERENCES jobs (id),
  action     TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  decision   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_job ON decisions (job_id);

-- Which event a delivery was, so that the same one again is the same job.
CREATE TABLE deliveries (
  key         TEXT PRIMARY KEY NOT NULL,
  job_id      TEXT NOT NULL REFERENCES jobs (id),
  body_hash   TEXT NOT NULL,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notes (
  job_id   TEXT NOT NULL REFERENCES jobs (id),
  position INTEGER NOT NULL,
  note     TEXT NOT NULL,
  PRIMARY KEY (job_id, position),
  UNIQUE (job_id, note)
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (
  job_id   TEXT PRIMARY KEY NOT NULL REFERENCES jobs (id),
  markdown TEXT NOT NULL
) STRICT;

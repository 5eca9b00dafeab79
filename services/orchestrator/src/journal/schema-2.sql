-- Schema 2.

-- What this job's own facts came to, where `decision_id` names a decision that another job made first.
ALTER TABLE jobs ADD COLUMN verdict TEXT;

-- The W3C trace of the call that submitted the event, if it had one: the job's work goes on in it.
ALTER TABLE jobs ADD COLUMN traceparent TEXT;

-- How many runs of the job failed outside of its steps; after too many it is set aside.
ALTER TABLE jobs ADD COLUMN failed_runs INTEGER NOT NULL DEFAULT 0;

-- Jobs are forgotten some time after their end, and decisions are not: `job_id` may name a job that is gone.
CREATE TABLE decisions_2 (
  id         TEXT PRIMARY KEY NOT NULL,
  key        TEXT NOT NULL UNIQUE,
  job_id     TEXT NOT NULL,
  action     TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  decision   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO decisions_2 SELECT id, key, job_id, action, decided_at, decision FROM decisions;
DROP TABLE decisions;
ALTER TABLE decisions_2 RENAME TO decisions;
CREATE INDEX decisions_by_job ON decisions (job_id);
-- What a job that is forgotten takes with it is found without reading everything.
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX deliveries_by_job ON deliveries (job_id);

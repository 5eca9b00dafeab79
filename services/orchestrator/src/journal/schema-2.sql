-- Schema 2.

-- What this job's own facts came to, where `decision_id` names a decision that another job made first.
ALTER TABLE jobs ADD COLUMN verdict TEXT;

-- The W3C trace of the call that submitted the event, if it had one: the job's work goes on in it.
ALTER TABLE jobs ADD COLUMN traceparent TEXT;

-- How many runs of the job failed outside of its steps; after too many it is set aside.
ALTER TABLE jobs ADD COLUMN failed_runs INTEGER NOT NULL DEFAULT 0;

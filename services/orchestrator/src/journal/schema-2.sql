-- Schema 2.

-- What this job's own facts came to, where `decision_id` names a decision that another job made first.
ALTER TABLE jobs ADD COLUMN verdict TEXT;

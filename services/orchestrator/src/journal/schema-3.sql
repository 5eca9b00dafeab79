-- Schema 3.

-- Who is charged for the job's questions to models: the caller of the event's call, as the gateway authenticated it.
ALTER TABLE jobs ADD COLUMN caller TEXT NOT NULL DEFAULT 'anonymous';

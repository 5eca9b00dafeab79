-- Schema 4.

-- What an agent did last, for its health.
CREATE INDEX steps_by_agent ON steps (agent_id, job_id);

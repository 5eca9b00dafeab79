-- Documents that were added over the API, as they came: what is served is read from them anew at every start.
CREATE TABLE documents (
    id       TEXT PRIMARY KEY,
    format   TEXT NOT NULL,
    source   TEXT NOT NULL,
    -- NULL: as the document says about itself. Lists are JSON.
    title    TEXT,
    tags     TEXT,
    audience TEXT,
    added_at INTEGER NOT NULL, -- ms since 1970-01-01 UTC
    added_by TEXT NOT NULL,
    hash     TEXT NOT NULL,    -- SHA-256 of the content, in hex
    content  BLOB NOT NULL
) STRICT;

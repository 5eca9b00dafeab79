-- The keys, schema 1. Times are milliseconds since 1970-01-01 UTC.

CREATE TABLE keys (
  id         TEXT PRIMARY KEY NOT NULL,
  name       TEXT NOT NULL,
  scopes     TEXT NOT NULL,     -- with commas between
  seal       BLOB NOT NULL,     -- HMAC-SHA-256 of the SHA-256 of the secret, under the key in keys.secret
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;

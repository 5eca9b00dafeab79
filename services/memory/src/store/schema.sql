-- Every record of every collection. A row is never changed: a replacement is a new row with a new key, so that a key
-- found by likeness names exactly the text it was found by. Keys are never used twice (AUTOINCREMENT).
CREATE TABLE records (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace  TEXT    NOT NULL,
    kind       TEXT    NOT NULL,  -- review or decision
    id         TEXT    NOT NULL,
    created_at INTEGER NOT NULL,  -- ms since 1970-01-01 UTC, of the first row with this id
    text       TEXT    NOT NULL,  -- what is compared
    metadata   BLOB    NOT NULL,  -- google.protobuf.Struct
    body       TEXT    NOT NULL,  -- JSON: what the record says beside its text
    UNIQUE (namespace, kind, id)
) STRICT;

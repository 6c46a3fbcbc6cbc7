-- Who gets nothing, also when that is said while a campaign is being sent; and further rows of the list in one mail.

-- An id is never used again, so that "is there an entry younger than that one" is one look at the end of the table.
CREATE TABLE suppression (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  key      TEXT NOT NULL,                     -- an address in small letters, or @ and a domain
  scope    TEXT NOT NULL,                     -- '': everybody; list:NAME; campaign:ID
  reason   TEXT NOT NULL DEFAULT '',          -- a person's words
  source   TEXT NOT NULL DEFAULT '',          -- how it came here, such as the name of a file
  actor    TEXT NOT NULL DEFAULT '',
  added_at REAL NOT NULL,
  UNIQUE (scope, key)
) STRICT;

-- The list that a campaign belongs to; empty for none.
ALTER TABLE campaign ADD COLUMN list TEXT NOT NULL DEFAULT '';
-- Its waiting deliveries have been held against all entries up to this one; later ones are looked up at each claim.
ALTER TABLE campaign ADD COLUMN suppressed_to INTEGER NOT NULL DEFAULT 0;

-- JSON: lists of cells like fields, one for each further row of the same person; null for one row alone.
ALTER TABLE delivery ADD COLUMN more TEXT;

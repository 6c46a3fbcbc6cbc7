-- What a person does about deliveries that failed or whose outcome is unknown, and what keeps their bytes the same.

-- The messages a campaign has had, in turn: another one comes with a launch that adds to it.
CREATE TABLE edition (
  campaign INTEGER NOT NULL REFERENCES campaign (number),
  number   INTEGER NOT NULL,                  -- 1, 2, 3 …
  digest   TEXT NOT NULL REFERENCES blob (digest),
  PRIMARY KEY (campaign, number),
  UNIQUE (campaign, digest)
) STRICT, WITHOUT ROWID;
INSERT INTO edition (campaign, number, digest) SELECT number, 1, message_digest FROM campaign;

-- The edition that was in force when the recipient was added: its From gives the Message-ID its domain, for good.
ALTER TABLE delivery ADD COLUMN edition INTEGER NOT NULL DEFAULT 1;
-- The edition of the last attempt; null before the first.
ALTER TABLE delivery ADD COLUMN sent_as INTEGER;
-- Set where a copy may have arrived: the edition that every further attempt repeats, byte for byte.
ALTER TABLE delivery ADD COLUMN repeats INTEGER;
-- Attempts made before a person last asked for another one, and when that was: patience begins anew.
ALTER TABLE delivery ADD COLUMN forgiven INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN forgiven_at REAL;

-- In the order of ids within a state, so that a report of what did not arrive is read by its own rows only.
DROP INDEX delivery_trouble;
CREATE INDEX delivery_trouble ON delivery (campaign, state)
  WHERE state IN ('failed', 'unknown', 'deferred', 'expired');

-- What a person said about a delivery whose outcome was unknown.
CREATE TABLE resolution (
  id       INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL REFERENCES delivery (id),
  at       REAL NOT NULL,
  actor    TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('sent', 'resend')),
  note     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX resolution_delivery ON resolution (delivery);

-- Addresses that a person put in place of the list's. The delivery keeps its key, and with it its Message-ID;
-- this key is taken too, so that a launch with a corrected list adds nobody a second time.
CREATE TABLE correction (
  campaign INTEGER NOT NULL REFERENCES campaign (number),
  key      TEXT NOT NULL,
  delivery INTEGER NOT NULL REFERENCES delivery (id),
  at       REAL NOT NULL,
  actor    TEXT NOT NULL,
  was      TEXT NOT NULL,
  PRIMARY KEY (campaign, key)
) STRICT, WITHOUT ROWID;

-- How far an order that takes many steps has come: the last delivery looked at, and how many were moved.
ALTER TABLE orders ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;

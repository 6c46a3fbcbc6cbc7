-- The outbox: one row a recipient and campaign, whose state only ever moves as states.py says.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Content-addressed: frozen templates now, attachments and images later.
CREATE TABLE blob (
  digest TEXT PRIMARY KEY,
  body   BLOB NOT NULL
) STRICT;

CREATE TABLE campaign (
  number         INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  series         TEXT NOT NULL,               -- the campaign file's real path and its name
  occurrence     INTEGER NOT NULL,            -- 1, 2, 3 … within the series
  name           TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('draft', 'scheduled', 'running', 'pausing', 'paused',
                                                'cancelling', 'cancelled', 'finished')),
  reason         TEXT NOT NULL DEFAULT '',    -- why it is paused, in a sentence
  held           INTEGER NOT NULL DEFAULT 0,  -- 1: paused by the program (account, server), not by a person
  message_digest TEXT NOT NULL REFERENCES blob (digest),
  endpoint       TEXT NOT NULL,               -- JSON: the server and login name; never a secret
  plan           TEXT NOT NULL,               -- JSON: workers, rate, burst, retries; what a person may change live
  columns        TEXT NOT NULL,               -- JSON: titles of delivery.fields, in order
  source         TEXT NOT NULL,               -- the list's path, for display
  filter         TEXT NOT NULL DEFAULT '',    -- one-line text of the rules, for display
  secret         BLOB NOT NULL,               -- keys the Message-IDs
  encoding       TEXT,                        -- JSON, chosen at the first session so that every attempt has the same bytes
  audience       INTEGER NOT NULL DEFAULT 0,
  created_at     REAL NOT NULL,
  launched_at    REAL,
  first_claim_at REAL,
  settled_at     REAL,
  UNIQUE (series, occurrence)
) STRICT;

CREATE TABLE delivery (
  id          INTEGER PRIMARY KEY,
  campaign    INTEGER NOT NULL REFERENCES campaign (number),
  key         TEXT NOT NULL,                  -- dedupe key: domain folded, local part as written
  row         INTEGER NOT NULL,               -- data row of the list, from 1
  address     TEXT NOT NULL,                  -- byte for byte what RCPT TO carries
  fields      TEXT NOT NULL,                  -- JSON list in the order of campaign.columns
  state       TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'in_flight', 'sent', 'failed', 'deferred',
                                             'unknown', 'suppressed', 'skipped', 'cancelled', 'expired')),
  reason      TEXT NOT NULL DEFAULT '',
  attempts    INTEGER NOT NULL DEFAULT 0,
  due_at      REAL NOT NULL DEFAULT 0,        -- 0: fresh; else not before this epoch second
  owner       TEXT,                           -- the runner that claimed it
  fence       INTEGER NOT NULL DEFAULT 0,     -- grows with each claim, so that a stale claim cannot write
  lease_until REAL,                           -- set while claimed or in flight, else null
  date_at     REAL,                           -- the Date header, fixed at the first claim
  stage       TEXT,                           -- where in the dialogue the last reply came
  code        INTEGER,
  enhanced    TEXT,
  reply       TEXT,
  updated_at  REAL NOT NULL,
  UNIQUE (campaign, key)
) STRICT;

CREATE INDEX delivery_due ON delivery (campaign, due_at, id) WHERE state IN ('queued', 'deferred');
-- Holds what a runner has; keyed by the lease, which a mark does not change, so that marking writes no index.
CREATE INDEX delivery_leased ON delivery (campaign, lease_until) WHERE lease_until IS NOT NULL;
-- What did not arrive, or not yet; a message that does costs it nothing.
CREATE INDEX delivery_trouble ON delivery (campaign, state, code)
  WHERE state IN ('failed', 'unknown', 'deferred', 'expired');

-- Changed in the same transaction as the deliveries, so progress never counts a million rows.
CREATE TABLE counter (
  campaign INTEGER NOT NULL REFERENCES campaign (number),
  state    TEXT NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (campaign, state)
) STRICT, WITHOUT ROWID;

-- One row for every attempt that did not end in sent; a sent delivery's own row says how it ended.
CREATE TABLE attempt (
  id       INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL REFERENCES delivery (id),
  n        INTEGER NOT NULL,
  at       REAL NOT NULL,
  outcome  TEXT NOT NULL,
  stage    TEXT,
  code     INTEGER,
  enhanced TEXT,
  reply    TEXT
) STRICT;
CREATE INDEX attempt_delivery ON attempt (delivery);

-- Rows of the list that became no delivery, and why.
CREATE TABLE intake (
  id       INTEGER PRIMARY KEY,
  campaign INTEGER NOT NULL REFERENCES campaign (number),
  line     INTEGER NOT NULL,
  row      INTEGER,
  kind     TEXT NOT NULL,
  reason   TEXT NOT NULL,
  text     TEXT NOT NULL,
  UNIQUE (campaign, line, kind)
) STRICT;

CREATE TABLE orders (
  id              INTEGER PRIMARY KEY,
  campaign        INTEGER NOT NULL REFERENCES campaign (number),
  kind            TEXT NOT NULL,
  arguments       TEXT NOT NULL DEFAULT '{}',
  actor           TEXT NOT NULL,
  created_at      REAL NOT NULL,
  acknowledged_at REAL,
  answer          TEXT
) STRICT;
CREATE INDEX orders_open ON orders (id) WHERE acknowledged_at IS NULL;

CREATE TABLE event (
  id       INTEGER PRIMARY KEY,
  campaign INTEGER REFERENCES campaign (number),
  at       REAL NOT NULL,
  actor    TEXT NOT NULL,
  kind     TEXT NOT NULL,
  detail   TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE runner (
  id           TEXT PRIMARY KEY,
  pid          INTEGER NOT NULL,
  host         TEXT NOT NULL,
  version      TEXT NOT NULL,
  started_at   REAL NOT NULL,
  heartbeat_at REAL NOT NULL
) STRICT;

CREATE TABLE snapshot (
  campaign INTEGER PRIMARY KEY REFERENCES campaign (number),
  at       REAL NOT NULL,
  body     TEXT NOT NULL
) STRICT;

-- The right moment and the right pace: starts to come, recurrences, what limits are held against, and who is told.

-- When a campaign is to begin, a time of the wall; null: at its launch.
ALTER TABLE campaign ADD COLUMN start_at REAL;
-- JSON: the schedule as it was frozen; empty for none.
ALTER TABLE campaign ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
-- When it did begin.
ALTER TABLE campaign ADD COLUMN woke_at REAL;
-- The recurrence that launched it, and for which of its times; empty and null for none.
ALTER TABLE campaign ADD COLUMN recurrence TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN occurrence_at REAL;
-- JSON: who is told when its state changes; no secrets.
ALTER TABLE campaign ADD COLUMN hooks TEXT NOT NULL DEFAULT '[]';
-- 1: resume_at is a time of the wall, such as the opening of a window; 0: the end of a pause, which lasts as long as it
-- was to when somebody puts the clock.
ALTER TABLE campaign ADD COLUMN at_wall INTEGER NOT NULL DEFAULT 0;

-- One time of a recurrence is launched once. A draft is nothing yet: one that a crash left is thrown away.
CREATE UNIQUE INDEX campaign_occurrence ON campaign (recurrence, occurrence_at)
  WHERE recurrence <> '' AND state <> 'draft';
-- What the runner asks again and again, whatever else there is. A query has to spell the condition the same way.
CREATE INDEX campaign_at_work ON campaign (number)
  WHERE state = 'running' OR state = 'pausing' OR state = 'cancelling';
CREATE INDEX campaign_to_start ON campaign (start_at) WHERE state = 'scheduled';
CREATE INDEX campaign_to_resume ON campaign (resume_at) WHERE state = 'paused' AND resume_at IS NOT NULL;

-- The time that was chosen for this recipient, a time of the wall; 0: none was. Where due_at is another, it is the end
-- of a pause.
ALTER TABLE delivery ADD COLUMN send_at REAL NOT NULL DEFAULT 0;
-- Pauses alone, so that a million who wait for their own time are not looked at when the clock is put.
CREATE INDEX delivery_pause ON delivery (due_at)
  WHERE due_at > 0 AND due_at <> send_at AND (state = 'queued' OR state = 'deferred');

-- A meter counts the mails of one thing: of an account, of a recipient domain of it, of a campaign.
CREATE TABLE meter (
  meter       TEXT PRIMARY KEY,
  limits      TEXT NOT NULL DEFAULT '',       -- JSON; empty for none
  first_at    REAL,                           -- its first counted mail, and the last one
  last_at     REAL,
  cap         REAL,                           -- messages a second that the server lets it have; null: nothing known
  cap_reason  TEXT NOT NULL DEFAULT '',
  cap_at      REAL,
  rests_until REAL,
  at_once     INTEGER                         -- mails under way at a time; null: nothing known
) STRICT, WITHOUT ROWID;

-- How many mails were marked as about to be sent, by meter and slot of ten seconds since 1970.
CREATE TABLE sent_slot (
  meter TEXT NOT NULL,
  slot  INTEGER NOT NULL,
  n     INTEGER NOT NULL,
  PRIMARY KEY (meter, slot)
) STRICT, WITHOUT ROWID;
-- What was counted by the minute counts in its last ten seconds: rather for too long than forgotten too soon.
INSERT INTO sent_slot (meter, slot, n) SELECT account, minute * 6 + 5, n FROM sent_minute;
INSERT INTO meter (meter, first_at, last_at)
SELECT account, min(minute) * 60.0, max(minute) * 60.0 + 59 FROM sent_minute GROUP BY account;
DROP TABLE sent_minute;

-- A campaign file that is sent again and again; every time becomes a campaign of its own.
CREATE TABLE recurrence (
  id         TEXT PRIMARY KEY,
  series     TEXT NOT NULL,                   -- the campaign file's real path and its name
  name       TEXT NOT NULL,
  path       TEXT NOT NULL,
  arguments  TEXT NOT NULL DEFAULT '{}',      -- JSON: what was said beside the file
  schedule   TEXT NOT NULL,                   -- JSON
  next_at    REAL,                            -- a time of the wall; null once it has ended
  state      TEXT NOT NULL CHECK (state IN ('active', 'paused', 'ended')),
  reason     TEXT NOT NULL DEFAULT '',        -- in a sentence
  actor      TEXT NOT NULL,
  created_at REAL NOT NULL,
  last_at    REAL,                            -- the last of its times that was launched
  runs       INTEGER NOT NULL DEFAULT 0,
  hooks      TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX recurrence_series ON recurrence (series) WHERE state <> 'ended';
CREATE INDEX recurrence_next ON recurrence (next_at) WHERE state = 'active';

-- What is to be told to others, until they have heard it.
CREATE TABLE notice (
  id       TEXT PRIMARY KEY,
  campaign INTEGER REFERENCES campaign (number),
  event    TEXT NOT NULL,
  at       REAL NOT NULL,
  body     TEXT NOT NULL,                     -- goes out as it is, byte for byte
  target   TEXT NOT NULL,
  state    TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at   REAL NOT NULL,
  said     TEXT NOT NULL DEFAULT '',          -- what came of the last attempt
  told_at  REAL                               -- when that was
) STRICT;
CREATE INDEX notice_due ON notice (due_at) WHERE state = 'waiting';
CREATE INDEX notice_campaign ON notice (campaign);

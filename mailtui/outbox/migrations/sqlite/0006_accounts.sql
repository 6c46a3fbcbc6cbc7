-- Several accounts in one campaign: who carried a mail, whose From it has, what accounts have sent, and how they rest.

-- The From that this recipient's mail has for good, where accounts take turns; empty where the campaign's is everybody's.
ALTER TABLE delivery ADD COLUMN bound TEXT NOT NULL DEFAULT '';
-- The account that carried it last; empty where the campaign has one that nobody counts mails of.
ALTER TABLE delivery ADD COLUMN account TEXT NOT NULL DEFAULT '';
-- Read only while an account is out, so that what is bound to it is not passed over again and again.
CREATE INDEX delivery_bound ON delivery (campaign, bound, due_at, id)
  WHERE bound <> '' AND state IN ('queued', 'deferred');

-- When a campaign that is paused goes on by itself; null: when a person says so.
ALTER TABLE campaign ADD COLUMN resume_at REAL;

-- How many mails were marked as about to be sent, by account and minute since 1970: what its limits are held against.
CREATE TABLE sent_minute (
  account TEXT NOT NULL,
  minute  INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (account, minute)
) STRICT, WITHOUT ROWID;

-- How many mails of a campaign the servers have taken, by account; only where more than one sends it, or one has limits.
CREATE TABLE carried (
  campaign INTEGER NOT NULL REFERENCES campaign (number),
  account  TEXT NOT NULL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (campaign, account)
) STRICT, WITHOUT ROWID;

-- Accounts that nothing is sent through for now, in any campaign.
CREATE TABLE account_rest (
  account TEXT PRIMARY KEY,
  until   REAL,                               -- epoch seconds; null: until a person has seen to it
  kind    TEXT NOT NULL,
  reason  TEXT NOT NULL,                      -- in a sentence
  since   REAL NOT NULL
) STRICT, WITHOUT ROWID;

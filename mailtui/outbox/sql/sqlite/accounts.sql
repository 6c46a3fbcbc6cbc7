-- name: carriers_of
-- Who carried these.
SELECT campaign, account, count(*) FROM delivery WHERE id IN (SELECT value FROM json_each(?)) AND account <> '' GROUP BY 1, 2

-- name: count_carried
INSERT INTO carried (campaign, account, n) VALUES (?, ?, ?)
ON CONFLICT (campaign, account) DO UPDATE SET n = n + excluded.n

-- name: carried
SELECT account, n FROM carried WHERE campaign = ? ORDER BY account

-- name: rest
INSERT INTO account_rest (account, until, kind, reason, since) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (account) DO UPDATE SET until = excluded.until, kind = excluded.kind, reason = excluded.reason,
                                    since = excluded.since

-- name: rested
DELETE FROM account_rest WHERE account = ?

-- name: rests
SELECT account, until, kind, reason, since FROM account_rest ORDER BY account

-- name: rest_from_now
UPDATE account_rest SET until = until - (since - :now), since = :now WHERE since > :now

-- name: resume_in_time
UPDATE campaign SET resume_at = :now WHERE resume_at > :latest AND at_wall = 0

-- name: move_rests
UPDATE account_rest SET until = until + :by, since = since + :by

-- name: move_resumes
UPDATE campaign SET resume_at = resume_at + :by WHERE resume_at IS NOT NULL AND at_wall = 0

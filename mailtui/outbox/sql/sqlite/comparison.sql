-- name: make
CREATE TABLE given (key TEXT PRIMARY KEY, sum INTEGER NOT NULL) WITHOUT ROWID

-- name: give
INSERT OR IGNORE INTO given (key, sum) VALUES (?, ?)

-- name: missing
SELECT asked.value FROM json_each(:keys) AS asked
WHERE NOT EXISTS (SELECT 1 FROM outbox.delivery WHERE campaign = :campaign AND key = asked.value)
  AND NOT EXISTS (SELECT 1 FROM outbox.correction WHERE campaign = :campaign AND key = asked.value)

-- name: gone
-- Whoever has another address by now is on the list by either.
SELECT d.state, count(*) FROM outbox.delivery d NOT INDEXED
WHERE d.campaign = :campaign
  AND d.id BETWEEN (SELECT min(id) FROM outbox.delivery WHERE campaign = :campaign)
           AND (SELECT max(id) FROM outbox.delivery WHERE campaign = :campaign)
  AND NOT EXISTS (SELECT 1 FROM given WHERE given.key = d.key)
  AND d.id NOT IN (SELECT c.delivery FROM outbox.correction c JOIN given ON given.key = c.key
                   WHERE c.campaign = :campaign)
GROUP BY d.state

-- name: changed
-- The cells of a corrected one are another's than the list's anyway.
SELECT count(*) FROM outbox.delivery d NOT INDEXED CROSS JOIN given
WHERE d.campaign = :campaign
  AND d.id BETWEEN (SELECT min(id) FROM outbox.delivery WHERE campaign = :campaign)
           AND (SELECT max(id) FROM outbox.delivery WHERE campaign = :campaign)
  AND d.state IN ('queued', 'deferred', 'claimed') AND d.address = d.key
  AND given.key = d.key AND given.sum <> checksum(d.fields, d.more)

-- name: waiting
SELECT id, key, address FROM outbox.delivery NOT INDEXED
WHERE campaign = :campaign AND id > :after AND state IN ('queued', 'deferred', 'claimed')
ORDER BY id LIMIT :limit

-- name: make
-- By the id of the delivery that a row of the list is of: most lists come in that order.
CREATE TABLE given (delivery INTEGER PRIMARY KEY, sum INTEGER NOT NULL)

-- name: give
INSERT OR IGNORE INTO given (delivery, sum) VALUES (?, ?)

-- name: whose
-- Whoever has another address by now is on the list by either.
SELECT coalesce((SELECT id FROM outbox.delivery WHERE campaign = :campaign AND key = asked.value),
                (SELECT delivery FROM outbox.correction WHERE campaign = :campaign AND key = asked.value))
FROM json_each(:keys) AS asked ORDER BY asked.id

-- name: gone
SELECT d.state, count(*) FROM outbox.delivery d NOT INDEXED
WHERE d.campaign = :campaign AND d.copy_of = ''
  AND d.id BETWEEN (SELECT min(id) FROM outbox.delivery WHERE campaign = :campaign)
           AND (SELECT max(id) FROM outbox.delivery WHERE campaign = :campaign)
  AND NOT EXISTS (SELECT 1 FROM given WHERE given.delivery = d.id)
GROUP BY d.state

-- name: changed
-- The cells of a corrected one are another's than the list's anyway.
SELECT count(*) FROM given CROSS JOIN outbox.delivery d NOT INDEXED
WHERE d.id = given.delivery AND d.state IN ('queued', 'deferred', 'claimed') AND d.address = d.key
  AND given.sum <> checksum(d.fields, d.more)

-- name: waiting
SELECT id, key, address, copy_of FROM outbox.delivery NOT INDEXED
WHERE campaign = :campaign AND id > :after AND state IN ('queued', 'deferred', 'claimed')
ORDER BY id LIMIT :limit

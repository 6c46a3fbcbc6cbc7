-- name: open_orders
SELECT id, campaign, kind, arguments, actor, created_at, answer IS NOT NULL
FROM orders WHERE acknowledged_at IS NULL ORDER BY id

-- name: answer
UPDATE orders SET answer = ? WHERE id = ?

-- name: acknowledge
UPDATE orders SET acknowledged_at = ?, answer = coalesce(answer, ?) WHERE id = ?

-- name: progress
SELECT reached, moved FROM orders WHERE id = ?

-- name: advance
UPDATE orders SET reached = ?, moved = ? WHERE id = ?

-- name: waiting_for_redo
SELECT id FROM delivery
WHERE campaign = :campaign AND state = :state AND (state IN ('failed', 'unknown') OR state IN ('deferred', 'expired'))
  AND id > :after AND (updated_at <= :until OR updated_at > :now)
ORDER BY id LIMIT :limit

-- name: states_of
SELECT id, state FROM delivery NOT INDEXED
WHERE id IN (SELECT value FROM json_each(:ids)) AND campaign = :campaign
  AND state IN (SELECT value FROM json_each(:states))

-- name: queue_again
UPDATE delivery
SET state = 'queued', due_at = 0, reason = :reason, stage = NULL, code = NULL, enhanced = NULL, reply = NULL,
    repeats = CASE WHEN state = 'unknown' THEN coalesce(repeats, sent_as) ELSE repeats END,
    forgiven = attempts, forgiven_at = :now, updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids))

-- name: call_sent
UPDATE delivery SET state = 'sent', reason = :reason, updated_at = :now
WHERE id IN (SELECT value FROM json_each(:ids))

-- name: insert_resolution
INSERT INTO resolution (delivery, at, actor, decision) VALUES (?, ?, ?, ?)

-- name: insert_event
INSERT INTO event (campaign, at, actor, kind, detail) VALUES (?, ?, ?, ?, ?)

-- name: to_correct
SELECT key, row, address, fields, copy_of FROM delivery WHERE id = ?

-- name: takes_key
SELECT 1 FROM delivery WHERE campaign = ?1 AND key = ?2 AND id <> ?3
UNION ALL SELECT 1 FROM correction WHERE campaign = ?1 AND key = ?2 AND delivery <> ?3

-- name: insert_correction
INSERT INTO correction (campaign, key, delivery, at, actor, was) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (campaign, key) DO UPDATE SET at = excluded.at, actor = excluded.actor, was = excluded.was

-- name: correct_copies
-- Copies that are still to be made show the address that the mail goes to now. One that may have arrived is repeated
-- as it was.
UPDATE delivery SET copy_of = :copy_of, fields = :fields
WHERE campaign = :campaign AND key >= :first AND key < :behind
  AND repeats IS NULL AND state IN ('queued', 'claimed', 'deferred', 'failed')

-- name: correct
UPDATE delivery SET address = ?, fields = ?, repeats = NULL WHERE id = ?

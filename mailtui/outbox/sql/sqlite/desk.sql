-- name: put_blob
INSERT INTO blob (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING

-- name: insert_campaign
INSERT INTO campaign (id, series, occurrence, name, state, message_digest, endpoint, plan, columns, source, filter,
                      secret, created_at, list, suppressed_to, schedule, recurrence, occurrence_at, hooks)
VALUES (:id, :series, :occurrence, :name, 'draft',
        :message_digest, :endpoint, :plan, :columns, :source, :filter, :secret, :now, :list,
        (SELECT coalesce(max(id), 0) FROM suppression),
        :schedule, :recurrence, :occurrence_at, :hooks)
ON CONFLICT (series, occurrence) DO NOTHING
RETURNING number

-- name: insert_edition
INSERT INTO edition (campaign, number, digest)
VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM edition WHERE campaign = ?1), ?2)
ON CONFLICT (campaign, digest) DO NOTHING

-- name: newest_edition
SELECT max(number) FROM edition WHERE campaign = ?

-- name: corrected_keys
SELECT key FROM correction WHERE campaign = ?

-- name: insert_delivery
-- Whose own time has passed by then goes at once, and waits for nothing.
INSERT INTO delivery (campaign, key, row, address, fields, state, reason, updated_at, edition, more, files, copy_of,
                      bound, due_at, send_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, iif(?14 >= ?8, ?14, 0), ?14) ON CONFLICT (campaign, key) DO NOTHING

-- name: newest_delivery
SELECT coalesce(max(id), 0) FROM delivery

-- name: had_before
-- Which of these the campaign had before the newest delivery of then.
SELECT key FROM delivery WHERE key IN (SELECT value FROM json_each(?)) AND campaign = ? AND id <= ?

-- name: new_copies
SELECT count(*) FROM delivery NOT INDEXED WHERE campaign = ? AND id > ? AND copy_of <> ''

-- name: insert_intake
INSERT INTO intake (campaign, line, row, kind, reason, text) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (campaign, line, kind) DO NOTHING

-- name: grow_audience
UPDATE campaign SET audience = audience + ?, copies = copies + ? WHERE number = ?

-- name: add_to_counter
INSERT INTO counter (campaign, state, n) VALUES (?, ?, ?)
ON CONFLICT (campaign, state) DO UPDATE SET n = n + excluded.n

-- name: occurrence_of
-- The campaign that was launched for the time of a recurrence that this draft is for.
SELECT other.id, other.name FROM campaign AS draft
JOIN campaign AS other ON other.recurrence = draft.recurrence AND other.occurrence_at = draft.occurrence_at
WHERE draft.number = ? AND draft.state = 'draft' AND other.recurrence <> '' AND other.state <> 'draft'

-- name: go_live
UPDATE campaign
SET state = iif(:start_at IS NULL, 'running', 'scheduled'), launched_at = :now, start_at = :start_at,
    woke_at = iif(:start_at IS NULL AND occurrence_at IS NOT NULL, :now, NULL)
WHERE number = :campaign AND state = 'draft'

-- name: discard_deliveries
DELETE FROM delivery WHERE id IN (SELECT id FROM delivery WHERE campaign = ? LIMIT ?)

-- name: discard_intake
DELETE FROM intake WHERE id IN (SELECT id FROM intake WHERE campaign = ? LIMIT ?)

-- name: discard_draft
DELETE FROM campaign WHERE number = ? AND state = 'draft'

-- name: is_draft
SELECT 1 FROM campaign WHERE number = ? AND state = 'draft'

-- name: insert_order
INSERT INTO orders (campaign, kind, arguments, actor, created_at) VALUES (?, ?, ?, ?, ?) RETURNING id

-- name: insert_event
INSERT INTO event (campaign, at, actor, kind, detail) VALUES (?, ?, ?, ?, ?)

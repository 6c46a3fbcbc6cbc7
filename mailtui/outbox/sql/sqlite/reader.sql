-- name: campaigns
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign ORDER BY number

-- name: campaigns_by_prefix
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE substr(id, 1, length(?1)) = ?1 ORDER BY number LIMIT 6

-- name: campaign_by_number
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE number = ?

-- name: active_campaigns
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE state = 'running' OR state = 'pausing' OR state = 'cancelling' ORDER BY number

-- name: to_resume
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE state = 'paused' AND resume_at IS NOT NULL AND resume_at <= ? ORDER BY resume_at, number

-- name: to_start
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE state = 'scheduled' AND start_at <= ? ORDER BY start_at, number LIMIT ?

-- name: occurrence
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE recurrence = ? AND recurrence <> '' AND occurrence_at = ? ORDER BY state = 'draft', number LIMIT 1

-- name: latest_of_series
SELECT number, id, series, occurrence, name, state, reason, held, message_digest, endpoint, plan, columns, source,
       filter, secret, encoding, audience, created_at, launched_at, first_claim_at, settled_at, list, copies,
       resume_at, start_at, schedule, woke_at, recurrence, occurrence_at, hooks
FROM campaign WHERE series = ? ORDER BY occurrence DESC LIMIT 1

-- name: message
SELECT body FROM blob WHERE digest = ?

-- name: counts
SELECT state, n FROM counter WHERE campaign = ?

-- name: snapshot
SELECT body FROM snapshot WHERE campaign = ?

-- name: runners
SELECT id, pid, host, version, started_at, heartbeat_at FROM runner ORDER BY started_at

-- name: deliveries
-- A campaign is read in the order of its ids. By the index of its keys every page would read all of it, and sort it.
-- Where there are many others, those before it are passed over, and those after it unless it is long itself.
SELECT id, key, row, address, state, reason, attempts, due_at, stage, code, enhanced, reply, updated_at, fields,
       edition, more, files, copy_of, bound, account, send_at
FROM delivery NOT INDEXED
WHERE campaign = :campaign
  AND id > iif(:after > 0, :after, (SELECT min(id) - 1 FROM delivery WHERE campaign = :campaign))
  AND id <= iif((SELECT audience FROM campaign WHERE number = :campaign) > 100000, 9223372036854775807,
                (SELECT max(id) FROM delivery WHERE campaign = :campaign))
ORDER BY id LIMIT :limit

-- name: deliveries_in_states
SELECT id, key, row, address, state, reason, attempts, due_at, stage, code, enhanced, reply, updated_at, fields,
       edition, more, files, copy_of, bound, account, send_at
FROM delivery NOT INDEXED
WHERE campaign = :campaign AND state IN (SELECT value FROM json_each(:states))
  AND id > iif(:after > 0, :after, (SELECT min(id) - 1 FROM delivery WHERE campaign = :campaign))
  AND id <= iif((SELECT audience FROM campaign WHERE number = :campaign) > 100000, 9223372036854775807,
                (SELECT max(id) FROM delivery WHERE campaign = :campaign))
ORDER BY id LIMIT :limit

-- name: deliveries_in_trouble
SELECT id, key, row, address, state, reason, attempts, due_at, stage, code, enhanced, reply, updated_at, fields,
       edition, more, files, copy_of, bound, account, send_at
FROM delivery
WHERE campaign = ? AND id > ? AND state = ? AND (state IN ('failed', 'unknown') OR state IN ('deferred', 'expired'))
ORDER BY id LIMIT ?

-- name: page_starts
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM delivery NOT INDEXED
                WHERE campaign = :campaign
                  AND id BETWEEN (SELECT min(id) FROM delivery WHERE campaign = :campaign)
                         AND (SELECT max(id) FROM delivery WHERE campaign = :campaign))
WHERE n % :size = 1 OR :size = 1 ORDER BY id

-- name: page_starts_in_states
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM delivery NOT INDEXED
                WHERE campaign = :campaign AND state IN (SELECT value FROM json_each(:states))
                  AND id BETWEEN (SELECT min(id) FROM delivery WHERE campaign = :campaign)
                         AND (SELECT max(id) FROM delivery WHERE campaign = :campaign))
WHERE n % :size = 1 OR :size = 1 ORDER BY id

-- name: find_row
SELECT id, key, row, address, state, reason, attempts, due_at, stage, code, enhanced, reply, updated_at, fields,
       edition, more, files, copy_of, bound, account, send_at
FROM delivery NOT INDEXED
WHERE campaign = :campaign AND row = :row
  AND id BETWEEN (SELECT min(id) FROM delivery WHERE campaign = :campaign)
         AND (SELECT max(id) FROM delivery WHERE campaign = :campaign)
ORDER BY id LIMIT 6

-- name: find_key
SELECT id, key, row, address, state, reason, attempts, due_at, stage, code, enhanced, reply, updated_at, fields,
       edition, more, files, copy_of, bound, account, send_at
FROM delivery
WHERE id IN (SELECT id FROM delivery WHERE campaign = ?1 AND key = ?2
             UNION SELECT delivery FROM correction WHERE campaign = ?1 AND key = ?2)
ORDER BY id LIMIT 6

-- name: recipients_of_row
SELECT key, address FROM delivery NOT INDEXED
WHERE campaign = :campaign AND row = :row
  AND id BETWEEN (SELECT min(id) FROM delivery WHERE campaign = :campaign)
         AND (SELECT max(id) FROM delivery WHERE campaign = :campaign)
ORDER BY id

-- name: find_copies
SELECT id, key, row, address, state, reason, attempts, due_at, stage, code, enhanced, reply, updated_at, fields,
       edition, more, files, copy_of, bound, account, send_at
FROM delivery NOT INDEXED
WHERE campaign = :campaign AND copy_of <> '' AND address = :address
  AND id BETWEEN (SELECT min(id) FROM delivery WHERE campaign = :campaign)
         AND (SELECT max(id) FROM delivery WHERE campaign = :campaign)
ORDER BY id LIMIT 6

-- name: resolutions
SELECT delivery, at, actor, decision, note FROM resolution
WHERE delivery IN (SELECT value FROM json_each(?)) ORDER BY id

-- name: corrections
SELECT delivery, at, actor, was FROM correction WHERE campaign = ? ORDER BY at

-- name: editions
SELECT number, digest FROM edition WHERE campaign = ?

-- name: intake
SELECT line, row, kind, reason, text FROM intake WHERE campaign = ? AND line > ? ORDER BY line LIMIT ?

-- name: intake_counts
SELECT kind, count(*) FROM intake WHERE campaign = ? GROUP BY kind

-- name: failures
SELECT state, code, coalesce(reply, reason), count(*) AS n FROM delivery
WHERE campaign = ? AND (state IN ('failed', 'unknown') OR state IN ('deferred', 'expired'))
GROUP BY 1, 2, 3 ORDER BY n DESC, 2, 3 LIMIT ?

-- name: next_try
SELECT due_at FROM delivery
WHERE campaign = ? AND state IN ('queued', 'deferred') AND state = 'deferred' AND due_at > 0
ORDER BY due_at, id LIMIT 1

-- name: next_due
SELECT due_at FROM delivery WHERE campaign = ? AND state IN ('queued', 'deferred') ORDER BY due_at, id LIMIT 1

-- name: bounds
-- One look at the index for each, however many there are of it.
WITH RECURSIVE bounds (bound) AS (
  SELECT min(bound) FROM delivery WHERE campaign = ?1 AND bound <> '' AND state IN ('queued', 'deferred')
  UNION ALL
  SELECT (SELECT min(d.bound) FROM delivery AS d
          WHERE d.campaign = ?1 AND d.bound > bounds.bound AND d.bound <> '' AND d.state IN ('queued', 'deferred'))
  FROM bounds WHERE bound IS NOT NULL)
SELECT bound FROM bounds WHERE bound IS NOT NULL

-- name: answer
SELECT answer FROM orders WHERE id = ? AND answer IS NOT NULL

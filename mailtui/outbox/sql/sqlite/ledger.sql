-- name: sign_on
INSERT OR REPLACE INTO runner (id, pid, host, version, started_at, heartbeat_at) VALUES (?, ?, ?, ?, ?, ?)

-- name: keep_absence
-- The last sign of any runner, unless there is an earlier time since which nobody has looked after everything.
INSERT INTO meta (key, value) SELECT 'absent_since', coalesce(max(heartbeat_at), 0.0) FROM runner WHERE true
ON CONFLICT (key) DO NOTHING

-- name: other_runners_gone
DELETE FROM runner WHERE id <> ?

-- name: sign_off
DELETE FROM runner WHERE id = ?

-- name: heartbeat
UPDATE runner SET heartbeat_at = ? WHERE id = ?

-- name: live_counts
SELECT campaign, state, count(*) FROM delivery WHERE lease_until IS NOT NULL GROUP BY campaign, state

-- name: requeue_claimed
-- Who was never tried goes on waiting for the time of their own, be it past.
UPDATE delivery SET state = 'queued', due_at = iif(attempts = 0, send_at, 0), lease_until = NULL, updated_at = ?
WHERE lease_until IS NOT NULL AND state = 'claimed'

-- name: lose_in_flight
UPDATE delivery
SET state = 'unknown', reason = 'the runner stopped before the reply to this message came',
    lease_until = NULL, attempts = attempts + 1, updated_at = ?
WHERE lease_until IS NOT NULL AND state = 'in_flight'

-- name: due_in_time
UPDATE delivery INDEXED BY delivery_pause SET due_at = :latest
WHERE due_at > :latest AND due_at > 0 AND due_at <> send_at AND (state = 'queued' OR state = 'deferred')

-- name: move_waiting
UPDATE delivery INDEXED BY delivery_pause
SET due_at = max(1, due_at + :by), forgiven_at = coalesce(forgiven_at, date_at) + :by
WHERE due_at > 0 AND due_at <> send_at AND (state = 'queued' OR state = 'deferred')

-- name: move_leased
UPDATE delivery SET forgiven_at = coalesce(forgiven_at, date_at) + :by WHERE lease_until IS NOT NULL

-- name: claim_fresh
UPDATE delivery
SET state = 'claimed', lease_until = :lease, fence = fence + 1,
    date_at = coalesce(date_at, :now), updated_at = :now,
    sent_as = coalesce(repeats, (SELECT e.number FROM edition e JOIN campaign c ON c.number = e.campaign
                                 WHERE c.number = :campaign AND e.digest = c.message_digest))
WHERE id IN (SELECT id FROM delivery
             WHERE campaign = :campaign AND state IN ('queued', 'deferred') AND due_at = 0
             ORDER BY due_at, id LIMIT :limit)
RETURNING campaign, id, fence, key, row, address, fields, attempts, date_at, edition, repeats,
          forgiven, forgiven_at, more, files, copy_of, bound

-- name: due
-- Those whose time has come, be it the end of a pause or their own.
SELECT id, state FROM delivery
WHERE campaign = :campaign AND state IN ('queued', 'deferred') AND due_at > 0 AND due_at <= :now
ORDER BY due_at, id LIMIT :limit

-- name: due_bound
SELECT id, state FROM delivery INDEXED BY delivery_bound
WHERE campaign = :campaign AND bound = :bound AND bound <> '' AND state IN ('queued', 'deferred')
  AND due_at > 0 AND due_at <= :now
ORDER BY due_at, id LIMIT :limit

-- name: claim_these
UPDATE delivery
SET state = 'claimed', lease_until = :lease, fence = fence + 1,
    date_at = coalesce(date_at, :now), updated_at = :now,
    sent_as = coalesce(repeats, (SELECT e.number FROM edition e JOIN campaign c ON c.number = e.campaign
                                 WHERE c.number = :campaign AND e.digest = c.message_digest))
WHERE id IN (SELECT value FROM json_each(:ids))
RETURNING campaign, id, fence, key, row, address, fields, attempts, date_at, edition, repeats,
          forgiven, forgiven_at, more, files, copy_of, bound

-- name: claim_fresh_bound
-- As claim_fresh, of those with this From.
UPDATE delivery
SET state = 'claimed', lease_until = :lease, fence = fence + 1,
    date_at = coalesce(date_at, :now), updated_at = :now,
    sent_as = coalesce(repeats, (SELECT e.number FROM edition e JOIN campaign c ON c.number = e.campaign
                                 WHERE c.number = :campaign AND e.digest = c.message_digest))
WHERE id IN (SELECT id FROM delivery INDEXED BY delivery_bound
             WHERE campaign = :campaign AND bound = :bound AND bound <> '' AND state IN ('queued', 'deferred')
               AND due_at = 0
             ORDER BY due_at, id LIMIT :limit)
RETURNING campaign, id, fence, key, row, address, fields, attempts, date_at, edition, repeats,
          forgiven, forgiven_at, more, files, copy_of, bound

-- name: follow_their_mails
-- Copies have the Date of the mail that they copy. Where that one has gone, or may have, or is repeated, they say what
-- it says, whatever the campaign's message is now.
UPDATE delivery
SET date_at = coalesce(mail.date_at, delivery.date_at),
    sent_as = coalesce(delivery.repeats, mail.repeats,
                       iif(mail.state IN ('in_flight', 'sent', 'unknown'), mail.sent_as, NULL), delivery.sent_as)
FROM delivery AS mail
WHERE delivery.id IN (SELECT value FROM json_each(:ids))
  AND mail.campaign = :campaign AND mail.key = json_extract(delivery.copy_of, '$[0]')
RETURNING id, date_at, nullif(sent_as, (SELECT e.number FROM edition e JOIN campaign c ON c.number = e.campaign
                                        WHERE c.number = :campaign AND e.digest = c.message_digest))

-- name: mark
UPDATE delivery SET state = 'in_flight', updated_at = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'claimed'

-- name: mark_by
UPDATE delivery SET state = 'in_flight', updated_at = ?3, account = ?4 WHERE id = ?1 AND fence = ?2 AND state = 'claimed'

-- name: is_marked
SELECT 1 FROM delivery WHERE id = ? AND fence = ? AND state = 'in_flight'

-- name: settle
-- ?1 to ?13 are the fields of a Result. Who goes back without any attempt has the time of their own again.
UPDATE delivery
SET state = ?5, attempts = ?6, due_at = iif(?5 = 'queued' AND ?6 = 0 AND ?8 = 0, send_at, ?8), reason = ?9, stage = ?10, code = ?11, enhanced = ?12, reply = ?13,
    updated_at = ?14, lease_until = NULL
WHERE id = ?2 AND fence = ?3 AND state = ?4

-- name: state_under_fence
SELECT state FROM delivery WHERE id = ? AND fence = ?

-- name: insert_attempt
INSERT INTO attempt (delivery, n, at, outcome, stage, code, enhanced, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: add_to_counter
INSERT INTO counter (campaign, state, n) VALUES (?, ?, ?)
ON CONFLICT (campaign, state) DO UPDATE SET n = n + excluded.n

-- name: first_claim
UPDATE campaign SET first_claim_at = ? WHERE number = ? AND first_claim_at IS NULL

-- name: settled_at
UPDATE campaign SET settled_at = ? WHERE number = ?

-- name: put_snapshot
INSERT INTO snapshot (campaign, at, body) VALUES (?, ?, ?)
ON CONFLICT (campaign) DO UPDATE SET at = excluded.at, body = excluded.body

-- name: next_due
SELECT due_at FROM delivery WHERE campaign = ? AND state IN ('queued', 'deferred') ORDER BY due_at, id LIMIT 1

-- name: next_due_bound
SELECT due_at FROM delivery INDEXED BY delivery_bound
WHERE campaign = ? AND bound = ? AND bound <> '' AND state IN ('queued', 'deferred') ORDER BY due_at, id LIMIT 1

-- name: cancellable
SELECT id, state, repeats IS NOT NULL FROM delivery
WHERE campaign = ? AND state IN ('queued', 'deferred') ORDER BY due_at, id LIMIT ?

-- name: cancellable_claimed
SELECT id, state, repeats IS NOT NULL FROM delivery
WHERE campaign = ? AND lease_until IS NOT NULL AND state = 'claimed' LIMIT ?

-- name: cancel
UPDATE delivery
SET state = iif(repeats IS NULL, 'cancelled', 'unknown'), lease_until = NULL, updated_at = ?,
    reason = iif(repeats IS NULL, 'cancelled',
                 'cancelled before it was sent again; the first copy may have arrived')
WHERE id IN (SELECT value FROM json_each(?))

-- name: own_times
SELECT id, send_at FROM delivery
WHERE campaign = :campaign AND state IN ('queued', 'deferred') AND due_at > :after AND due_at <= :until
  AND state = 'queued' AND due_at = send_at AND attempts = 0
ORDER BY due_at, id LIMIT :limit

-- name: expire
UPDATE delivery SET state = 'expired', reason = ?, updated_at = ? WHERE id = ?

-- name: set_state
-- The first time that one runs which was to begin at some time is when it did.
UPDATE campaign
SET state = :state, reason = :reason, held = :held, resume_at = :resume_at, at_wall = :at_wall,
    woke_at = iif(:state = 'running' AND coalesce(start_at, occurrence_at) IS NOT NULL, coalesce(woke_at, :now), woke_at)
WHERE number = :campaign

-- name: reschedule
UPDATE campaign
SET state = 'scheduled', start_at = :start_at, schedule = coalesce(:schedule, schedule), woke_at = NULL,
    reason = '', held = 0, resume_at = NULL, at_wall = 0
WHERE number = :campaign AND first_claim_at IS NULL AND state IN ('scheduled', 'paused', 'running')

-- name: set_terms
UPDATE campaign
SET plan = coalesce(:plan, plan), endpoint = coalesce(:endpoint, endpoint),
    message_digest = coalesce(:message_digest, message_digest), schedule = coalesce(:schedule, schedule),
    list = coalesce(:list, list), suppressed_to = iif(:list IS NULL, suppressed_to, 0)
WHERE number = :campaign

-- name: fix_encoding
UPDATE campaign SET encoding = ? WHERE number = ? AND encoding IS NULL

-- name: encoding
SELECT encoding FROM campaign WHERE number = ?

-- name: insert_event
INSERT INTO event (campaign, at, actor, kind, detail) VALUES (?, ?, ?, ?, ?)

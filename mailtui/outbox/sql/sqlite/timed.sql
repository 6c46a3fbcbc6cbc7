-- name: next_wake
SELECT min(at) FROM (
  SELECT min(start_at) AS at FROM campaign WHERE state = 'scheduled'
  UNION ALL SELECT min(resume_at) FROM campaign WHERE state = 'paused' AND resume_at IS NOT NULL
  UNION ALL SELECT min(next_at) FROM recurrence WHERE state = 'active')

-- name: absent_since
SELECT CAST(value AS REAL) FROM meta WHERE key = 'absent_since'

-- name: attended
DELETE FROM meta WHERE key = 'absent_since'

-- name: own_times_passed
SELECT count(*), min(send_at) FROM delivery
WHERE campaign = :campaign AND state IN ('queued', 'deferred') AND due_at > :after AND due_at <= :until
  AND state = 'queued' AND due_at = send_at AND attempts = 0

-- name: went_on_at
SELECT at FROM event WHERE campaign = ? AND kind IN ('launch', 'running') ORDER BY id DESC LIMIT 1

-- name: insert_recurrence
INSERT INTO recurrence (id, series, name, path, arguments, schedule, next_at, hooks, state, actor, created_at)
VALUES (:id, :series, :name, :path, :arguments, :schedule, :next_at, :hooks, 'active', :actor, :now)
ON CONFLICT (series) WHERE state <> 'ended' DO NOTHING

-- name: change_recurrence
UPDATE recurrence
SET state = coalesce(:state, state), reason = coalesce(:reason, reason), schedule = coalesce(:schedule, schedule),
    arguments = coalesce(:arguments, arguments), hooks = coalesce(:hooks, hooks),
    next_at = iif(:state = 'ended', NULL, coalesce(:next_at, next_at))
WHERE id = :id AND state <> 'ended'

-- name: advance_recurrence
UPDATE recurrence
SET next_at = :next_at, state = iif(:next_at IS NULL, 'ended', state), reason = :reason,
    last_at = iif(:ran, :from_at, last_at), runs = runs + :ran
WHERE id = :id AND state = 'active' AND next_at = :from_at

-- name: recurrences
SELECT id, series, name, path, arguments, schedule, next_at, state, reason, actor, created_at, last_at, runs, hooks
FROM recurrence ORDER BY next_at IS NULL, next_at, created_at, id

-- name: recurrence
SELECT id, series, name, path, arguments, schedule, next_at, state, reason, actor, created_at, last_at, runs, hooks
FROM recurrence WHERE id = ?

-- name: due_recurrences
SELECT id, series, name, path, arguments, schedule, next_at, state, reason, actor, created_at, last_at, runs, hooks
FROM recurrence WHERE state = 'active' AND next_at <= ? ORDER BY next_at, id

-- name: insert_notice
INSERT INTO notice (id, campaign, event, at, body, target, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4)
ON CONFLICT (id) DO NOTHING

-- name: notice_told
UPDATE notice SET state = :state, attempts = attempts + 1, due_at = :due_at, said = :said, told_at = :now WHERE id = :id

-- name: due_notices
SELECT id, campaign, event, at, body, target, state, attempts, due_at, said, told_at
FROM notice
WHERE state = 'waiting' AND due_at <= :now AND target NOT IN (SELECT value FROM json_each(:but))
ORDER BY due_at, rowid LIMIT :limit

-- name: notices_of_campaign
SELECT id, campaign, event, at, body, target, state, attempts, due_at, said, told_at
FROM notice WHERE campaign = ? ORDER BY rowid

-- name: notices_waiting
SELECT id, campaign, event, at, body, target, state, attempts, due_at, said, told_at
FROM notice WHERE state = 'waiting' ORDER BY rowid

-- name: move_notices
UPDATE notice SET at = at + :by, due_at = due_at + :by WHERE state = 'waiting'

-- name: notices_in_time
UPDATE notice SET at = min(at, :now), due_at = :now WHERE state = 'waiting' AND due_at > :latest

-- name: insert_event
INSERT INTO event (campaign, at, actor, kind, detail) VALUES (NULL, ?, ?, ?, ?)

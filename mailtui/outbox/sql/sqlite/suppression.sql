-- name: insert_suppression
INSERT INTO suppression (key, scope, reason, source, actor, added_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (scope, key) DO NOTHING

-- name: delete_suppression
DELETE FROM suppression WHERE scope = ? AND key IN (SELECT value FROM json_each(?))

-- name: insert_event
INSERT INTO event (campaign, at, actor, kind, detail) VALUES (NULL, ?, ?, ?, ?)

-- name: newest
SELECT coalesce(max(id), 0) FROM suppression

-- name: in_use
SELECT value FROM json_each(?) AS asked WHERE EXISTS (SELECT 1 FROM suppression WHERE scope = asked.value)

-- name: among
-- The oldest entry last, so that it is the one that is told.
SELECT s.key, s.scope, s.reason, s.added_at
FROM json_each(:keys) AS asked CROSS JOIN suppression s
WHERE s.scope IN (SELECT value FROM json_each(:scopes)) AND s.key = asked.value AND s.id > :after
ORDER BY s.id DESC

-- name: page
SELECT id, key, scope, reason, source, actor, added_at FROM suppression
WHERE id > :after AND (:scope IS NULL OR scope = :scope) AND instr(key, :search) > 0
ORDER BY id LIMIT :limit

-- name: counts
SELECT scope, count(*) FROM suppression GROUP BY scope

-- name: checked_to
SELECT suppressed_to, list, id FROM campaign WHERE number = ?

-- name: claimed_now
SELECT d.campaign, d.id, d.key, d.address, d.state, d.repeats IS NOT NULL, d.copy_of
FROM delivery d WHERE d.lease_until IS NOT NULL AND d.state = 'claimed'

-- name: to_check
SELECT d.campaign, d.id, d.key, d.address, d.state, d.repeats IS NOT NULL, d.copy_of
FROM delivery d NOT INDEXED WHERE d.id IN (SELECT value FROM json_each(?))

-- name: settle_suppressed
-- What the server said before is no reason any more; the attempts keep it.
UPDATE delivery
SET state = 'suppressed', reason = ?, lease_until = NULL, updated_at = ?,
    stage = NULL, code = NULL, enhanced = NULL, reply = NULL
WHERE id = ?

-- name: count_sent
INSERT INTO sent_slot (meter, slot, n) VALUES (?, ?, ?)
ON CONFLICT (meter, slot) DO UPDATE SET n = n + excluded.n

-- name: counted
INSERT INTO meter (meter, first_at, last_at) VALUES (?1, ?2, ?2)
ON CONFLICT (meter) DO UPDATE SET first_at = coalesce(first_at, excluded.first_at), last_at = excluded.last_at

-- name: sent_since
SELECT meter, slot, n FROM sent_slot WHERE slot >= ? ORDER BY meter, slot

-- name: meters
SELECT meter, limits, first_at, last_at, cap, cap_reason, cap_at, rests_until, at_once FROM meter ORDER BY meter

-- name: put_limits
INSERT INTO meter (meter, limits) VALUES (?, ?)
ON CONFLICT (meter) DO UPDATE SET limits = excluded.limits WHERE limits <> excluded.limits

-- name: set_cap
INSERT INTO meter (meter, cap, cap_reason, cap_at, rests_until, at_once)
VALUES (:meter, :cap, :reason, :at, :rests_until, :at_once)
ON CONFLICT (meter) DO UPDATE SET cap = excluded.cap, cap_reason = excluded.cap_reason, cap_at = excluded.cap_at,
                                  rests_until = excluded.rests_until, at_once = excluded.at_once

-- name: forget_sent
DELETE FROM sent_slot WHERE slot < ?

-- name: forget_meters
-- A campaign's meters, and those of recipient domains: an account's first mail is the first day of its warm-up.
DELETE FROM meter
WHERE limits = '' AND cap IS NULL AND rests_until IS NULL AND at_once IS NULL AND coalesce(last_at, 0) < :before
  AND (meter GLOB 'campaign:*' OR instr(meter, ' ') > 0)

-- name: all_sent
SELECT meter, slot, n FROM sent_slot

-- name: forget_all_sent
DELETE FROM sent_slot

-- name: sent_just_now
-- What is counted in slots that are still to come counts in this one.
INSERT INTO sent_slot (meter, slot, n)
SELECT meter, :slot, sum(n) FROM sent_slot WHERE slot > :slot GROUP BY meter
ON CONFLICT (meter, slot) DO UPDATE SET n = n + excluded.n

-- name: forget_to_come
DELETE FROM sent_slot WHERE slot > :slot

-- name: known_by_now
-- A rest lasts as long as it was to from now, where it was begun by a clock that was ahead.
UPDATE meter
SET rests_until = iif(cap_at > :now, rests_until - (cap_at - :now), rests_until),
    first_at = min(first_at, :now), last_at = min(last_at, :now), cap_at = min(cap_at, :now)
WHERE first_at > :now OR last_at > :now OR cap_at > :now

-- name: move_meters
UPDATE meter
SET first_at = first_at + :by, last_at = last_at + :by, cap_at = cap_at + :by, rests_until = rests_until + :by

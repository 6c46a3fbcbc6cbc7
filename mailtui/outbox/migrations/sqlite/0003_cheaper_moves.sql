-- What SQLite did for every moved row and need not do.
--
-- Where a constraint or the condition of an index names more than two values behind IN, SQLite builds a table of them
-- in memory each time a statement runs: eleven rows for the constraint and twice four for the index came to more than
-- the move itself. Alternatives joined by OR are compared in turn, so what is written most stands first. Only the text
-- of the constraint changes, nothing on the disk (sqlite.org/lang_altertable.html, section 7).
--
-- delivery.owner is not written any more: the lock says whose a claim is, and the fence whether it still holds.

PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql,
                  '(state IN (''queued'', ''claimed'', ''in_flight'', ''sent'', ''failed'', ''deferred'',
                                             ''unknown'', ''suppressed'', ''skipped'', ''cancelled'', ''expired''))',
                  '(state = ''in_flight'' OR state = ''sent'' OR state = ''claimed'' OR state = ''queued''
                                          OR state = ''deferred'' OR state = ''failed'' OR state = ''unknown''
                                          OR state = ''suppressed'' OR state = ''skipped''
                                          OR state = ''cancelled'' OR state = ''expired'')')
WHERE type = 'table' AND name = 'delivery';
PRAGMA writable_schema = RESET;

-- A query that is to use it has to spell its condition the same way.
DROP INDEX delivery_trouble;
CREATE INDEX delivery_trouble ON delivery (campaign, state)
  WHERE state IN ('failed', 'unknown') OR state IN ('deferred', 'expired');

-- What a recipient's mail carries beside its text, and mails that are copies of another recipient's.

-- JSON: [path, name, digest, size] of each file of this recipient's own; empty for none.
ALTER TABLE delivery ADD COLUMN files TEXT NOT NULL DEFAULT '';
-- JSON: [key, address] of the recipient whose mail this is a copy of; empty for a mail of one's own.
ALTER TABLE delivery ADD COLUMN copy_of TEXT NOT NULL DEFAULT '';
-- How many of the audience are copies, so that nobody counts rows for it.
ALTER TABLE campaign ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;

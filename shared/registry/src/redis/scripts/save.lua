-- Replaces the memo, or adds to it.
-- KEYS: record. ARGV: fence, memo. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
put_memo(KEYS[1], ARGV[2])
return 1

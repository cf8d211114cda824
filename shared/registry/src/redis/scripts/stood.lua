-- The owner has stood a session that it took.
-- KEYS: record. ARGV: fence. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[1], 'trial', 'times')
return 1

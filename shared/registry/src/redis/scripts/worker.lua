-- What is known of one worker.
-- KEYS: lives, infos, sessions, dead. ARGV: id. Returns its info, or an empty text when it does not live.
bury(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return '' end
return redis.call('HGET', KEYS[2], ARGV[1]) or ''

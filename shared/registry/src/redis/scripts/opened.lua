-- A session is up. The memo is taken unless an event has brought a later one already.
-- KEYS: record. ARGV: fence, memo. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'state', 'live')
if redis.call('HGET', KEYS[1], 'memo') == '' then redis.call('HSET', KEYS[1], 'memo', ARGV[2]) end
return 1

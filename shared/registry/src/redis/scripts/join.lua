-- The first heartbeat of a worker.
-- KEYS: lives, infos, sessions, dead. ARGV: id, ttl in ms, info as JSON, sessions. Returns 1, or 0 for an id that is dead.
local time = bury(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
if redis.call('ZSCORE', KEYS[4], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], time + ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
return 1

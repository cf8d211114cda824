-- A worker goes: it is dead at once.
-- KEYS: lives, infos, sessions, dead. ARGV: id. Returns 1.
local time = bury(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[4], 'NX', time, ARGV[1])
return 1

-- A session lives again: it does not count with those that have ended.
-- KEYS: times, expiries, sizes, bytes. ARGV: token. Returns 1 when it did.
local size = redis.call('HGET', KEYS[3], ARGV[1])
if not size then return 0 end
redis.call('DECRBY', KEYS[4], size)
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])

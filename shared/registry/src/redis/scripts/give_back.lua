-- Gives back what was taken from a bucket.
-- KEYS: bucket. ARGV: microseconds for one. Returns 1.
local full = redis.call('HGET', KEYS[1], 'full')
if full then redis.call('HSET', KEYS[1], 'full', text(math.max(0, tonumber(full) - tonumber(ARGV[1])))) end
return 1

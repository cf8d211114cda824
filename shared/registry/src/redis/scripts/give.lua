-- The owner gives the session away: it has not died of it.
-- KEYS: record. ARGV: fence, to, memo. Returns the new fence and the owner before, or nothing when it was not the owner's.
if not is_owned(KEYS[1], ARGV[1]) then return {} end
local from = redis.call('HGET', KEYS[1], 'owner')
local fence = text(tonumber(ARGV[1]) + 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'fence', fence, 'memo', ARGV[3])
redis.call('HDEL', KEYS[1], 'trial')
return { fence, from }

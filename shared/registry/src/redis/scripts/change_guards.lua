-- Replaces the guards of an account, if nobody has changed them since.
-- KEYS: guards. ARGV: the revision that was seen, and what they say. Returns 1, or 0.
local revision = redis.call('HGET', KEYS[1], 'revision') or '0'
if revision ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', tonumber(revision) + 1), 'book', ARGV[2])
return 1

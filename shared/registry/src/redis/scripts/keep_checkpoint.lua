-- Keeps a checkpoint behind the last one.
-- KEYS: checkpoints. ARGV: the last one, empty if there is none; the new one; how many are kept.
-- Returns 1, or 0 when another one is the last.
local last = redis.call('LINDEX', KEYS[1], -1) or ''
if last ~= ARGV[1] then return 0 end
redis.call('RPUSH', KEYS[1], ARGV[2])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[3]), -1)
return 1

-- Takes a token off a list, unless somebody is about to make a session of it or has made one under a higher fence.
-- KEYS: list. ARGV: token, fence. Returns 1 when it was taken off.
local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '-1')
if score < 0 or score > tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])

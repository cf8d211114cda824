-- Takes a ticket. KEYS: contents, ends. ARGV: name. Returns its content, or nothing.
local content = redis.call('HGET', KEYS[1], ARGV[1])
local over = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0')
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if content and over > now() then return content end
return false

-- Keeps a ticket for a while. KEYS: contents, ends. ARGV: name, content, for how long in ms, most at once.
-- Returns 0 if there are too many.
local time = now()
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time, 'LIMIT', 0, 1000)) do
  redis.call('HDEL', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], time + tonumber(ARGV[3]), ARGV[1])
-- The last of them are gone with their time.
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
end
return 1

-- A session has ended: what is left of it counts. Where that is too much, the oldest are named, to be forgotten.
-- KEYS: times, expiries, sizes, bytes. ARGV: token, bytes, when it expires in ms, most sessions, most bytes, most to name.
-- Returns tokens.
local time = now()
local function discount(token)
  redis.call('DECRBY', KEYS[4], redis.call('HGET', KEYS[3], token) or 0)
  redis.call('HDEL', KEYS[3], token)
  redis.call('ZREM', KEYS[1], token)
  redis.call('ZREM', KEYS[2], token)
end
local function is_over()
  return redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[4])
    or tonumber(redis.call('GET', KEYS[4])) > tonumber(ARGV[5])
end
discount(ARGV[1])
redis.call('INCRBY', KEYS[4], ARGV[2])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], time, ARGV[1])
redis.call('ZADD', KEYS[2], time + tonumber(ARGV[3]), ARGV[1])
local most = tonumber(ARGV[6])
for _, token in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time, 'LIMIT', 0, most)) do discount(token) end
local named = {}
while #named < most and is_over() do
  local token = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  -- What was counted is not there.
  if not token then
    redis.call('SET', KEYS[4], 0)
    break
  end
  discount(token)
  named[#named + 1] = token
end
return named

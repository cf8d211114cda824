-- Notes that API keys were used.
-- KEYS: records, tenants, ends, uses, counts, stamp. ARGV: of each its id, and when in ms.
for index = 1, #ARGV, 2 do
  local id, time = ARGV[index], ARGV[index + 1]
  local last = tonumber(redis.call('HGET', KEYS[4], id) or '0')
  if redis.call('HEXISTS', KEYS[1], id) == 1 and tonumber(time) > last then redis.call('HSET', KEYS[4], id, time) end
end
return 1

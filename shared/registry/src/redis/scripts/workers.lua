-- All workers that live.
-- KEYS: lives, infos, sessions, dead. Returns id, info, sessions of each, in one row.
bury(KEYS[1], KEYS[2], KEYS[3], KEYS[4])
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', KEYS[2], id) or '{}'
  found[#found + 1] = redis.call('HGET', KEYS[3], id) or '0'
end
return found

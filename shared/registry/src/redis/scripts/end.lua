-- The session is over: its events, its journal and its memo go. What may bring it back goes into a key of its own that
-- expires in time; the fence stays longer.
-- KEYS: record, kept, log, journal, begun, then keys, times and bytes of both kinds.
-- ARGV: fence, for how long login data are kept in ms (0: not), and the fence.
-- Returns owner, account and the bytes of what is left, or nothing when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return {} end
local own = redis.call('HMGET', KEYS[1], 'owner', 'account', 'sealed')
redis.call('HSET', KEYS[1], 'state', 'ended')
redis.call('HDEL', KEYS[1], 'sealed', 'memo', 'early')
redis.call('DEL', KEYS[2])
local keep, stay = tonumber(ARGV[2]), tonumber(ARGV[3])
if keep > 0 then
  redis.call('HSET', KEYS[2], 'sealed', own[3])
  redis.call('PEXPIRE', KEYS[2], keep)
end
redis.call('PEXPIRE', KEYS[1], math.max(keep, stay))
for index = 3, 5 do redis.call('DEL', KEYS[index]) end
local bytes = 0
for _, key in ipairs(KEYS) do bytes = bytes + (redis.call('MEMORY', 'USAGE', key) or 0) end
return { own[1], own[2], text(bytes) }

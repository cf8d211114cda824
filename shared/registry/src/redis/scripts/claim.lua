-- Takes a session from a dead owner. One that was only opening is removed; its fence stays.
-- KEYS: record, log, journal, begun. ARGV: from, to, for how long a fence stays in ms.
-- Returns 'yes' and the record as record.lua tells it; or 'other'; or 'gone', with the fence of what was removed.
local own = redis.call('HMGET', KEYS[1], 'account', 'owner', 'fence', 'state', 'sealed', 'memo')
if not own[4] or own[4] == 'ended' then return { 'gone' } end
if own[2] ~= ARGV[1] then return { 'other' } end
if own[4] == 'opening' then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  redis.call('HSET', KEYS[1], 'state', 'ended', 'fence', own[3], 'account', own[1], 'owner', own[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 'gone', own[3], own[1] }
end
local fence = text(tonumber(own[3]) + 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'fence', fence)
return { 'yes', own[1], ARGV[2], fence, own[4], own[5], own[6] }

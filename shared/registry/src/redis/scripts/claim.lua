-- Takes a session from a dead owner, or from the caller in an earlier life. One that was only opening is removed; its
-- fence stays. An owner that died while it had the session on trial is counted against it.
-- KEYS: record, log, journal, begun. ARGV: from, to, for how long a fence stays in ms, 1 if the owner is dead (0: it was the
-- caller); within how many ms a second death counts, and the first and the longest quarantine in ms.
-- Returns 'yes', 1 if it was in quarantine, and the record as record.lua tells it; or 'other'; or 'gone', with fence and
-- account of what was removed; or 'quarantined', for how many ms more, and the fence.
local own = redis.call('HMGET', KEYS[1], 'account', 'owner', 'fence', 'state', 'sealed', 'memo')
if not own[4] or own[4] == 'ended' then return { 'gone' } end
if own[2] ~= ARGV[1] then return { 'other' } end
if own[4] == 'opening' then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
  redis.call('HSET', KEYS[1], 'state', 'ended', 'fence', own[3], 'account', own[1], 'owner', own[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 'gone', own[3], own[1] }
end
local was = '0'
if ARGV[4] == '1' then
  local time = now()
  local trial = redis.call('HMGET', KEYS[1], 'trial', 'died', 'times', 'until')
  if trial[4] and tonumber(trial[4]) > time then
    return { 'quarantined', text(tonumber(trial[4]) - time), own[3] }
  end
  if trial[1] then
    redis.call('HDEL', KEYS[1], 'trial')
    redis.call('HSET', KEYS[1], 'died', text(time))
    local times = tonumber(trial[3] or '0')
    if times > 0 or (trial[2] and time - tonumber(trial[2]) < tonumber(ARGV[5])) then
      local span = math.min(tonumber(ARGV[6]) * 2 ^ times, tonumber(ARGV[7]))
      redis.call('HSET', KEYS[1], 'times', text(times + 1), 'until', text(time + span))
      return { 'quarantined', text(span), own[3] }
    end
  end
  if trial[4] then was = '1' end
  redis.call('HDEL', KEYS[1], 'until')
  redis.call('HSET', KEYS[1], 'trial', '1')
end
local fence = text(tonumber(own[3]) + 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'fence', fence)
return { 'yes', was, own[1], ARGV[2], fence, own[4], own[5], own[6] }

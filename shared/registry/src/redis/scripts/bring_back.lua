-- Makes a session again that was forgotten. One that was brought back by somebody who knew a lower fence is taken over;
-- its journal and keys stay then, for they tell what its maker has sent.
-- KEYS: record, log. ARGV: account, known fence, sealed, memo, to.
-- Returns the new fence, or an empty text when the session is not to be had.
local old = redis.call('HMGET', KEYS[1], 'state', 'fence', 'origin', 'owner', 'journal_bytes')
local known = tonumber(ARGV[2])
local above = known
if old[1] then
  if old[1] == 'ended' or not old[3] then return '' end
  -- The answer to the first attempt was lost on its way.
  if tonumber(old[3]) == known and old[4] == ARGV[5] then return old[2] end
  if tonumber(old[3]) >= known then return '' end
  above = math.max(above, tonumber(old[2]))
end
local fence = math.max(now(), above + 1)
local begin = text(fence) .. '-0'
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'state', 'live', 'fence', text(fence), 'account', ARGV[1], 'owner', ARGV[5],
  'sealed', ARGV[3], 'memo', ARGV[4], 'origin', ARGV[2],
  'log_first', text(fence), 'log_end', begin, 'log_cut', begin, 'log_whole', '0')
-- The journal stays, and what it counts.
if old[5] then redis.call('HSET', KEYS[1], 'journal_bytes', old[5]) end
return text(fence)

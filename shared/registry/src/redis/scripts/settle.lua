-- Writes what came of a trade request. A later word on one that is settled replaces the earlier one.
-- One that was not begun is remembered, so that it is not begun any more.
-- KEYS: record, begun, journal. ARGV: fence, number, outcome, how many settled ones are kept, how many bytes of them, how many
-- that were not begun.
-- Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local begun = redis.call('HDEL', KEYS[2], ARGV[2], ARGV[2] .. ':key')
local bytes = tonumber(redis.call('HGET', KEYS[1], 'journal_bytes') or '0')
if begun == 0 then
  local earlier
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[3], '+', '-')) do
    if entry[2][2] == ARGV[2] then
      earlier = entry
      break
    end
  end
  if not earlier then
    local early = redis.call('HGET', KEYS[1], 'early') or ','
    if string.find(early, ',' .. ARGV[2] .. ',', 1, true) then return 1 end
    early = early .. ARGV[2] .. ','
    local _, count = string.gsub(early, '%d+', '')
    if count > tonumber(ARGV[6]) then early = string.gsub(early, '^,%d+', '', 1) end
    redis.call('HSET', KEYS[1], 'early', early)
    return 1
  end
  redis.call('XDEL', KEYS[3], earlier[1])
  bytes = bytes - #earlier[2][4]
end
redis.call('XADD', KEYS[3], '*', 'number', ARGV[2], 'outcome', ARGV[3])
bytes = bytes + #ARGV[3]
while redis.call('XLEN', KEYS[3]) > tonumber(ARGV[4]) or bytes > tonumber(ARGV[5]) do
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1]
  -- What was counted is not there.
  if not oldest then
    bytes = 0
    break
  end
  redis.call('XDEL', KEYS[3], oldest[1])
  bytes = bytes - #oldest[2][4]
end
redis.call('HSET', KEYS[1], 'journal_bytes', bytes)
return 1

-- Writes what came of a trade request. A later word on one that is settled replaces the earlier one.
-- KEYS: record, begun, journal. ARGV: fence, number, outcome, how many settled ones are kept.
-- Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local request = redis.call('HGET', KEYS[2], ARGV[2])
if not request then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[3], '+', '-')) do
    if entry[2][2] == ARGV[2] then
      request = entry[2][4]
      redis.call('XDEL', KEYS[3], entry[1])
      break
    end
  end
end
if not request then return 1 end
redis.call('XADD', KEYS[3], 'MAXLEN', '=', ARGV[4], '*', 'number', ARGV[2], 'request', request, 'outcome', ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[2], ARGV[2] .. ':key')
return 1

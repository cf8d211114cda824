-- Appends events to the log, tells them, and replaces the memo.
-- KEYS: record, log, channel. ARGV: fence, memo, PUBLISH or SPUBLISH, how many events are kept, for how long in ms,
-- then position and event of each. Returns 1, or 0 when the session is not the caller's or a position is not above the end.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local own = redis.call('HMGET', KEYS[1], 'log_end', 'log_cut', 'log_whole')
local last, cut, whole = own[1], own[2], own[3]
local before = last
for index = 6, #ARGV, 2 do
  local epoch = parts(ARGV[index])
  if text(epoch) ~= ARGV[1] or not is_after(ARGV[index], before) then return 0 end
  before = ARGV[index]
end

redis.call('HSET', KEYS[1], 'memo', ARGV[2])
if #ARGV < 6 then return 1 end

-- The log expired while the session was silent: all of it is lost.
if is_after(last, cut) and redis.call('EXISTS', KEYS[2]) == 0 then cut, whole = last, '0' end
for index = 6, #ARGV, 2 do
  local epoch, offset = parts(ARGV[index])
  local last_epoch, last_offset = parts(last)
  -- A hole: what stood there was lost by the server.
  if offset ~= (epoch == last_epoch and last_offset + 1 or 1) then
    cut, whole = text(epoch) .. '-' .. text(offset - 1), '0'
  end
  redis.call('XADD', KEYS[2], ARGV[index], 'event', ARGV[index + 1])
  redis.call(ARGV[3], KEYS[3], ARGV[index + 1])
  last = ARGV[index]
end
local excess = redis.call('XLEN', KEYS[2]) - tonumber(ARGV[4])
if excess > 0 then
  local trimmed = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', excess)
  local highest = trimmed[#trimmed][1]
  if is_after(highest, cut) then cut = highest end
  whole = '0'
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '=', ARGV[4])
end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('HSET', KEYS[1], 'log_end', last, 'log_cut', cut, 'log_whole', whole)
return 1

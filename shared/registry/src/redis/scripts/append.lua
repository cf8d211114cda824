-- Appends events to the log, tells them, and replaces the memo or adds to it.
-- KEYS: record, log, channel. ARGV: fence, memo, PUBLISH or SPUBLISH, for how long events are kept in ms; of these at
-- most how many, their bytes, the bytes of the last whole one with what builds on it, and what each costs beside itself;
-- then position, 'whole' or 'change', event and what is told of each.
-- Returns 1, or 0 when the session is not the caller's or a position is not above the end.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local own = redis.call('HMGET', KEYS[1], 'log_end', 'log_cut', 'log_whole', 'log_bytes', 'log_tail')
local last, cut, whole = own[1], own[2], own[3]
local bytes, tail = tonumber(own[4] or '0'), tonumber(own[5] or '0')
local before = last
for index = 9, #ARGV, 4 do
  local epoch = parts(ARGV[index])
  if text(epoch) ~= ARGV[1] or not is_after(ARGV[index], before) then return 0 end
  before = ARGV[index]
end

put_memo(KEYS[1], ARGV[2])
if #ARGV < 9 then return 1 end

local most, most_bytes, most_tail, each = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local count = redis.call('XLEN', KEYS[2])
local function cut_at(position)
  if is_after(position, cut) then cut = position end
  whole = '0'
end
-- The log expired while the session was silent: all of it is lost.
if count == 0 then bytes, tail = 0, 0 end
if is_after(last, cut) and count == 0 then cut_at(last) end
for index = 9, #ARGV, 4 do
  local position, name, event = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local epoch, offset = parts(position)
  local last_epoch, last_offset = parts(last)
  -- A hole: what stood there was lost by the server.
  local is_hole = offset ~= (epoch == last_epoch and last_offset + 1 or 1)
  if is_hole then cut, whole = text(epoch) .. '-' .. text(offset - 1), '0' end
  last = position
  local cost = #event + each
  if name == 'whole' then tail = cost else tail = tail + cost end
  if (name == 'whole' or (count > 0 and not is_hole)) and tail <= most_tail then
    redis.call('XADD', KEYS[2], position, name, event)
    count, bytes = count + 1, bytes + cost
  else
    -- What it builds on is not here, or too much.
    redis.call('DEL', KEYS[2])
    count, bytes, tail = 0, 0, 0
    cut_at(position)
  end
  redis.call(ARGV[3], KEYS[3], ARGV[index + 3])
end

-- The oldest of too many go, and those that build on them.
while (count > most or bytes > most_bytes) and bytes > tail do
  local gone, oldest = 0, redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 128)
  -- What was counted is not there.
  if #oldest == 0 then
    bytes, tail = 0, 0
    break
  end
  for _, entry in ipairs(oldest) do
    local is_enough = count - gone <= most and bytes <= most_bytes
    if entry[2][1] == 'whole' and gone > 0 and (is_enough or bytes <= tail) then break end
    gone, bytes = gone + 1, bytes - #entry[2][2] - each
    cut_at(entry[1])
  end
  count = count - gone
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '=', count)
  -- What is left of a row of changes is of no use without its beginning.
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  while first and first[2][1] ~= 'whole' do
    redis.call('XDEL', KEYS[2], first[1])
    count, bytes = count - 1, bytes - #first[2][2] - each
    cut_at(first[1])
    first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  end
end
if count > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
redis.call('HSET', KEYS[1], 'log_end', last, 'log_cut', cut, 'log_whole', whole, 'log_bytes', bytes, 'log_tail', tail)
return 1

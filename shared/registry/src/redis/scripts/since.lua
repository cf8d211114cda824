-- What was told after a position.
-- KEYS: record, log. ARGV: position. Returns 0 or 1 (something is missing), the log's end, then position and event of
-- what the first one builds on, from a whole one on, and of those after the position.
local own = redis.call('HMGET', KEYS[1], 'log_end', 'log_cut', 'log_whole', 'log_first', 'fence')
local last, cut, whole = own[1], own[2], own[3]
if not last then return { '1', '0-0' } end
if is_after(last, cut) and redis.call('EXISTS', KEYS[2]) == 0 then cut, whole = last, '0' end
local is_cut
if ARGV[1] == '0-0' then
  is_cut = whole == '0'
else
  -- Owners follow each other by fences without a hole, so every epoch of this log lies between its first and the present.
  local epoch = parts(ARGV[1])
  is_cut = epoch < tonumber(own[4]) or epoch > tonumber(own[5]) or is_after(cut, ARGV[1])
end
local events = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1], '+')
local base, from = {}, ARGV[1]
while events[1] and events[1][2][1] ~= 'whole' and not (base[1] and base[#base][2][1] == 'whole') do
  local earlier = redis.call('XREVRANGE', KEYS[2], from, '-', 'COUNT', 32)
  if #earlier == 0 then break end
  for _, entry in ipairs(earlier) do
    base[#base + 1] = entry
    if entry[2][1] == 'whole' then break end
  end
  from = '(' .. base[#base][1]
end
local found = { is_cut and '1' or '0', last }
local function put(entry)
  found[#found + 1] = entry[1]
  found[#found + 1] = entry[2][2]
end
for index = #base, 1, -1 do put(base[index]) end
for _, entry in ipairs(events) do put(entry) end
return found

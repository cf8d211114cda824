-- Writes lines of a record behind the last one.
-- KEYS: log, size. ARGV: number of the last line, most bytes, greatest age in ms; then the lines.
-- Returns 1, or 0 when that line is not the last one.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local number = last and tonumber(string.match(last[1], '^%d+')) or 0
if number ~= tonumber(ARGV[1]) then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local bytes = tonumber(redis.call('GET', KEYS[2]) or '0')
for index = 4, #ARGV do
  number = number + 1
  redis.call('XADD', KEYS[1], string.format('%.0f-0', number), 'line', ARGV[index], 'at', string.format('%.0f', now))
  bytes = bytes + #ARGV[index]
end

-- The oldest of too many go, some at a time; the last one stays, since the next goes on from it.
for _ = 1, 256 do
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  local is_old = tonumber(first[2][4]) < now - tonumber(ARGV[3])
  if first[1] == string.format('%.0f-0', number) or not (is_old or bytes > tonumber(ARGV[2])) then break end
  redis.call('XDEL', KEYS[1], first[1])
  bytes = math.max(0, bytes - #first[2][2])
end
redis.call('SET', KEYS[2], string.format('%.0f', bytes))
return 1

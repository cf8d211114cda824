-- Takes tokens off a list whose sessions were found to be forgotten, unless they were put on it anew meanwhile.
-- KEYS: list. ARGV: how old in ms a listing without a fence must be, then tokens and the scores they were seen with.
-- Returns how many were taken off.
local count, time = 0, now()
for index = 2, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[index])
  if score and tonumber(score) == tonumber(ARGV[index + 1]) then
    if tonumber(score) >= 0 or time + tonumber(score) > tonumber(ARGV[1]) then
      count = count + redis.call('ZREM', KEYS[1], ARGV[index])
    end
  end
end
return count

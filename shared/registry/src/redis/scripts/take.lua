-- Takes from a bucket (the generic cell rate algorithm: what is stored is when the bucket will be full again).
-- KEYS: bucket. ARGV: microseconds for one, burst, password or an empty text, refusals that bar.
-- Returns 'go'; 'wait' and microseconds; 'barred' and refusals.
local own = redis.call('HMGET', KEYS[1], 'full', 'password', 'refusals', 'until')
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
if ARGV[3] ~= '' and own[2] == ARGV[3] and tonumber(own[4]) > now_us / 1000 then
  if tonumber(own[3]) >= tonumber(ARGV[4]) then return { 'barred', own[3] } end
end
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(own[1] or '0'), now_us)
local wait = full + each - (now_us + each * burst)
if wait > 0 then return { 'wait', text(wait) } end
redis.call('HSET', KEYS[1], 'full', text(full + each))
-- A bucket that is full again is as good as none; refusals stay for as long as they are remembered.
local stay = math.max(math.ceil((full + each - now_us) / 1000), tonumber(own[4] or '0') - now_us / 1000)
redis.call('PEXPIRE', KEYS[1], text(math.ceil(stay) + 1000))
return { 'go' }

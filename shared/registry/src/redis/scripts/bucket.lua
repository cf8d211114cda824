-- Looks into a bucket.
-- KEYS: bucket. ARGV: microseconds for one, burst. Returns how many could be taken now, and refusals.
local own = redis.call('HMGET', KEYS[1], 'full', 'refusals', 'until')
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local owed = math.max(tonumber(own[1] or '0') - now_us, 0)
local free = math.max(math.floor((tonumber(ARGV[1]) * tonumber(ARGV[2]) - owed) / tonumber(ARGV[1])), 0)
local refusals = own[2] and tonumber(own[3]) > now_us / 1000 and tonumber(own[2]) or 0
return { free, refusals }

-- Draws from a token bucket: what is stored is how long it took to be full again, and since when.
-- KEYS: bucket. ARGV: quota, microseconds in which it comes back, how much is needed, how much at most.
-- Returns 'granted' and how much; 'wait' and microseconds.
local quota, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local need, most = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local own = redis.call('HMGET', KEYS[1], 'owed', 'since')
-- A clock that was set back adds nothing.
local passed = math.max(now_us - tonumber(own[2] or '0'), 0)
local owed = math.max(tonumber(own[1] or '0') - passed, 0)
local wait = math.ceil(owed + math.min(need, quota) * window / quota - window)
if wait > 0 then return { 'wait', text(wait) } end
local granted = math.max(math.min(math.floor((window - owed) * quota / window), most), need)
owed = math.ceil(owed + granted * window / quota)
redis.call('HSET', KEYS[1], 'owed', text(owed), 'since', text(now_us))
redis.call('PEXPIRE', KEYS[1], text(math.ceil(owed / 1000) + 1))
return { 'granted', text(granted) }

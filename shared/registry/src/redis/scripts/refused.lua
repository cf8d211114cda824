-- A password was refused.
-- KEYS: bucket of the account. ARGV: password, for how long it is remembered in ms. Returns how often by now.
local own = redis.call('HMGET', KEYS[1], 'password', 'refusals', 'until')
local time, count = now(), 1
if own[1] == ARGV[1] and tonumber(own[3]) > time then count = tonumber(own[2]) + 1 end
redis.call('HSET', KEYS[1], 'password', ARGV[1], 'refusals', count, 'until', text(time + tonumber(ARGV[2])))
local stays = redis.call('PTTL', KEYS[1])
if stays < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], text(tonumber(ARGV[2]) + 1000)) end
return count

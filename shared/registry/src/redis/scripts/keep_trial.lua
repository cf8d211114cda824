-- Keeps when the service was first started, and the latest time that was believed: the earlier and the later one.
-- KEYS: trial. ARGV: both, in seconds since 1970. Returns what is kept then.
local kept = redis.call('HMGET', KEYS[1], 'began', 'mark')
local began, mark = ARGV[1], ARGV[2]
if tonumber(kept[1] or began) < tonumber(began) then began = kept[1] end
if tonumber(kept[2] or mark) > tonumber(mark) then mark = kept[2] end
redis.call('HSET', KEYS[1], 'began', began, 'mark', mark)
return { began, mark }

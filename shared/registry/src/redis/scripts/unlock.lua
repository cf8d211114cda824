-- Gives a turn back, if it is still the holder's.
-- KEYS: turn. ARGV: holder. Returns 1 when it was.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])

-- Ends the quarantine of a session: whoever is next may take it.
-- KEYS: record. Returns 1, or 0 when it is in none.
if redis.call('HEXISTS', KEYS[1], 'until') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'until', text(now()))
return 1

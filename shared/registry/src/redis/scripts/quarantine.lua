-- What is to be known of a session in quarantine.
-- KEYS: record. Returns account, owner, how often it was put there, and for how many ms more; nothing if it is in none.
local own = redis.call('HMGET', KEYS[1], 'account', 'owner', 'times', 'until', 'state')
if not own[4] or own[5] ~= 'live' then return {} end
return { own[1], own[2], own[3] or '0', text(math.max(0, tonumber(own[4]) - now())) }
